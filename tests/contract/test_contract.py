"""The contract: what `infra` exports and `dispatch` reads, held to one golden document per cloud."""

import copy
import dataclasses
import json
import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import contract
from dispatcher.errors import ExitCode, SpecError

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "contracts"
CLOUDS = ("aws", "gcp", "azure")


def golden(cloud: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"{cloud}.json").read_text())
    return document


def only_zone(document: dict[str, Any]) -> dict[str, Any]:
    (zone,) = document["zones"].values()
    return zone  # type: ignore[no-any-return]  # decoded JSON


def problems(document: object) -> list[str]:
    with pytest.raises(SpecError) as refused:
        contract.parse(document)
    return [f"{problem.path}: {problem.rule}" for problem in refused.value.problems]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_golden_document_survives_parsing_and_writing_unchanged(cloud: str) -> None:
    document = golden(cloud)
    assert contract.as_json(contract.parse(document)) == document


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_stored_zone_is_rebuilt_equal_to_the_parsed_one(cloud: str) -> None:
    document = golden(cloud)
    (parsed,) = contract.parse(document).zones.values()
    assert contract.trusted(only_zone(document)) == parsed


ELSEWHERE = {
    "aws": {"buckets.staging", "identities.execution_client_id", "identities.agent_client_id"},
    "gcp": {"identities.execution_client_id", "identities.agent_client_id", "controls.wandb.host"},
    "azure": {"buckets.staging", "identities.federation", "network.ids.vnet", "controls.wandb.host"},
}
"""Fields that this cloud lacks, or that the golden zone's settings (managed network, W&B offline) leave out."""


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_golden_document_names_every_field_its_cloud_has(cloud: str) -> None:
    def absent(value: Any, path: str) -> set[str]:
        found: set[str] = set()
        for field in dataclasses.fields(value):
            inner, here = getattr(value, field.name), f"{path}{field.name}"
            if inner is None or inner == ():
                found.add(here)
            elif dataclasses.is_dataclass(inner):
                found |= absent(inner, f"{here}.")
        return found - {"network.ids.subnets", "network.ids.reserved_ranges"}

    (parsed,) = contract.parse(golden(cloud)).zones.values()
    assert absent(parsed, "") == ELSEWHERE[cloud]


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    document = golden("aws")
    zone = only_zone(document)
    del zone["region"]
    zone["registry"]["url"] = 7
    zone["network"]["egress"] = "wide-open"
    document["regime"] = "sox"
    document["zones"]["other"] = {"cloud": "oracle"}
    found = "\n".join(problems(document))
    for path in (
        "zones.aws-euc1.region",
        "zones.aws-euc1.registry.url",
        "zones.aws-euc1.network.egress",
        "zones.other.cloud",
        "regime",
    ):
        assert f"{path}: " in found


def test_a_newer_version_is_refused_with_the_command_that_upgrades() -> None:
    document = {**golden("aws"), "version": contract.VERSION + 1}
    with pytest.raises(SpecError, match="pip install -U launchway") as refused:
        contract.parse(document)
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("cloud", CLOUDS)
def test_unknown_fields_of_a_newer_minor_revision_do_not_hinder(cloud: str) -> None:
    document = golden(cloud)
    expected = contract.parse(document)
    newer = copy.deepcopy(document)
    newer["signed_by"] = "someone"
    only_zone(newer)["gpu_fabric"] = {"kind": "new"}
    only_zone(newer)["registry"]["mirror"] = "elsewhere"
    assert contract.parse(newer) == expected
    assert contract.trusted(only_zone(newer)) == contract.trusted(only_zone(document))


@pytest.mark.parametrize("document", [None, [], "text", 3, {}, {"version": 1}, {"version": 1, "zones": []}])
def test_something_that_is_no_contract_is_refused_without_a_crash(document: object) -> None:
    assert problems(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(cloud=st.sampled_from(CLOUDS), data=st.data(), junk=JSON)
def test_any_damage_to_one_field_is_either_valid_or_a_spec_error(
    cloud: str, data: st.DataObject, junk: Any
) -> None:
    document = golden(cloud)
    zone = only_zone(document)
    zone[data.draw(st.sampled_from(sorted(zone)))] = junk
    try:
        contract.parse(document)
    except SpecError as refused:
        assert refused.problems  # noqa: PT017  # either outcome is right; a crash is what fails
