"""Azure ML command jobs: render without a network, and a client that signs in as you, or as the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.azureml.backend import AzureMLBackend
    from dispatcher.contract import AzureZone


def open_zone(zone: AzureZone, *, identity: str, user: str, environment: str, regime: str) -> AzureMLBackend:
    """Return the backend of one Azure zone; nothing of Azure's is loaded until a call needs it."""
    from dispatcher.backends.azureml.backend import AzureMLBackend

    return AzureMLBackend(zone, identity=identity, user=user, environment=environment, regime=regime)
