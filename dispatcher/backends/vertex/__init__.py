"""Vertex AI custom jobs: render without a network, and a client that acts as the zone's agent service account."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.vertex.backend import VertexBackend
    from dispatcher.contract import GcpZone


def open_zone(zone: GcpZone, *, identity: str, user: str, environment: str, regime: str) -> VertexBackend:
    """Return the backend of one GCP zone; nothing of Google's is loaded until a call needs it."""
    from dispatcher.backends.vertex.backend import VertexBackend

    return VertexBackend(zone, identity=identity, user=user, environment=environment, regime=regime)
