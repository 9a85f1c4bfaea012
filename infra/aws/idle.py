"""What a zone costs while no job runs."""

from __future__ import annotations

from infra.settings import Zone


def tell(zone: Zone) -> None:
    """Print the zone's idle cost at preview."""
