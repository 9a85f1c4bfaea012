"""What a stack's configuration may say, and how every mistake in it is told: all at once, with path and remedy."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import SpecError
from infra import config
from infra.aws.settings import RETENTION_DAYS
from infra.base import said
from tests.infra.stacks import gcp_zone, stack, zone

EXISTING_VPC = {
    "mode": "existing",
    "vpc": "vpc-0a1b2c3d4e5f60718",
    "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"],
    "egress": "none",
}
OTHER_KEY = "arn:aws:kms:eu-west-1:123456789012:key/10000000-0000-4000-8000-000000000000"
TRAIL = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/main"
CI = {"issuer": "token.actions.githubusercontent.com", "subjects": ["repo:acme/train:*"]}


def problems(raw: dict[str, Any]) -> dict[str, str]:
    """Each problem's path with its rule and remedy."""
    with pytest.raises(SpecError) as error:
        config.read(raw, "eu")
    return {
        problem.path.removeprefix("launchway:"): f"{problem.rule} ({problem.remedy})"
        for problem in error.value.problems
    }


def of_zone(**changes: Any) -> dict[str, str]:
    return {path.removeprefix("zones[0]."): text for path, text in problems(stack(zone(**changes))).items()}


def test_a_zone_needs_only_a_name_a_cloud_a_region_and_an_account() -> None:
    environment = config.read(stack(), "eu")
    [made] = environment.zones
    assert environment.environment == "eu"
    assert (made.lifetime, made.network.mode, made.retention_days) == ("durable", "private", 365)


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"network": {"cidr": "10.0.0.1/16"}}, "network.cidr", "host bits"),
    ({"network": {"cidr": "10.0.0.0/24"}}, "network.cidr", "too small"),
    ({"network": {"cidr": "10.0.0.0/8"}}, "network.cidr", "larger than a VPC"),
    ({"network": {"cidr": "8.8.0.0/16"}}, "network.cidr", "not a private range"),
    ({"network": {"availabilityZones": ["eu-central-1a"]}}, "network.availabilityZones", "2 to 7"),
    ({"network": {"availabilityZones": ["eu-central-1a"] * 2}}, "network.availabilityZones", "twice"),
    (
        {"network": {"availabilityZones": ["us-east-1a", "eu-central-1b"]}},
        "network.availabilityZones[0]",
        "not in region",
    ),
    ({"network": {"interfaceEndpoints": ["sqs"]}}, "network.interfaceEndpoints[0]", "secretsmanager"),
    ({"network": {"vpc": "vpc-0a1b2c3d4e5f60718"}}, "network.vpc", "mode: existing"),
    ({"network": {"mode": "existing", "egress": "none"}}, "network.vpc", "needs the id"),
    ({"network": {"mode": "existing", "egress": "none"}}, "network.subnets", "two or more"),
    ({"network": {**EXISTING_VPC, "egress": None}}, "network.egress", "reaches the internet"),
    ({"network": {**EXISTING_VPC, "cidr": "10.0.0.0/16"}}, "network.cidr", "builds no VPC"),
    (
        {"network": {**EXISTING_VPC, "securityGroups": [f"sg-{i}a1b2c3d" for i in range(6)]}},
        "network.securityGroups",
        "at most 5",
    ),
    ({"network": {"mode": "public", "egress": "none"}}, "network.egress", "do reach the internet"),
    ({"network": {"mode": "public", "subnets": EXISTING_VPC["subnets"]}}, "network.subnets", "outside any VPC"),
    ({"wandb": {"mode": "online", "host": "api.wandb.ai"}}, "wandb.route", "declared route"),
    ({"wandb": {"mode": "online", "route": "private-link"}}, "wandb.host", "needs its host"),
    ({"wandb": {"mode": "online", "host": "w.example", "route": "nat"}}, "wandb.route", "network.egress: nat"),
    (
        {"wandb": {"mode": "online", "host": "w.example", "route": "private-link"}, "networkIsolation": True},
        "wandb.mode",
        "cuts jobs off",
    ),
    ({"retentionDays": 91}, "retentionDays", "120 is the next"),
    ({"retentionDays": 9999}, "retentionDays", "3653 is the next"),
    (
        {"compute": [{"name": "gpu", "instance": "ml.g5.xlarge", "min": 3, "max": 2}]},
        "compute[0].min",
        "above max",
    ),
    (
        {"compute": [{"name": "gpu", "instance": "ml.g5.xlarge"}], "instanceTypes": ["ml.m5.xlarge"]},
        "compute[0].instance",
        "not among",
    ),
    ({"compute": [{"name": "gpu", "instance": "ml.g5.xlarge"}] * 2}, "compute[1].name", "twice"),
    ({"instanceTypes": ["ml.g5.huge"]}, "instanceTypes[0]", "ml.g5"),
    ({"compute": [{"name": "gpu", "instance": "ml.p9.xlarge"}]}, "compute[0].instance", "no training instance"),
    ({"region": "eu-centrl-1"}, "region", "did you mean eu-central-1?"),
    ({"region": "cn-north-1"}, "region", "not an AWS region"),
    ({"region": "eusc-de-east-1"}, "network.mode", "aws-eusc"),
    ({"account": 123456789012}, "account", 'put it in quotes: account: "123456789012"'),
    ({"account": "1234"}, "account", "12 digits"),
    ({"account": None}, "account", 'account: "123456789012"'),
    ({"name": "AWS_euc1"}, "name", "lower-case letters"),
    ({"name": "a" * 25}, "name", "24"),
    ({"netwrk": {}}, "netwrk", "did you mean network?"),
    ({"network": {"cidrs": "10.0.0.0/16"}}, "network.cidrs", "did you mean cidr?"),
    ({"existing": {"keys": {"data": OTHER_KEY}}}, "existing.keys.data", "eu-central-1"),
    ({"principals": ["arn:aws-us-gov:iam::123456789012:role/x"]}, "principals[0]", "partition"),
    ({"principals": ["me"]}, "principals[0]", "such as arn:aws:iam::123456789012:role/"),
    ({"network": {**EXISTING_VPC, "vpc": "main"}}, "network.vpc", "such as vpc-0a1b2c3d4e5f60718"),
    (
        {"network": {**EXISTING_VPC, "subnets": ["a", "b"]}},
        "network.subnets[1]",
        "the id of a subnet: subnet- and",
    ),
    (
        {"network": {**EXISTING_VPC, "endpoints": {"s3": "vpc-0a1b2c3d"}}},
        "network.endpoints.s3",
        "'vpc-0a1b2c3d' is not the id of a VPC endpoint",
    ),
    ({"principals": ["arn:aws:sts::123456789012:assumed-role/admin/ada"]}, "principals[0]", "name its role"),
    ({"principals": ["arn:aws:iam::123456789012:role/*"]}, "principals[0]", "without wildcards"),
    ({"principals": ["arn:aws:s3:::acme-bucket"]}, "principals[0]", "no user, role or account"),
    ({"federation": {**CI, "subjects": ["repo:acme/train:*", "*"]}}, "federation.subjects[1]", "strangers"),
    ({"federation": {**CI, "subjects": ["repo:*"]}}, "federation.subjects[0]", "repo:acme/train:*"),
    ({"federation": {**CI, "subjects": ["repo:ac*/train:*"]}}, "federation.subjects[0]", "strangers"),
    ({"existing": {"trail": TRAIL}, "audit": "own"}, "existing.trail", "audit: existing"),
    ({"accountScope": "existing", "budget": {"monthlyUsd": 5, "emails": ["a@b.c"]}}, "budget", "builds nothing"),
    ({"accountScope": "existing", "federation": CI}, "federation", "existing.federation"),
    ({"accountScope": "existing", "audit": "own"}, "audit", "audit: existing"),
    ({"existing": {"buckets": {"data": "acme", "logs": "acme"}}}, "existing.buckets.logs", "its own access logs"),
    ({"lifetime": "forever"}, "lifetime", "disposable"),
]


@pytest.mark.parametrize(
    ("changes", "path", "words"), MISTAKES, ids=[f"{i}-{m[1]}" for i, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_with_its_path_its_rule_and_a_remedy(
    changes: dict[str, Any], path: str, words: str
) -> None:
    found = of_zone(**changes)
    assert path in found
    assert words in found[path]


@pytest.mark.parametrize(
    ("changes", "path", "words"), MISTAKES, ids=[f"{i}-{m[1]}" for i, m in enumerate(MISTAKES)]
)
def test_one_wrong_key_hides_no_other_mistake(changes: dict[str, Any], path: str, words: str) -> None:
    found = of_zone(**{"wandb": {"mode": "of"}, "colour": "red", "maxNodes": "many", **changes})
    assert words in found.pop(path)
    assert {"colour", "maxNodes"} <= set(found)


def test_all_of_a_zone_is_told_at_once_whatever_else_is_wrong_with_it() -> None:
    given = zone(
        region="us-esat-1",
        account="1234",
        retentionDays=12,
        netwrok={},
        network={"cidr": "10.0.0.0/28", "natGateways": "two"},
        compute=[
            {"name": "GPU", "instance": "large", "min": 1},
            {"name": "cpu", "instance": "ml.m5.xlarge", "min": 3, "max": 2},
            {"instance": "ml.m5.xlarge"},
            {"name": "cpu", "instance": "ml.nope.large"},
        ],
        budget={"monthlyUsd": 0, "emails": []},
        secrets=["a", "a"],
        networkIsolation=True,
    )
    other = zone(network={"cidr": "10.0.0.0/16"})
    assert set(problems(stack(given, other, colour="red"))) == {
        "colour",
        "zones[0].region",
        "zones[0].account",
        "zones[0].retentionDays",
        "zones[0].netwrok",
        "zones[0].network.natGateways",
        "zones[0].network.cidr",
        "zones[0].compute[0].name",
        "zones[0].compute[0].instance",
        "zones[0].compute[1].min",
        "zones[0].compute[2].name",
        "zones[0].compute[3].name",
        "zones[0].compute[3].instance",
        "zones[0].budget.monthlyUsd",
        "zones[0].budget.emails",
        "zones[0].secrets[1]",
        "zones[0].secrets",
        "zones[1].name",
        "zones[1].network.cidr",
    }


@pytest.mark.parametrize(
    ("changes", "only"),
    [
        ({"network": {"mode": "privat", "subnets": EXISTING_VPC["subnets"]}}, {"network.mode"}),
        ({"network": {**EXISTING_VPC, "subnets": ["a", *EXISTING_VPC["subnets"][:1]]}}, {"network.subnets[0]"}),
        ({"network": {**EXISTING_VPC, "egress": "some"}}, {"network.egress"}),
        ({"network": {**EXISTING_VPC, "egres": "none", "egress": None}}, {"network.egres"}),
        ({"existing": {"keys": {"data": OTHER_KEY}}, "account": "1"}, {"account"}),
        ({"federation": {**CI, "issuer": "a b"}, "existing": {"federation": TRAIL}}, {"federation.issuer"}),
        ({"accountScope": "mine", "budget": {"monthlyUsd": 5, "emails": ["a@b.c"]}}, {"accountScope"}),
    ],
)  # fmt: skip
def test_nothing_is_concluded_from_what_is_wrong(changes: dict[str, Any], only: set[str]) -> None:
    assert set(of_zone(**changes)) == only


def test_people_roles_accounts_and_subjects_with_an_owner_may_be_the_agent() -> None:
    account = "arn:aws:iam::123456789012"
    principals = [f"{account}:root", f"{account}:user/ada", f"{account}:role/aws-reserved/sso.amazonaws.com/Admin"]
    subjects = ["repo:acme/train:ref:refs/heads/main", "repo:acme/*", "project_path:acme/ml/train:*"]
    made = config.read(stack(zone(principals=principals, federation={**CI, "subjects": subjects})), "eu")
    assert made.zones[0].principals == tuple(principals)


@pytest.mark.parametrize(("cloud", "words"), [("azur", "'azur' is not a cloud"), (None, "is missing")])
def test_a_zone_without_a_cloud_of_ours_is_told_which_there_are(cloud: str | None, words: str) -> None:
    found = problems(stack(zone(cloud=cloud)))
    assert list(found) == ["zones[0].cloud"]
    assert words in found["zones[0].cloud"]
    assert "cloud: aws or cloud: gcp or cloud: azure" in found["zones[0].cloud"]


def test_everything_wrong_is_told_in_one_message() -> None:
    found = problems(
        stack(
            zone(region="nowhere-1"),
            {"name": "g", "cloud": "azure", "region": "x"},
            zone(name="AWS"),
            zone(retentionDays=91, network={"cidr": "10.0.0.0/30"}),
            regime="hippa",
            ownr="me",
            owner=None,
        )
    )
    assert set(found) >= {
        "regime",
        "owner",
        "ownr",
        "zones[0].region",
        "zones[1].subscription",
        "zones[2].name",
        "zones[3].retentionDays",
        "zones[3].network.cidr",
        "zones[3].name",
    }


def test_names_and_networks_of_two_zones_must_differ() -> None:
    found = problems(stack(zone(), zone(region="eu-west-1")))
    assert "already zones[0]" in found["zones[1].name"]
    assert "overlaps" in found["zones[1].network.cidr"]


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ({"accountScope": "own"}, {"accountScope": "existing"}, "accountScope"),
        ({"audit": "own"}, {"audit": "existing"}, "audit"),
        ({"federation": CI}, {"federation": {**CI, "issuer": "gitlab.com"}}, "federation.issuer"),
        (
            {"budget": {"monthlyUsd": 5, "emails": ["a@b.c"]}},
            {"budget": {"monthlyUsd": 6, "emails": ["a@b.c"]}},
            "budget",
        ),
        ({"existing": {"trail": TRAIL}}, {"existing": {"trail": f"{TRAIL}2"}}, "existing.trail"),
    ],
)
def test_what_an_account_has_once_is_not_said_in_two_ways(
    one: dict[str, Any], other: dict[str, Any], path: str
) -> None:
    second = zone(name="aws-euw1", region="eu-west-1", network={"cidr": "10.1.0.0/16"}, **other)
    assert "has this once" in problems(stack(zone(**one), second))[f"zones[1].{path}"]


def test_one_zone_may_speak_for_its_account_and_each_for_its_own_subjects() -> None:
    quiet = zone(name="quiet", region="eu-west-1", network={"cidr": "10.1.0.0/16"})
    other = zone(
        name="other", region="eu-west-3", network={"cidr": "10.2.0.0/16"}, federation={**CI, "subjects": ["x"]}
    )
    made = config.read(stack(zone(federation=CI, audit="existing"), quiet, other), "eu").zones
    assert said(made, "audit", "own") == "existing"
    assert said(made, "federation.issuer") == CI["issuer"]
    assert said(made, "budget") is None


def test_hipaa_runs_no_job_outside_a_vpc() -> None:
    assert "zones[0].network.mode" in problems(stack(zone(network={"mode": "public"}), regime="hipaa"))


def test_a_stack_without_zones_says_so() -> None:
    assert set(problems({"owner": "me"})) == {"zones"}
    assert set(problems(stack(zones=[]))) == {"zones"}
    assert "at least one zone" in problems(stack(zones=[]))["zones"]
    assert problems(stack(zones="aws-euc1")) == {"zones": "'aws-euc1' is not a list (write zones: [aws-euc1])"}
    assert "begin each entry with `- `" in problems(stack(zones={"name": "aws-euc1"}))["zones"]
    assert "is not a mapping of keys" in problems(stack(zones=["aws-euc1"]))["zones[0]"]


FORMS: list[tuple[dict[str, Any], str, str]] = [
    (zone(project="acme-ml-eu"), "project", "unknown key here, and one of gcp zones (an aws zone says account)"),
    (
        gcp_zone(account="123456789012"),
        "account",
        "unknown key here, and one of aws zones (a gcp zone says project)",
    ),
    (gcp_zone(network={"interfaceEndpoints": []}), "network.interfaceEndpoints", "a gcp zone says endpoint"),
    (gcp_zone(project=123456789012), "project", "123456789012 is not a project id"),
    (gcp_zone(perimeter={"accessPolicy": 123}), "perimeter.accessPolicy", 'in quotes: accessPolicy: "123"'),
    (gcp_zone(perimeter={}), "perimeter.accessPolicy", "the number of the policy"),
    (gcp_zone(imageProjects="acme-images"), "imageProjects", "not a list (write imageProjects: [acme-images])"),
    (gcp_zone(wandb={"host": "https://api.wandb.ai"}), "wandb.host", "such as api.wandb.ai"),
    (gcp_zone(compute=[{"instance": "g2-standard-8"}]), "compute[0].name", "such as name: gpu"),
    (gcp_zone(budget={"monthlyUsd": 5}), "budget.emails", "such as emails: [ml@example.com]"),
    (zone(maxRuntimeHours="12h"), "maxRuntimeHours", "'12h' is not a whole number"),
    (zone(imagePush="often"), "imagePush", "'often' is not true or false"),
]


@pytest.mark.parametrize(("given", "path", "words"), FORMS, ids=[form[1] for form in FORMS])
def test_a_wrong_form_is_told_in_the_words_of_the_file_not_of_a_type_checker(
    given: dict[str, Any], path: str, words: str
) -> None:
    assert words in problems(stack(given))[f"zones[0].{path}"]


def test_the_message_names_the_file_of_the_stack() -> None:
    with pytest.raises(SpecError, match=r"stacks/Pulumi\.eu\.yaml: launchway:zones\[0\]\.retentionDays"):
        config.read(stack(zone(retentionDays=91)), "eu")


@given(st.sampled_from(RETENTION_DAYS))
def test_every_retention_that_cloudwatch_takes_is_taken(days: int) -> None:
    assert config.read(stack(zone(retentionDays=days)), "eu").zones[0].retention_days == days


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_whatever_a_zone_says_the_answer_is_a_zone_or_a_list_of_problems(value: Any) -> None:
    for raw in (stack(value), stack(zone(network=value, compute=value, wandb=value)), stack(zones=value)):
        with contextlib.suppress(SpecError):  # any other exception is the failure this test looks for
            assert config.read(raw, "eu").zones
