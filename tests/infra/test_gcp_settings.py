"""What a zone on Google Cloud may say, and how every mistake in it is told: with path, rule and remedy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import SpecError
from infra import config
from infra.base import said
from infra.gcp import regions
from infra.gcp.settings import Zone
from tests.infra.stacks import gcp_zone, stack, zone

ATTACHED = {
    "mode": "existing",
    "network": "projects/acme-net/global/networks/shared",
    "networkAttachment": "projects/acme-net/regions/europe-west4/networkAttachments/ml",
}
PEERED = {
    "mode": "existing",
    "network": "projects/acme-net/global/networks/shared",
    "reservedRanges": ["vertex-peering"],
}
KEY = "projects/acme-ml-eu/locations/europe-west4/keyRings/ml/cryptoKeys/data"
POOL = "projects/112233445566/locations/global/workloadIdentityPools/ci-pool/providers/github"
PERIMETER = "accessPolicies/123/servicePerimeters/ml"
ENFORCED = {"accessPolicy": "1", "enforced": True, "accessLevels": ["accessPolicies/1/accessLevels/office"]}
CI = {"issuer": "token.actions.githubusercontent.com", "subjects": ["repo:acme/train:*"]}
BUDGET = {"monthlyUsd": 500, "emails": ["a@b.c"]}


def read(*zones: dict[str, Any], **more: Any) -> tuple[Zone, ...]:
    """The zones of a stack that is right."""
    found = config.read(stack(*zones, **more), "eu").zones
    assert all(isinstance(one, Zone) for one in found)
    return found  # type: ignore[return-value]  # as the line before says


def problems(*zones: dict[str, Any], **more: Any) -> dict[str, str]:
    """Each problem's path with its rule and remedy."""
    with pytest.raises(SpecError) as error:
        config.read(stack(*zones, **more), "eu")
    return {
        problem.path.removeprefix("launchway:"): f"{problem.rule} ({problem.remedy})"
        for problem in error.value.problems
    }


def test_a_zone_needs_only_a_name_a_cloud_a_region_and_a_project() -> None:
    [made] = read(gcp_zone())
    assert (made.account, made.lifetime, made.network.mode, made.jobs) == (
        "acme-ml-eu",
        "durable",
        "private",
        "psc-interface",
    )


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"region": "europe-west10"}, "region", "'europe-west10' is not a Google Cloud region with Vertex AI"),
    ({"region": "europe-west10"}, "region", "did you mean europe-west"),
    ({"region": "global"}, "region", "is no place"),
    ({"region": "zz"}, "region", "one of africa-south1"),
    ({"project": "Acme_ML"}, "project", "'Acme_ML' is not a project id: 6 to 30 lower-case"),
    ({"project": "112233445566"}, "project", "such as acme-ml-eu"),
    ({"project": "acme-"}, "project", "no hyphen last"),
    ({"project": None}, "project", "project: acme-ml-eu"),
    ({"account": "123456789012"}, "account", "unknown key"),
    ({"network": {"endpointRule": "gcp-euw4"}}, "network.endpointRule", "at most 20 letters and digits"),
    ({"network": {"endpointRule": "a" * 21}}, "network.endpointRule", "at most 20"),
    ({"network": {"endpoint": "none", "endpointRule": "apis"}}, "network.endpointRule", "no endpoint to name"),
    ({"network": {"endpont": "vpc-sc"}}, "network.endpont", "did you mean endpoint"),
    ({"network": {"cidr": "10.0.0.0/25"}}, "network.cidr", "too small"),
    ({"network": {"cidr": "10.0.0.0/8"}}, "network.cidr", "larger than"),
    ({"network": {"cidr": "8.8.0.0/16"}}, "network.cidr", "not a private range"),
    ({"network": {"network": ATTACHED["network"]}}, "network.network", "mode: existing"),
    ({"network": {"jobs": "peering"}}, "network.peeringRange", "10.192.0.0/16"),
    ({"network": {"peeringRange": "10.192.0.0/16"}}, "network.peeringRange", "only jobs: peering"),
    (
        {"network": {"jobs": "peering", "peeringRange": "10.64.0.0/16"}},
        "network.peeringRange",
        "overlaps the zone's own",
    ),
    ({"network": {"jobs": "peering", "peeringRange": "10.192.0.0/24"}}, "network.peeringRange", "too small"),
    ({"network": {"jobs": "peering", "peeringRange": "9.0.0.0/16"}}, "network.peeringRange", "not a private"),
    ({"network": {"mode": "existing"}}, "network.network", "needs the name"),
    ({"network": {**ATTACHED, "cidr": "10.0.0.0/16"}}, "network.cidr", "builds no network"),
    ({"network": {**PEERED, "jobs": "psc-interface"}}, "network.networkAttachment", "needs a network attachment"),
    ({"network": {**ATTACHED, "jobs": "peering"}}, "network.reservedRanges", "are reserved for them"),
    ({"network": {**ATTACHED, "network": "shared"}}, "network.network", "is not the name of a network"),
    (
        {"network": {**ATTACHED, "networkAttachment": ATTACHED["networkAttachment"].replace("west4", "west1")}},
        "network.networkAttachment",
        "is not in europe-west4",
    ),
    ({"network": {"mode": "public", "reservedRanges": ["a"]}}, "network.reservedRanges", "no network"),
    ({"network": {"mode": "public", "jobs": "peering"}}, "network.jobs", "no network that jobs could reach"),
    (
        {"existing": {"keys": {"data": KEY.replace("west4", "west1")}}},
        "existing.keys.data",
        "a key in europe-west1",
    ),
    ({"existing": {"keys": {"logs": KEY.replace("europe-west4", "global")}}}, "existing.keys.logs", "in global"),
    ({"existing": {"keys": {"data": "my-key"}}}, "existing.keys.data", "is not the name of a key"),
    ({"existing": {"buckets": {"data": "gs://acme"}}}, "existing.buckets.data", "the name of a bucket"),
    (
        {"existing": {"logBucket": "projects/acme-ml-eu/locations/global/buckets/a"}},
        "existing.logBucket",
        "not in",
    ),
    ({"existing": {"federation": POOL}}, "existing.federation", "nobody may use them"),
    ({"existing": {"federation": POOL}, "federation": CI}, "federation.subjects[0]", "knows no wildcards"),
    (
        {"existing": {"perimeter": PERIMETER}, "perimeter": {"accessPolicy": "1"}},
        "perimeter",
        "one perimeter only",
    ),
    (
        {"perimeter": {"accessPolicy": "1", "enforced": True}},
        "perimeter.accessLevels",
        "shuts its own deployer out",
    ),
    ({"perimeter": {"accessPolicy": "ml"}}, "perimeter.accessPolicy", "the number of an access policy"),
    (
        {"perimeter": {"accessPolicy": "1", "accessLevels": ["accessPolicies/2/accessLevels/office"]}},
        "perimeter.accessLevels[0]",
        "not of access policy 1",
    ),
    ({"networkIsolation": True}, "networkIsolation", "no switch"),
    ({"budget": BUDGET}, "billingAccount", "belongs to a billing account"),
    ({"billingAccount": "main"}, "billingAccount", "012345-6789AB-CDEF01"),
    ({"accountScope": "existing", "audit": "own"}, "audit", "audit: existing"),
    ({"accountScope": "existing", "perimeter": {"accessPolicy": "1"}}, "perimeter", "existing.perimeter"),
    ({"accountScope": "existing", "federation": CI}, "federation", "existing.federation"),
    ({"accountScope": "existing", "budget": BUDGET}, "budget", "builds nothing"),
    ({"principals": ["ada@example.com"]}, "principals[0]", "group:ml@example.com"),
    ({"principals": ["allUsers"]}, "principals[0]", "is not a member"),
    (
        {
            "principals": [
                "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*"
            ]
        },
        "principals[0]",
        "everybody",
    ),
    ({"federation": {**CI, "subjects": ["repo:*"]}}, "federation.subjects[0]", "strangers"),
    ({"instanceTypes": ["g2-standard-9"]}, "instanceTypes[0]", "did you mean g2-standard-"),
    ({"compute": [{"name": "gpu", "instance": "ml.g5.xlarge"}]}, "compute[0].instance", "is not a machine type"),
    ({"compute": [{"name": "gpu", "instance": "g9-large-1"}]}, "compute[0].instance", "no machine type of Vertex"),
    ({"retentionDays": 3651}, "retentionDays", "3650"),
    ({"wandb": {"mode": "online", "host": "w.example"}}, "wandb.route", "declared route"),
    (
        {
            "wandb": {"mode": "online", "host": "w.example", "route": "nat"},
            "network": {"egress": "none"},
            "existing": {"perimeter": PERIMETER},
        },
        "wandb.route",
        "network.egress is none",
    ),
]


@pytest.mark.parametrize(
    ("changes", "path", "words"), MISTAKES, ids=[f"{i}-{m[1]}" for i, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_with_its_path_its_rule_and_a_remedy(
    changes: dict[str, Any], path: str, words: str
) -> None:
    found = problems(gcp_zone(**changes))
    assert f"zones[0].{path}" in found
    assert words in found[f"zones[0].{path}"]


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"network": {"egress": "none"}}, "adds a way, it takes none away"),
        ({"network": {"egress": "none", "jobs": "google"}}, "Google's own gateways"),
        ({"network": {"egress": "none", "mode": "public"}}, "Google's own gateways"),
        ({"network": {"egress": "none", "endpoint": "vpc-sc"}}, "Google's APIs without the zone's network"),
        ({"network": {**ATTACHED, "egress": "none"}}, "adds a way, it takes none away"),
        ({"network": {"egress": "none"}, "perimeter": {"accessPolicy": "1"}}, "only reports until it is enforced"),
    ],
)
def test_a_zone_that_claims_no_way_out_without_anything_that_closes_it_is_refused(
    changes: dict[str, Any], because: str
) -> None:
    found = problems(gcp_zone(**changes))
    assert set(found) == {"zones[0].network.egress"}
    assert because in found["zones[0].network.egress"]
    assert "enforced: true" in found["zones[0].network.egress"]


@pytest.mark.parametrize(
    "changes",
    [
        {"network": {"egress": "none"}, "perimeter": ENFORCED},
        {"network": {"egress": "none"}, "existing": {"perimeter": PERIMETER}},
        {"network": {"egress": "none", "jobs": "peering", "peeringRange": "10.192.0.0/16"}},
        {"network": {**PEERED, "egress": "none"}},
    ],
)
def test_a_perimeter_or_a_network_without_a_way_out_makes_the_claim_true(changes: dict[str, Any]) -> None:
    [made] = read(gcp_zone(**changes))
    assert made.network.egress == "none"


def test_the_perimeter_of_a_project_closes_all_of_its_zones() -> None:
    one = gcp_zone(perimeter=ENFORCED)
    other = gcp_zone(name="gcp-usc1", region="us-central1", network={"cidr": "10.65.0.0/16", "egress": "none"})
    assert len(read(one, other)) == 2
    elsewhere = {**other, "project": "acme-ml-us"}
    assert set(problems(one, elsewhere)) == {"zones[1].network.egress"}


def test_what_a_project_has_once_is_not_said_in_two_ways() -> None:
    one = gcp_zone(perimeter={"accessPolicy": "1"})
    other = gcp_zone(name="gcp-b", network={"cidr": "10.65.0.0/16"}, perimeter={"accessPolicy": "2"})
    assert "has this once" in problems(one, other)["zones[1].perimeter"]


def second(**changes: Any) -> dict[str, Any]:
    """Another zone of the same project."""
    return gcp_zone(**{"name": "gcp-b", "network": {"cidr": "10.65.0.0/16"}, **changes})


@pytest.mark.parametrize(
    ("one", "other", "path", "words"),
    [
        # Nothing would draw the perimeter that makes the claim true.
        ({"accountScope": "existing"}, {"perimeter": ENFORCED}, "perimeter", "draws no perimeter"),
        ({"existing": {"perimeter": PERIMETER}}, {"perimeter": ENFORCED}, "perimeter", "one perimeter only"),
        ({"accountScope": "existing"}, {"federation": CI}, "federation", "nothing of account acme-ml-eu is built"),
        (
            {"accountScope": "existing"},
            {"budget": BUDGET, "billingAccount": "012345-6789AB-CDEF01"},
            "budget",
            "nothing of account acme-ml-eu is built",
        ),
    ],
)
def test_what_one_zone_wants_of_a_project_that_another_says_is_there_is_refused(
    one: dict[str, Any], other: dict[str, Any], path: str, words: str
) -> None:
    assert words in problems(gcp_zone(**one), second(**other))[f"zones[1].{path}"]
    assert words in problems(second(**other), gcp_zone(**one))[f"zones[0].{path}"]


def test_tokens_of_a_pool_that_another_zone_names_are_taken() -> None:
    ci = {**CI, "subjects": ["repo:acme/train:x"]}
    one = gcp_zone(accountScope="existing", existing={"federation": POOL}, federation=ci)
    assert len(read(one, second(federation=ci))) == 2


def test_a_zone_is_not_called_like_the_own_things_of_its_project() -> None:
    assert "own things" in problems(gcp_zone(name="gcp-acme-ml", project="acme-ml"))["zones[0].name"]


def test_no_zone_of_a_project_has_a_name_under_which_another_reads_its_secrets() -> None:
    found = problems(gcp_zone(name="gcp-b-prod"), second())
    assert "could read the secrets of gcp-b-prod" in found["zones[0].name"]
    assert len(read(gcp_zone(name="gcp-b-prod", project="acme-ml-us"), second())) == 2
    assert len(read(gcp_zone(name="gcp-bprod"), second())) == 2


def test_an_account_and_a_project_of_the_same_name_are_not_one() -> None:
    made = config.read(stack(zone(audit="existing"), gcp_zone(audit="own")), "eu")
    assert [said([one], "audit") for one in made.zones] == ["existing", "own"]


def test_the_networks_of_both_clouds_stay_apart() -> None:
    assert len(config.read(stack(zone(), gcp_zone()), "eu").zones) == 2
    found = problems(zone(), gcp_zone(network={"cidr": "10.0.0.0/16"}))
    assert "overlaps" in found["zones[1].network.cidr"]


@pytest.mark.parametrize(
    ("network", "jobs"),
    [
        ({}, "psc-interface"),
        ({"jobs": "google"}, "google"),
        (ATTACHED, "psc-interface"),
        (PEERED, "peering"),
        ({"mode": "existing", "network": ATTACHED["network"]}, "google"),
        ({"mode": "public"}, "google"),
    ],
)
def test_jobs_reach_the_network_by_what_is_named_or_an_interface_of_their_own(
    network: dict[str, Any], jobs: str
) -> None:
    [made] = read(gcp_zone(network=network))
    assert made.jobs == jobs


def test_a_machine_type_with_accelerators_of_its_own_choice_is_taken() -> None:
    [made] = read(gcp_zone(instanceTypes=["n1-standard-8+1xT4", "g2-standard-8"]))
    assert made.instance_types == ("n1-standard-8+1xT4", "g2-standard-8")


def test_europe_west10_and_global_are_not_among_the_regions() -> None:
    assert {"us-central1", "europe-west4"} <= set(regions.known())
    assert not {"europe-west10", "global"} & set(regions.known())


@given(st.sampled_from(regions.known()))
def test_every_region_with_vertex_is_taken(region: str) -> None:
    [made] = read(gcp_zone(region=region))
    assert made.region == region


@pytest.mark.oracle
def test_the_regions_are_the_sdks() -> None:
    from tools.gcp import regions as script

    assert list(regions.known()) == script.regions()
