"""What else exists in the account, asked of moto's own stores: the rules of CreateTrainingJob need it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any, Protocol


class Account(Protocol):
    """The questions the service rules ask; None or False means there is no such thing."""

    def trust(self, role_arn: str) -> dict[str, Any] | None:
        """The trust policy of a role."""
        ...

    def bucket_region(self, bucket: str) -> str | None: ...

    def has_objects(self, bucket: str, prefix: str) -> bool: ...

    def key_state(self, key: str, region: str) -> str | None:
        """`Enabled`, `Disabled`, `PendingDeletion`; `key` is an id, an ARN, an alias or an alias ARN."""
        ...

    def subnet_vpc(self, subnet: str, region: str) -> str | None: ...

    def group_vpc(self, group: str, region: str) -> str | None: ...

    def has_repository(self, name: str, region: str) -> bool: ...

    def local_storage(self, instance: str) -> bool | None:
        """Whether an EC2 type (without `ml.`) has NVMe of its own; None when its data are unknown."""
        ...


class MotoAccount:
    """An Account that is what moto holds. `moto` is the server's Moto."""

    def __init__(self, moto: Any) -> None:
        self._moto = moto

    def trust(self, role_arn: str) -> dict[str, Any] | None:
        with self._moto.lock:
            for role in self._moto.backend("iam", "aws").roles.values():
                if role.arn == role_arn:
                    document = role.assume_role_policy_document
                    return dict(json.loads(document)) if isinstance(document, str) else dict(document)
        return None

    def role_age(self, role_arn: str, now: float) -> float | None:
        """Seconds since a role was made; None when there is no such role."""
        with self._moto.lock:
            for role in self._moto.backend("iam", "aws").roles.values():
                if role.arn == role_arn:
                    return now - float(role.create_date.replace(tzinfo=UTC).timestamp())
        return None

    def bucket_region(self, bucket: str) -> str | None:
        with self._moto.lock:
            found = self._moto.backend("s3", "aws").buckets.get(bucket)
            return None if found is None else str(found.region_name)

    def has_objects(self, bucket: str, prefix: str) -> bool:
        with self._moto.lock:
            found = self._moto.backend("s3", "aws").buckets.get(bucket)
            return found is not None and any(name.startswith(prefix) for name in found.keys)

    def key_state(self, key: str, region: str) -> str | None:
        with self._moto.lock:
            backend = self._moto.backend("kms", region)
            name = key.rpartition(":")[2] if key.startswith("arn:") else key
            if name.startswith("alias/"):
                found = backend.get_key_id_from_alias(name)
                name = found.rpartition("/")[2] if found else name
            held = backend.keys.get(name.rpartition("/")[2])
            return None if held is None else str(held.key_state)

    def subnet_vpc(self, subnet: str, region: str) -> str | None:
        with self._moto.lock:
            for by_zone in self._moto.backend("ec2", region).subnets.values():
                if found := by_zone.get(subnet):
                    return str(found.vpc_id)
        return None

    def group_vpc(self, group: str, region: str) -> str | None:
        with self._moto.lock:
            for vpc, groups in self._moto.backend("ec2", region).groups.items():
                if group in groups:
                    return str(vpc)
        return None

    def has_repository(self, name: str, region: str) -> bool:
        with self._moto.lock:
            return name in self._moto.backend("ecr", region).repositories

    def local_storage(self, instance: str) -> bool | None:
        with self._moto.lock:
            from moto.ec2.models.instance_types import INSTANCE_TYPES

            found = INSTANCE_TYPES.get(instance)
            return None if found is None else bool(found.get("InstanceStorageSupported"))


def services_trusted(trust: dict[str, Any]) -> Iterator[str]:
    """The service principals that a trust policy lets assume the role; conditions are not evaluated."""
    for statement in _many(trust.get("Statement", [])):
        actions = _many(statement.get("Action", []))
        if statement.get("Effect") == "Allow" and {"sts:AssumeRole", "sts:*", "*"} & set(actions):
            principal = statement.get("Principal", {})
            if isinstance(principal, dict):
                yield from _many(principal.get("Service", []))


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
