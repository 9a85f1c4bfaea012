"""A zone whose jobs run outside any VPC: everything but the network, on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.ground import ground, stand_in, zones
from tests.engine.project import stack_settings

pytestmark = pytest.mark.engine


def test_a_public_zone_has_keys_buckets_and_roles_and_no_network(tmp_path: Path) -> None:
    local = stack_settings("local", "aws")
    [zone] = local["launchway:zones"]
    with ground(tmp_path, stand_in) as here:
        project = here.project("open", {**local, "launchway:zones": [{**zone, "network": {"mode": "public"}}]})
        project.up()
        assert project.preview("--expect-no-changes").changes == {}
        [built] = zones(project).values()
        assert built.network.mode == "public"
        assert (built.network.ids.vpc, built.network.ids.subnets, built.network.endpoints) == (None, (), {})
        assert built.buckets.logs is not None
        assert [kind for kind, _ in project.export() if kind.startswith(("aws:ec2", "aws:vpc"))] == []
