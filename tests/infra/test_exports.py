"""The outputs people and the dispatcher read, made from a zone without an engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi

from dispatcher import contract
from infra import config, exports
from tests.infra.stacks import stack

GOLDEN = Path(__file__).parents[1] / "golden/contracts"


def outputs(*names: str) -> dict[str, Any]:
    """The exports of a stack with a golden zone under each of these names: that of the cloud it begins with."""
    golden = {
        cloud: next(iter(contract.parse(json.loads((GOLDEN / f"{cloud}.json").read_text())).zones.values()))
        for cloud in ("aws", "gcp")
    }
    environment = config.read(stack(), "eu")

    async def resolved() -> dict[str, Any]:
        zones: Mapping[str, pulumi.Output[contract.Zone]] = {
            n: pulumi.Output.from_input(golden[n[:3]]) for n in names
        }
        made = exports.of(environment, zones, datetime(2026, 11, 21, 8, tzinfo=UTC))
        return {name: await value.future() for name, value in made.items()}

    return asyncio.run(resolved())


def test_the_exported_contract_is_one_the_dispatcher_accepts() -> None:
    exported = outputs("aws-euc1", "aws-euw1")["contract"]
    parsed = contract.parse(json.loads(json.dumps(exported)))
    assert list(parsed.zones) == ["aws-euc1", "aws-euw1"]
    assert parsed.updated_at == "2026-11-21T08:00:00Z"


def test_one_zone_exports_plain_values_and_several_export_maps() -> None:
    url = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/aws-euc1-images-1a2b3c"
    assert outputs("aws-1")["registryUrl"] == url
    assert outputs("aws-1", "aws-2")["registryUrl"] == {"aws-1": url, "aws-2": url}


def test_zones_of_several_clouds_are_told_side_by_side() -> None:
    found = outputs("aws-euc1", "gcp-euw4")
    parsed = contract.parse(json.loads(json.dumps(found["contract"])))
    assert {name: zone.cloud for name, zone in parsed.zones.items()} == {"aws-euc1": "aws", "gcp-euw4": "gcp"}
    assert found["executionIdentity"]["gcp-euw4"] == "gcp-euw4-execution@acme-ml-eu.iam.gserviceaccount.com"
    assert set(found["dataBucket"]) == {"aws-euc1", "gcp-euw4"}
