"""Names fit what clouds take, and the data files say what their sources say."""

from __future__ import annotations

import ipaddress
import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.placement.catalog import Hardware, catalog
from infra import config
from infra.aws import compute, idle, network, regions
from infra.aws.place import LONGEST, Place
from infra.naming import stable_suffix
from tests.infra.stacks import stack, zone
from tools.aws import regions as regions_script

ZONE_NAMES = st.from_regex(r"\A[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,7}){0,2}\Z").filter(
    lambda name: 2 <= len(name) <= 24
)
REGIONS = sorted(regions.table())


@given(ZONE_NAMES, st.sampled_from(["data", "output", "checkpoints", "logs"]))
def test_bucket_names_are_what_s3_takes(name: str, use: str) -> None:
    place = Place(name, "1" * 12, "eu-central-1", "aws", "1a2b3c4d", False)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", place.physical("s3", use))


@pytest.mark.parametrize("region", REGIONS)
def test_the_names_of_an_accounts_own_things_fit_in_every_region(region: str) -> None:
    place = Place(f"aws-{'1' * 12}-{region}", "1" * 12, region, "aws", "1a2b3c4d", False)
    assert len(place.physical("s3", "trail")) <= LONGEST["s3"]
    assert len(place.physical("iam-role", "trail")) <= LONGEST["iam-role"]


def test_a_name_that_is_too_long_is_refused_with_its_length() -> None:
    place = Place("a" * 50, "1" * 12, "eu-central-1", "aws", "1a2b3c4d", False)
    with pytest.raises(ValueError, match="71 characters long; s3 takes 63"):
        place.physical("s3", "checkpoints")


@given(st.tuples(*[st.sampled_from(["a", "b", "c"])] * 3), st.tuples(*[st.sampled_from(["a", "b", "c"])] * 3))
def test_the_suffix_is_the_same_for_the_same_stack_and_no_other(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (stable_suffix(*one) == stable_suffix(*other)) == (one == other)


@given(st.integers(16, 21), st.integers(0, 255))
def test_subnets_lie_in_the_vpc_and_apart_from_each_other(prefix: int, second: int) -> None:
    vpc = ipaddress.IPv4Network(f"10.{second}.0.0/{prefix}")
    blocks = [network.private_block(vpc, i) for i in range(7)] + [network.public_block(vpc, i) for i in range(7)]
    ranges = [ipaddress.IPv4Network(block) for block in blocks]
    assert all(found.subnet_of(vpc) for found in ranges)
    assert not any(a.overlaps(b) for a, b in combinations(ranges, 2))
    assert all(found.num_addresses >= 256 for found in ranges[:7])


def test_a_subnet_keeps_its_range_when_a_zone_is_added() -> None:
    vpc = ipaddress.IPv4Network("10.0.0.0/16")
    assert [network.private_block(vpc, i) for i in range(3)] == ["10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19"]


@pytest.mark.oracle
def test_the_regions_are_botocores() -> None:
    table = regions_script.table()
    known = {name: partition for partition, facts in table.items() for name in facts["regions"]}
    assert {name: region.partition for name, region in regions.table().items()} == known


def test_every_training_type_is_in_exactly_one_of_the_two_submit_statements() -> None:
    allowed = compute.allowed(config.read(stack(), "eu").zones[0])
    for name, hardware in catalog("aws").items():
        family = f"{name.rsplit('.', 1)[0]}.*"
        assert (family in allowed.nvme) == compute.local_storage(hardware)
        assert (family in allowed.ebs) != (family in allowed.nvme)


def test_an_allow_list_is_split_by_its_disks() -> None:
    one = config.read(stack(zone(instanceTypes=["ml.p4d.24xlarge", "ml.m5.xlarge"])), "eu").zones[0]
    assert compute.allowed(one) == compute.Hardwares(("ml.m5.xlarge",), ("ml.p4d.24xlarge",))


def idle_text(**changes: object) -> str:
    one = config.read(stack(zone(**changes)), "eu").zones[0]
    return idle.PRICES.text(one.name, idle.lines(one))


def test_idle_cost_counts_keys_endpoints_and_gateways() -> None:
    told = idle_text(region="us-east-1", network={"egress": "nat", "natGateways": "per-zone"})
    assert "3 x customer-managed keys: 3.00" in told
    assert "18 x interface endpoints (9 services in 2 availability zones): 131.40" in told
    assert "2 x NAT gateways: 65.70" in told
    assert "2 x public addresses: 7.30" in told
    assert "together 207.40 (204.40 of it second-hand);" in told


def test_a_figure_that_was_not_read_at_the_vendor_says_so_with_its_day() -> None:
    told = idle_text(region="us-east-1").splitlines()
    [keys] = [line for line in told if "keys" in line]
    [endpoints] = [line for line in told if "interface endpoints" in line]
    assert (
        "SECOND-HAND figure, not from AWS: check https://aws.amazon.com/privatelink/pricing/, 2026-06-13"
        in endpoints
    )
    assert "SECOND-HAND" not in keys
    assert "list price https://aws.amazon.com/kms/pricing/, 2026-11-21" in keys


def test_what_is_all_unknown_adds_up_to_unknown() -> None:
    arn = "arn:aws:kms:eu-central-1:123456789012:key/10000000-0000-4000-8000-000000000000"
    told = idle_text(existing={"keys": {"data": arn, "registry": arn, "logs": arn}})
    assert "together unknown;" in told
    assert "0.00" not in told


def test_a_price_nobody_verified_is_unknown_and_never_zero() -> None:
    told = idle_text(network={"egress": "nat"})
    assert "18 x interface endpoints (9 services in 2 availability zones): unknown, see https://" in told
    assert "1 x NAT gateways: unknown" in told
    assert "together 3.00 and what is unknown" in told


def test_what_is_not_built_costs_nothing() -> None:
    assert "endpoints" not in idle_text(region="us-east-1", network={"interfaceEndpoints": []})
    assert "endpoints" not in idle_text(network={"mode": "public"})


def test_every_price_names_its_source_and_date() -> None:
    for facts in idle.PRICES.data["prices"].values():
        assert facts["as_of"]
        assert facts["check"].startswith("https://aws.amazon.com/")
        for figure in facts["figures"]:
            assert figure["source"].startswith("https://")
            assert figure["basis"] in ("vendor", "second-hand")
            assert figure["price"] > 0


def test_a_type_whose_disks_nobody_describes_names_no_volume_key() -> None:
    assert compute.local_storage(Hardware("aws", "ml.new.xlarge", local_storage=None))
    assert not compute.local_storage(Hardware("aws", "ml.new.xlarge", local_storage=False))
