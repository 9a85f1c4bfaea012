"""Third parties read our identity policies: parliament their grammar, cloudsplaining their ways up and out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.aws import policies
from infra.aws.policies import agent, document, execution, flow_logs
from tests.infra.documents import PLACE, landing
from tools.aws import deployer

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")]

DOCUMENTS: dict[str, dict[str, Any]] = {
    "agent": document(agent(landing())),
    "agent that pushes images": document(agent(landing(image_push=True))),
    "agent of an isolated zone": document(agent(landing(network_isolation=True))),
    "agent of a public zone": document(agent(landing(vpc=False, subnets=(), security_groups=()))),
    "execution": document(execution(landing())),
    "flow logs": document(flow_logs(PLACE, "/launchway/g")),
}
# Findings that are the point of the statement: passing one role to one service, and logging in to the registry.
MEANT = {
    ("agent", "PERMISSIONS_MANAGEMENT_ACTIONS", "iam:PassRole"),
    ("agent", "CREDENTIALS_EXPOSURE", "ecr:GetAuthorizationToken"),
    ("execution", "CREDENTIALS_EXPOSURE", "ecr:GetAuthorizationToken"),
    # SageMaker places the job's interfaces and volumes with the job's own role; the grant is for AWS only.
    ("execution", "PERMISSIONS_MANAGEMENT_ACTIONS", "ec2:CreateNetworkInterfacePermission"),
    ("execution", "PERMISSIONS_MANAGEMENT_ACTIONS", "kms:CreateGrant"),
}


def findings(policy: dict[str, Any]) -> set[tuple[str, str]]:
    """What parliament finds: (issue, the actions or detail it names)."""
    from parliament import analyze_policy_string

    analyzed = analyze_policy_string(json.dumps(policy), include_community_auditors=True)
    return {(finding.issue, str(finding.detail or finding.location)) for finding in analyzed.findings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_parliament_finds_nothing_but_what_is_meant(name: str) -> None:
    role = name.split()[0]
    meant = [(issue, action) for who, issue, action in MEANT if who == role]
    unexpected = {
        finding
        for finding in findings(DOCUMENTS[name])
        if not any(finding[0] == issue and action.lower() in finding[1].lower() for issue, action in meant)
    }
    assert unexpected == set()


def test_parliament_would_find_tags_beside_the_conditions_of_submit() -> None:
    wrong = document(agent(landing()))
    submit = next(s for s in wrong["Statement"] if s["Sid"] == "SubmitEbs")
    submit["Action"] = [*submit["Action"], "sagemaker:AddTags"]
    assert "UNKNOWN_CONDITION_FOR_ACTION" in {issue for issue, _ in findings(wrong)}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_cloudsplaining_finds_no_way_up_and_no_way_out(name: str) -> None:
    from cloudsplaining.scan.policy_document import PolicyDocument

    read = PolicyDocument(DOCUMENTS[name])
    assert read.allows_privilege_escalation == []
    assert read.permissions_management_without_constraints == []
    assert read.allows_data_exfiltration_actions == []


def test_cloudsplaining_would_find_a_role_passed_anywhere() -> None:
    from cloudsplaining.scan.policy_document import PolicyDocument

    wrong = document([policies.allow("A", ["iam:PassRole", "sagemaker:CreateTrainingJob"], "*")])
    read = PolicyDocument(wrong)
    assert read.permissions_management_without_constraints == ["iam:PassRole"]


def test_parliament_finds_nothing_wrong_in_the_deployers_policy() -> None:
    found = findings(deployer.policy(deployer.EXAMPLE)) | findings(deployer.policy(deployer.EXAMPLE, secrets=True))
    # A deployer makes roles and bucket policies, becomes the agent once to see that it answers, and EC2's ids
    # nobody knows beforehand. What a generated policy can get wrong is the rest: unknown actions, resources
    # and conditions that an action does not take.
    by_nature = {
        "CREDENTIALS_EXPOSURE",
        "PERMISSIONS_MANAGEMENT_ACTIONS",
        "PRIVILEGE_ESCALATION",
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
        "RESOURCE_STAR",
    }
    assert {finding for finding in found if finding[0] not in by_nature} == set()


def test_every_action_of_the_deployers_policy_exists() -> None:
    from policy_sentry.querying.actions import get_action_data

    both = (deployer.policy(deployer.EXAMPLE, secrets=secrets)["Statement"] for secrets in (False, True))
    actions = {action for statements in both for s in statements for action in s["Action"]}
    unknown = {action for action in actions if not get_action_data(*action.split(":"))}
    assert unknown == set()
