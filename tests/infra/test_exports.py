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

GOLDEN = Path(__file__).parents[1] / "golden/contracts/aws.json"


def outputs(*names: str) -> dict[str, Any]:
    """The exports of a stack with the golden zone under each of these names."""
    [golden] = contract.parse(json.loads(GOLDEN.read_text())).zones.values()
    environment = config.read(stack(), "eu")

    async def resolved() -> dict[str, Any]:
        zones: Mapping[str, pulumi.Output[contract.Zone]] = {n: pulumi.Output.from_input(golden) for n in names}
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
    assert outputs("one")["registryUrl"] == url
    assert outputs("one", "two")["registryUrl"] == {"one": url, "two": url}
