"""The policy of whoever deploys is made from what the zone uses, and says no more than its table."""

from __future__ import annotations

import json

import pytest
import yaml

from infra.aws.policies import MANAGED_POLICY_BYTES
from tests.infra.documents import decision
from tools.aws import deployer
from tools.declared import used

# pulumi_aws warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_committed_policy_is_what_the_code_needs_today() -> None:
    committed = deployer.COMMITTED.read_text()
    assert committed == deployer.text(deployer.EXAMPLE), (
        "run: python -m tools.aws.deployer > docs/deployer/aws.json"
    )
    assert deployer.COMMITTED_SECRETS.read_text() == deployer.text(deployer.EXAMPLE, secrets=True), (
        "run: python -m tools.aws.deployer --secrets > docs/deployer/aws-secrets.json"
    )


def test_a_deployer_makes_the_secrets_of_its_zone_and_reads_none() -> None:
    statements = deployer.policy(deployer.EXAMPLE, secrets=True)["Statement"]
    of_zone = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:aws-euc1/wandb-AbCdEf"
    assert decision(statements, "secretsmanager:CreateSecret", of_zone) == "allow"
    assert decision(statements, "secretsmanager:CreateSecret", of_zone.replace("aws-euc1/", "other/")) == "none"
    assert decision(statements, "secretsmanager:GetSecretValue", of_zone) == "none"
    everything = [one for s in deployer.policy(deployer.EXAMPLE)["Statement"] for one in s["Action"]]
    assert not [action for action in everything if action.startswith("secretsmanager:")]


def test_a_deployer_proves_its_way_to_the_key_of_a_secret_and_decrypts_no_value() -> None:
    statements = deployer.policy(deployer.EXAMPLE, secrets=True)["Statement"]
    key = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d"
    proof = {
        "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com",
        "kms:EncryptionContext:SecretVersionId": "RequestToValidateKeyAccess",
    }
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert decision(statements, action, key, **proof) == "allow"
        for name, other in (
            ("kms:EncryptionContext:SecretVersionId", "0f4a1c0e-0000-4000-8000-000000000000"),
            ("kms:ViaService", "s3.eu-central-1.amazonaws.com"),
        ):
            assert decision(statements, action, key, **{**proof, name: other}) == "none"
        assert decision(deployer.policy(deployer.EXAMPLE)["Statement"], action, key, **proof) == "none"


def test_the_table_knows_no_type_that_nothing_uses() -> None:
    table = yaml.safe_load(deployer.TABLE.read_text())
    types, lookups = used("aws")
    assert set(table["types"]) == types
    assert set(table["invokes"]) == lookups


def test_it_fits_one_managed_policy_whatever_the_zone_is_called() -> None:
    longest = {"partition": "aws-us-gov", "account": "1" * 12, "region": "us-gov-west-1", "zone": "z" * 24}
    for names in (deployer.EXAMPLE, longest, {**longest, "partition": "aws", "region": "ap-southeast-1"}):
        assert len(json.dumps(deployer.policy(names), separators=(",", ":"))) <= MANAGED_POLICY_BYTES


def test_no_action_is_a_wildcard_and_only_what_has_no_name_is_allowed_everywhere() -> None:
    for statement in deployer.policy(deployer.EXAMPLE)["Statement"]:
        assert [action for action in statement["Action"] if "*" in action] == []
        assert (statement["Resource"] == ["*"]) == (statement["Sid"] in ("Regional", "Everywhere"))


def test_roles_are_passed_by_name_to_one_service() -> None:
    [passing] = [s for s in deployer.policy(deployer.EXAMPLE)["Statement"] if "iam:PassRole" in s["Action"]]
    assert passing["Resource"] == ["arn:aws:iam::123456789012:role/aws-euc1-flow-logs-*"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}}


def test_a_deployer_may_read_its_own_role_whatever_that_is_called() -> None:
    statements = deployer.policy(deployer.EXAMPLE)["Statement"]
    signed_in = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Platform_0a1b2c3d"
    assert decision(statements, "iam:GetRole", signed_in) == "allow"
    assert decision(statements, "iam:UpdateAssumeRolePolicy", signed_in) == "none"
