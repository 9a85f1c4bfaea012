"""Everything that exists on the local AWS, service by service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud import Cloud
from localcloud.place import ACCOUNT
from tests.engine.clients import client

# Service -> (operation or paginator, where the answer lists things, what identifies one).
# Only services and things that a zone of ours, or a mistake in one, could leave behind.
_LISTS: dict[str, list[tuple[str, str, str]]] = {
    "s3": [("list_buckets", "Buckets", "Name")],
    "ecr": [("describe_repositories", "repositories", "repositoryName")],
    "iam": [
        ("list_roles", "Roles", "RoleName"),
        ("list_policies", "Policies", "PolicyName"),
        ("list_users", "Users", "UserName"),
        ("list_groups", "Groups", "GroupName"),
        ("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        ("list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    ],
    "logs": [("describe_log_groups", "logGroups", "logGroupName")],
    "cloudtrail": [("list_trails", "Trails", "TrailARN")],
    "secretsmanager": [("list_secrets", "SecretList", "Name")],
    "sns": [("list_topics", "Topics", "TopicArn")],
    "sqs": [("list_queues", "QueueUrls", "")],
    "events": [("list_rules", "Rules", "Name")],
    "cloudwatch": [("describe_alarms", "MetricAlarms", "AlarmName")],
    "ssm": [("describe_parameters", "Parameters", "Name")],
    "dynamodb": [("list_tables", "TableNames", "")],
    "sagemaker": [("list_training_jobs", "TrainingJobSummaries", "TrainingJobName")],
    "ec2": [
        ("describe_instances", "Reservations", "ReservationId"),
        ("describe_volumes", "Volumes", "VolumeId"),
        ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_addresses", "Addresses", "AllocationId"),
        ("describe_flow_logs", "FlowLogs", "FlowLogId"),
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
        ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ],
}

_ARGUMENTS: dict[str, dict[str, Any]] = {"list_policies": {"Scope": "Local"}}


def census(cloud: Cloud, region: str) -> dict[str, list[str]]:
    """`{service.thing: ids}` of one region, without what an untouched account holds (its default VPC).

    Keys that wait for their deletion are not counted: AWS keeps those for at least 7 days.
    """
    found: dict[str, list[str]] = {}
    for service, lists in _LISTS.items():
        asked = client(cloud, service, region)
        for operation, where, identity in lists:
            things = [thing for thing in _all(asked, operation, where) if not _untouched(asked, where, thing)]
            if things:
                found[f"{service}.{where}"] = sorted(
                    str(thing[identity] if identity else thing) for thing in things
                )
    found |= _keys(client(cloud, "kms", region))
    found |= _budgets(cloud)
    return found


def _all(asked: Any, operation: str, where: str) -> Iterator[Any]:
    arguments = _ARGUMENTS.get(operation, {})
    if asked.can_paginate(operation):
        for page in asked.get_paginator(operation).paginate(**arguments):
            yield from page.get(where, [])
    else:
        yield from getattr(asked, operation)(**arguments).get(where, [])


def _untouched(asked: Any, where: str, thing: Any) -> bool:
    """Whether the account had it before anyone did anything, or it is only the memory of something gone."""
    if where in ("NatGateways", "VpcEndpoints"):
        return bool(thing["State"] == "deleted")
    if where == "NetworkAcls" and thing["IsDefault"]:
        return True  # comes with a VPC; moto keeps it when the VPC is deleted
    if where == "Roles":
        return bool(thing["Path"].startswith("/aws-service-role/"))
    if where == "Vpcs":
        return bool(thing["IsDefault"])
    if where in ("Subnets", "RouteTables", "SecurityGroups", "NetworkAcls", "NetworkInterfaces"):
        return thing["VpcId"] in _default_vpcs(asked)
    if where == "InternetGateways":
        return any(place["VpcId"] in _default_vpcs(asked) for place in thing["Attachments"])
    return False


def _default_vpcs(asked: Any) -> set[str]:
    return {vpc["VpcId"] for vpc in asked.describe_vpcs()["Vpcs"] if vpc["IsDefault"]}


def _keys(asked: Any) -> dict[str, list[str]]:
    keys = [asked.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in _all(asked, "list_keys", "Keys")]
    living = [
        key["KeyId"] for key in keys if key["KeyManager"] == "CUSTOMER" and key["KeyState"] != "PendingDeletion"
    ]
    aliases = [alias["AliasName"] for alias in _all(asked, "list_aliases", "Aliases")]
    ours = [alias for alias in aliases if not alias.startswith("alias/aws/")]
    found = {"kms.Keys": sorted(living), "kms.Aliases": sorted(ours)}
    return {where: things for where, things in found.items() if things}


def _budgets(cloud: Cloud) -> dict[str, list[str]]:
    budgets = client(cloud, "budgets", "us-east-1").describe_budgets(AccountId=ACCOUNT).get("Budgets", [])
    return {"budgets.Budgets": [budget["BudgetName"] for budget in budgets]} if budgets else {}
