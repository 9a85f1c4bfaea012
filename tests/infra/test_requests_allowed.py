"""Both sides of the contract: every request the dispatcher renders is one that the agent's policy allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher import contract
from infra.aws.policies import agent
from tests.infra.documents import PLACE, decision, landing

GOLDEN = Path(__file__).parents[1] / "golden"
REQUESTS = sorted((GOLDEN / "requests").glob("*.json"))
LONGEST_RUN = 2_419_200  # seconds; the dispatcher's cases allow what SageMaker allows


def conditions(body: dict[str, Any]) -> dict[str, Any]:
    """The condition keys SageMaker fills from a request (service authorization reference, CreateTrainingJob)."""
    resources, network = body["ResourceConfig"], body.get("VpcConfig", {})
    found = {
        "sagemaker:InstanceTypes": [resources["InstanceType"]],
        "sagemaker:VolumeKmsKey": resources.get("VolumeKmsKeyId"),
        "sagemaker:OutputKmsKey": body["OutputDataConfig"].get("KmsKeyId"),
        "sagemaker:VpcSubnets": network.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": network.get("SecurityGroupIds"),
        "sagemaker:InterContainerTrafficEncryption": str(body["EnableInterContainerTrafficEncryption"]).lower(),
        "sagemaker:NetworkIsolation": str(body["EnableNetworkIsolation"]).lower(),
        "sagemaker:MaxRuntimeInSeconds": body["StoppingCondition"]["MaxRuntimeInSeconds"],
    }
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_rendered_request_is_allowed_by_the_policy_of_its_zone(path: Path) -> None:
    body = json.loads(path.read_text())["body"]
    [zone] = contract.parse(json.loads((GOLDEN / "contracts/aws.json").read_text())).zones.values()
    assert isinstance(zone, contract.AwsZone)
    outside = "VpcConfig" not in body
    policy = agent(
        landing(
            data_key=zone.keys.data,
            execution_role=zone.identities.execution,
            max_runtime=LONGEST_RUN,
            vpc=not outside,
            subnets=() if outside else zone.network.ids.subnets,
            security_groups=() if outside else zone.network.ids.security_groups,
        )
    )
    job = PLACE.arn("sagemaker", f"training-job/{body['TrainingJobName']}")
    assert decision(policy, "sagemaker:CreateTrainingJob", job, **conditions(body)) == "allow"
    assert decision(policy, "sagemaker:AddTags", job) == "allow"
    passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    assert decision(policy, "iam:PassRole", body["RoleArn"], **passed) == "allow"
