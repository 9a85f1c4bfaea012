"""The stack's outputs: the contract for the dispatcher, and a few plain names for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import pulumi

from dispatcher import contract
from infra.settings import Environment

FLAT: Mapping[str, Callable[[Any], str]] = {
    "registryUrl": lambda zone: zone.registry.url,
    "dataBucket": lambda zone: zone.buckets.data.name,
    "outputBucket": lambda zone: zone.buckets.output.name,
    "checkpointsBucket": lambda zone: zone.buckets.checkpoints.name,
    "executionIdentity": lambda zone: zone.identities.execution,
    "agentIdentity": lambda zone: zone.identities.agent,
}


def of(
    environment: Environment, zones: Mapping[str, pulumi.Output[contract.Zone]], now: datetime
) -> dict[str, pulumi.Output[Any]]:
    """Every output by name. A flat one is a plain value with one zone, and a map by zone name with several."""

    def whole(found: Mapping[str, contract.Zone]) -> dict[str, Any]:
        moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        built = contract.Contract(
            contract.VERSION, moment, environment.environment, environment.regime, dict(found)
        )
        return contract.as_json(built)

    def flat(read: Callable[[Any], str], found: Mapping[str, contract.Zone]) -> str | dict[str, str]:
        values = {name: read(zone) for name, zone in found.items()}
        return next(iter(values.values())) if len(values) == 1 else values

    together: pulumi.Output[dict[str, contract.Zone]] = pulumi.Output.all(**zones)
    outputs: dict[str, pulumi.Output[Any]] = {"contract": together.apply(whole)}
    for name, read in FLAT.items():
        outputs[name] = together.apply(partial(flat, read))
    return outputs
