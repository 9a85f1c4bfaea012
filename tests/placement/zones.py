"""Zones and wishes for placement tests: the golden zone with the limits a test needs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from dispatcher.contract import AwsZone, AzureZone, Compute, GcpZone, Limits, NetworkMode, parse
from dispatcher.job import Job, Resources
from dispatcher.queue import Queue

CONTRACTS = Path(__file__).parents[1] / "golden" / "contracts"


def zone(*types: str, max_nodes: int = 16, compute: tuple[Compute, ...] = ()) -> AwsZone:
    """Return the golden AWS zone, allowing `types` (none: any) and offering `compute`."""
    found = parse(json.loads((CONTRACTS / "aws.json").read_text())).zones["aws-euc1"]
    assert isinstance(found, AwsZone)
    return dataclasses.replace(found, limits=Limits(instance_types=types, max_nodes=max_nodes), compute=compute)


def gcp(*types: str, max_nodes: int = 16, compute: tuple[Compute, ...] = ()) -> GcpZone:
    """Return the golden GCP zone, allowing `types` (none: any) and offering `compute`."""
    found = parse(json.loads((CONTRACTS / "gcp.json").read_text())).zones["gcp-euw4"]
    assert isinstance(found, GcpZone)
    return dataclasses.replace(found, limits=Limits(instance_types=types, max_nodes=max_nodes), compute=compute)


def azure(
    *types: str, max_nodes: int = 16, compute: tuple[Compute, ...] = (), network: NetworkMode = "public"
) -> AzureZone:
    """Return the golden Azure zone, allowing `types` (none: any) and offering `compute`, public unless said."""
    found = parse(json.loads((CONTRACTS / "azure.json").read_text())).zones["azure-weu"]
    assert isinstance(found, AzureZone)
    return dataclasses.replace(
        found,
        limits=Limits(instance_types=types, max_nodes=max_nodes),
        compute=compute,
        network=dataclasses.replace(found.network, mode=network),
    )


def job(**wishes: object) -> Job:
    """Return a job that asks for `wishes` (fields of Resources)."""
    return Job(image="train", command=("python", "train.py"), resources=Resources(**wishes))  # type: ignore[arg-type] # each test names real fields


QUEUE = Queue("training", "aws-euc1")
