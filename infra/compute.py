"""What jobs may ask for in a zone of any cloud, told in the contract's own types."""

from __future__ import annotations

from dispatcher import contract
from infra.settings import Zone


def offered(zone: Zone) -> tuple[contract.Compute, ...]:
    """The hardware that queues may name."""
    return tuple(contract.Compute(c.name, c.instance, c.min, c.max, c.tier) for c in zone.compute)


def limits(zone: Zone) -> contract.Limits:
    """What one job may ask for; run time in seconds."""
    return contract.Limits(zone.instance_types, zone.max_nodes, zone.max_runtime_hours * 3600)


def controls(zone: Zone) -> contract.Controls:
    """The rules that the dispatcher enforces on every request."""
    wandb = contract.WandbControls(zone.wandb.host, zone.wandb.route, zone.wandb.mode)
    return contract.Controls(zone.network_isolation, wandb, zone.retention_days)
