"""The zone's secrets as empty containers: whose key, where, who may read what people put in, and bad settings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from dispatcher.errors import SpecError
from infra import config
from infra.aws.secrets import Secrets, SecretsArgs
from infra.aws.site import Site
from infra.gcp import service_agents
from tests.infra.documents import KEY, PLACE, decision
from tests.infra.gcp_parts import NUMBER
from tests.infra.recorded import Record, record
from tests.infra.stacks import azure_zone, gcp_zone, stack, zone
from tests.infra.test_gcp_zone import build

# pulumi_gcp warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROLE = PLACE.role_arn("aws-euc1-execution-1a2b3c4d")
READ = "secretsmanager:GetSecretValue"
SECRET = PLACE.arn("secretsmanager", "secret:aws-euc1/wandb-AbCdEf")


def on_aws(disposable: bool = False) -> Record:
    """Two secrets of a zone on AWS."""

    def program() -> None:
        site = Site(replace(PLACE, disposable=disposable), aws.Provider("aws-euc1"))
        key, role = pulumi.Output.from_input(KEY), pulumi.Output.from_input(ROLE)
        Secrets(site.name("secrets"), SecretsArgs(site, ("wandb", "HF_TOKEN"), key, role))

    return record(program)


def test_a_secret_on_aws_is_named_after_its_zone_under_its_key_and_has_no_value() -> None:
    declared = on_aws()
    made = declared.of("secretsmanager/secret:Secret")
    assert [one.inputs["name"] for one in made] == ["aws-euc1/HF_TOKEN", "aws-euc1/wandb"]
    assert {one.inputs["kmsKeyId"] for one in made} == {KEY}
    assert {one.type for one in declared.custom()} == {"aws:secretsmanager/secret:Secret"}


def test_nobody_reads_it_but_the_jobs_of_the_zone_whatever_iam_allows_them() -> None:
    [one, *_] = on_aws().of("secretsmanager/secret:Secret")
    statements = json.loads(one.inputs["policy"])["Statement"]

    def asked(action: str, who: str) -> str:
        return decision(statements, action, SECRET, **{"aws:PrincipalArn": who})

    admin = PLACE.role_arn("Administrator")
    assert asked(READ, ROLE) != "deny"
    assert asked(READ, PLACE.role_arn("aws-euc1-agent-1a2b3c4d")) == "deny"
    assert asked(READ, admin) == "deny"
    assert asked("secretsmanager:PutSecretValue", admin) != "deny"


def test_a_deleted_secret_comes_back_for_a_month_and_never_stands_in_the_way_of_a_disposable_zone() -> None:
    durable = on_aws().of("secretsmanager/secret:Secret")
    passing = on_aws(disposable=True).of("secretsmanager/secret:Secret")
    assert {(one.inputs["recoveryWindowInDays"], one.protect) for one in durable} == {(30, True)}
    assert {(one.inputs["recoveryWindowInDays"], one.protect) for one in passing} == {(0, False)}


def test_a_secret_on_google_cloud_stays_in_its_region_under_the_zone_s_key() -> None:
    declared, _ = build(gcp_zone(secrets=["wandb"]))
    [made] = declared.of("secretmanager/secret:Secret")
    assert made.inputs["secretId"] == "gcp-euw4-wandb"
    [replica] = made.inputs["replication"]["userManaged"]["replicas"]
    assert replica["location"] == "europe-west4"
    assert replica["customerManagedEncryption"]["kmsKeyName"].endswith("/cryptoKeys/data")
    assert (made.inputs["deletionProtection"], made.protect) == (True, True)
    assert declared.of("secretmanager/secretVersion:SecretVersion") == []


def test_the_agent_that_encrypts_it_may_use_the_key_before_it_is_made_and_is_asked_for_only_then() -> None:
    grant = "gcp-euw4-keys-data-secretmanager"
    declared, _ = build(gcp_zone(secrets=["wandb"]))
    given = declared.named("kms/cryptoKeyIAMMember:CryptoKeyIAMMember", grant)
    address = service_agents.table()["secretmanager"].address.format(number=NUMBER)
    assert given.inputs["member"] == f"serviceAccount:{address}"
    [made] = declared.of("secretmanager/secret:Secret")
    assert given.urn in declared.awaited(made)
    without, _ = build()
    assert grant not in {one.name for one in without.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember")}


@pytest.mark.parametrize(
    ("wrong", "path", "word"),
    [
        (zone(secrets=["wandb", "wandb"]), "zones[0].secrets[1]", "named twice"),
        (zone(secrets=["wandb"], networkIsolation=True), "zones[0].secrets", "neither network nor credentials"),
        (zone(secrets=["a/b"]), "zones[0].secrets[0]", ""),
        (gcp_zone(secrets=["a.b"]), "zones[0].secrets[0]", ""),
        (azure_zone(secrets=["wandb"]), "zones[0].secrets", "no secret without a value"),
    ],
)
def test_secrets_that_cannot_be_are_refused_at_their_place(wrong: dict[str, Any], path: str, word: str) -> None:
    with pytest.raises(SpecError) as error:
        config.read(stack(wrong), "eu")
    [problem] = error.value.problems
    assert problem.path == f"launchway:{path}"
    assert word in problem.rule
