"""What the AWS API does and moto 5.2 does not, filled in; each with the reason it is needed."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

_filled = False


def fill() -> None:
    """Patch moto in this process, once."""
    global _filled
    if not _filled:
        _filled = True
        _bucket_tags_at_creation()
        _budget_tags_and_subscribers()
        _bucket_policies_with_conditions()
        _log_delivery_beside_a_deny_for_everyone()
        _trails_deleted_by_arn()
        _secrets_in_their_recovery_window()
        _nat_gateways()
        _keys_that_say_what_they_are_for()
        _endpoints_that_say_their_type()
        _rules_that_say_what_they_are_for()


def _wrap(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Decorator: replace `owner.name` by a function that gets the original as its first argument."""

    def decorate(replacement: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(owner, name, wrapped)

    return decorate


def _bucket_tags_at_creation() -> None:
    """CreateBucket takes tags in its body (S3, 2025) and the AWS provider sends them; moto drops them."""
    import xmltodict
    from moto.s3.responses import S3Response

    @_wrap(S3Response, "_bucket_response_put")
    def put(original: Callable[..., Any], self: Any, request: Any, bucket_name: str, querystring: Any) -> Any:
        answer = original(self, request, bucket_name, querystring)
        if not querystring and self.body:
            body = xmltodict.parse(self.body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
            tags = (body.get("Tags") or {}).get("Tag") or []
            if tags:
                bucket = self.backend.get_bucket(bucket_name)
                pairs = [{"Key": tag["Key"], "Value": tag.get("Value") or ""} for tag in tags]
                self.backend.tagger.tag_resource(bucket.arn, pairs)
        return answer


def _budget_tags_and_subscribers() -> None:
    """The AWS provider tags budgets and reads the subscribers of each notification back; moto has neither."""
    from moto.budgets.responses import BudgetsResponse

    tags: dict[str, dict[str, str]] = {}

    @_wrap(BudgetsResponse, "create_budget")
    def create_budget(original: Callable[..., Any], self: Any) -> Any:
        answer = original(self)
        name = self._get_param("Budget")["BudgetName"]
        arn = f"arn:aws:budgets::{self._get_param('AccountId')}:budget/{name}"
        tags[arn] = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags") or []}
        return answer

    def list_tags_for_resource(self: Any) -> str:
        found = tags.get(self._get_param("ResourceARN"), {})
        return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in found.items()]})

    def tag_resource(self: Any) -> str:
        new = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")}
        tags.setdefault(self._get_param("ResourceARN"), {}).update(new)
        return "{}"

    def untag_resource(self: Any) -> str:
        for key in self._get_param("ResourceTagKeys"):
            tags.get(self._get_param("ResourceARN"), {}).pop(key, None)
        return "{}"

    def describe_subscribers_for_notification(self: Any) -> str:
        wanted = self._get_param("Notification")
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        same = ("NotificationType", "ComparisonOperator", "Threshold")
        for notification in budget.notifications:
            if all(notification.details.get(key) == wanted.get(key) for key in same):
                return json.dumps({"Subscribers": notification.subscribers})
        return json.dumps({"Subscribers": []})

    for function in (
        list_tags_for_resource,
        tag_resource,
        untag_resource,
        describe_subscribers_for_notification,
    ):
        setattr(BudgetsResponse, function.__name__, function)


def _bucket_policies_with_conditions() -> None:
    """Moto reads no conditions: `deny unless TLS` would deny everything. Statements with one are left out."""
    from moto.s3.models import FakeBucket

    @_wrap(FakeBucket, "get_permission")
    def permission(original: Callable[..., Any], self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return original(self, action, resource)
        policy = json.loads(self.policy)
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        policy["Statement"] = [one for one in statements if "Condition" not in one]
        return original(SimpleNamespace(policy=json.dumps(policy).encode()), action, resource)


def _log_delivery_beside_a_deny_for_everyone() -> None:
    """PutBucketLogging reads the target's policy, and moto breaks off at a statement whose principal is `*`."""
    from moto.s3.models import FakeBucket

    @_wrap(FakeBucket, "_log_permissions_enabled_policy")
    def enabled(original: Callable[..., bool], self: Any, target_bucket: Any, target_prefix: str | None) -> bool:
        policy = json.loads(target_bucket.policy or '{"Statement": []}')
        policy["Statement"] = [one for one in policy["Statement"] if isinstance(one.get("Principal"), dict)]
        named = SimpleNamespace(
            policy=json.dumps(policy).encode(), partition=target_bucket.partition, name=target_bucket.name
        )
        return original(target_bucket=named, target_prefix=target_prefix)


def _trails_deleted_by_arn() -> None:
    """DeleteTrail takes an ARN as well, which the AWS provider sends; moto then deletes nothing."""
    from moto.cloudtrail.models import CloudTrailBackend

    @_wrap(CloudTrailBackend, "delete_trail")
    def delete(original: Callable[..., None], self: Any, name: str) -> None:
        original(self, self.get_trail(name).trail_name)  # AWS too answers TrailNotFoundException


def _secrets_in_their_recovery_window() -> None:
    """A deleted secret keeps its name for its recovery window, which up/destroy/up meets; moto says it exists."""
    from moto.secretsmanager.exceptions import InvalidRequestException
    from moto.secretsmanager.models import SecretsManagerBackend

    @_wrap(SecretsManagerBackend, "create_secret")
    def create(original: Callable[..., str], self: Any, name: str, *args: Any, **kwargs: Any) -> str:
        held = self.secrets.get(name)
        if held is not None and held.is_deleted():
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        return original(self, name, *args, **kwargs)


def _nat_gateways() -> None:
    """DescribeNatGateways names the availability mode, without which the AWS provider reads no address.

    DeleteNatGateway removes the gateway's network interface; moto leaves it in the subnet for ever.
    """
    from moto.ec2.models import EC2Backend
    from moto.ec2.models.nat_gateways import NatGateway

    NatGateway.availability_mode = "zonal"  # type: ignore[attr-defined]  # that it is missing is the gap

    @_wrap(EC2Backend, "delete_nat_gateway")
    def delete(original: Callable[..., Any], self: Any, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway


def _keys_that_say_what_they_are_for() -> None:
    """CreateKey's KeyUsage is ENCRYPT_DECRYPT unless told; moto then keeps none and leaves it out of answers."""
    from moto.kms.models import KmsBackend

    @_wrap(KmsBackend, "create_key")
    def create(
        original: Callable[..., Any], self: Any, policy: Any, key_usage: str | None, *rest: Any, **named: Any
    ) -> Any:
        return original(self, policy, key_usage or "ENCRYPT_DECRYPT", *rest, **named)


def _endpoints_that_say_their_type() -> None:
    """CreateVpcEndpoint makes a gateway unless told; moto then keeps no type and leaves it out of answers."""
    from moto.ec2.models import EC2Backend

    @_wrap(EC2Backend, "create_vpc_endpoint")
    def create(
        original: Callable[..., Any],
        self: Any,
        vpc_id: str,
        service_name: str,
        endpoint_type: str | None,
        *rest: Any,
        **named: Any,
    ) -> Any:
        return original(self, vpc_id, service_name, endpoint_type or "Gateway", *rest, **named)


def _rules_that_say_what_they_are_for() -> None:
    """Any rule of a security group has a description; moto tells only those of rules with an address range."""
    from moto.ec2.models.security_groups import SecurityGroupRule

    @_wrap(SecurityGroupRule, "__init__")
    def init(original: Callable[..., Any], self: Any, *args: Any, **named: Any) -> None:
        original(self, *args, **named)
        prefix_list = named.get("prefix_list_id") or (args[7] if len(args) > 7 else None) or {}
        self.said = self.source_group.pop("Description", None) or prefix_list.get("Description")

    def description(self: Any) -> Any:
        return self.ip_range.get("Description") or self.said

    setattr(SecurityGroupRule, "description", property(description))  # noqa: B010  # a method becomes a property
