"""One zone as seen from outside: its contract, and clients of the cloud it lies on."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.contract import AwsZone
from localcloud import Cloud
from tests.engine.clients import client

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """A zone of a stack that is up on `cloud`, where nothing else of a user lives."""

    cloud: Cloud
    zone: AwsZone

    def client(self, service: str) -> Any:
        """A boto3 client in the zone's region."""
        return client(self.cloud, service, self.zone.region)

    @property
    def buckets(self) -> list[str]:
        """Every bucket there is, those that the contract does not name (the trail's) among them."""
        return sorted(bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"])

    @property
    def data_buckets(self) -> list[str]:
        """The buckets that hold what jobs read and write."""
        ours = self.zone.buckets
        return [ours.data.name, ours.output.name, ours.checkpoints.name]

    @property
    def log_buckets(self) -> list[str]:
        """The buckets that hold records about the others."""
        return [name for name in self.buckets if name not in self.data_buckets]

    @property
    def keys(self) -> list[str]:
        """The ARNs of the customer-managed keys of the zone."""
        keys = self.zone.keys
        return sorted({keys.data, keys.registry, keys.logs})

    @functools.cached_property
    def all_keys(self) -> list[str]:
        """The ARNs of all usable customer-managed keys in the region, the account's own among them."""
        kms = self.client("kms")
        found = (kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"])
        return sorted(key["Arn"] for key in found if key["KeyManager"] == "CUSTOMER" and key["Enabled"])

    def bucket_policy(self, bucket: str) -> list[Statement]:
        """The statements of a bucket's policy; none when it has no policy."""
        try:
            return statements(self.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        except Exception as error:
            if "NoSuchBucketPolicy" in str(error):
                return []
            raise

    def role_policy(self, arn: str) -> list[Statement]:
        """All statements that a role carries, inline and attached."""
        iam, role = self.client("iam"), arn.rsplit("/", 1)[1]
        found: list[Statement] = []
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
            found += statements(document["PolicyVersion"]["Document"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            found += statements(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        return found

    def trust(self, arn: str) -> list[Statement]:
        """The statements of a role's trust policy."""
        role = self.client("iam").get_role(RoleName=arn.rsplit("/", 1)[1])["Role"]
        return statements(role["AssumeRolePolicyDocument"])

    @functools.cached_property
    def rules(self) -> list[Mapping[str, Any]]:
        """Every security group rule of the zone's network."""
        groups = self._of_network("describe_security_groups", "SecurityGroups")
        of = [{"Name": "group-id", "Values": [group["GroupId"] for group in groups]}]
        return list(self.client("ec2").describe_security_group_rules(Filters=of)["SecurityGroupRules"])

    @property
    def default_group(self) -> str:
        """The id of the group that instances get when nobody names one."""
        groups = self._of_network("describe_security_groups", "SecurityGroups")
        return str(next(group["GroupId"] for group in groups if group["GroupName"] == "default"))

    @property
    def endpoints(self) -> list[Mapping[str, Any]]:
        """The VPC endpoints of the zone's network."""
        return self._of_network("describe_vpc_endpoints", "VpcEndpoints")

    @property
    def subnets(self) -> list[Mapping[str, Any]]:
        """The subnets that jobs run in."""
        ids = list(self.zone.network.ids.subnets)
        return list(self.client("ec2").describe_subnets(SubnetIds=ids)["Subnets"])

    @property
    def route_tables(self) -> list[Mapping[str, Any]]:
        """The route tables of the zone's network."""
        return self._of_network("describe_route_tables", "RouteTables")

    def _of_network(self, operation: str, where: str) -> list[Mapping[str, Any]]:
        of = [{"Name": "vpc-id", "Values": [self.zone.network.ids.vpc]}]
        return list(getattr(self.client("ec2"), operation)(Filters=of)[where])


def statements(document: str | Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document, whether it comes as text or decoded."""
    parsed = json.loads(document) if isinstance(document, str) else document
    found = parsed["Statement"]
    return list(found) if isinstance(found, list) else [found]


def values(item: object) -> list[str]:
    """One string or a list of them, as IAM documents allow both, as a list."""
    return [str(one) for one in item] if isinstance(item, list) else [str(item)]


def actions(statement: Statement) -> list[str]:
    """The actions of a statement, in lower case because IAM ignores case."""
    return [action.lower() for action in values(statement.get("Action", []))]


def conditions(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    """`(operator, key, values)` of every condition of a statement; operator and key in lower case."""
    for operator, tests in statement.get("Condition", {}).items():
        for key, wanted in tests.items():
            yield operator.lower(), key.lower(), values(wanted)


def requires(statement: Statement, key: str, *wanted: str) -> bool:
    """Whether a statement holds only for exactly these values of a condition key."""
    equal = ("stringequals", "arnequals", "arnlike", "stringlike", "bool", "null")
    return any(
        operator in equal and name == key.lower() and sorted(found) == sorted(wanted)
        for operator, name, found in conditions(statement)
    )


def holds(statement: Statement, request: Mapping[str, str]) -> bool:
    """Whether a statement's conditions hold for a request with these condition keys, as IAM evaluates them.

    A negated operator holds for a key that the request does not have
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
    """
    for operator, key, wanted in conditions(statement):
        there, found = key in request, request.get(key)
        if operator == "null":
            if (wanted == ["true"]) == there:
                return False
        elif operator in ("stringequals", "arnequals", "bool"):
            if found not in wanted:
                return False
        elif operator in ("stringnotequals", "arnnotequals"):
            if found in wanted:
                return False
        else:
            raise NotImplementedError(operator)
    return True
