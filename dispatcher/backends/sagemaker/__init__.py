"""SageMaker training jobs: render without a network, and a client that acts as the zone's agent role."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.sagemaker.backend import SagemakerBackend
    from dispatcher.contract import AwsZone


def open_zone(zone: AwsZone, *, identity: str, user: str, environment: str, regime: str) -> SagemakerBackend:
    """Return the backend of one AWS zone; nothing is loaded from boto3 until a call needs it."""
    from dispatcher.backends.sagemaker.backend import SagemakerBackend

    return SagemakerBackend(zone, identity=identity, user=user, environment=environment, regime=regime)
