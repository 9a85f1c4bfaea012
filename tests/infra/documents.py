"""A zone's documents as tests take them apart, and the small part of IAM's evaluation that they need."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from infra import config
from infra.aws import compute
from infra.aws.place import Place
from infra.aws.policies import Landing
from tests.infra.stacks import ACCOUNT, stack, zone

KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/10000000-0000-4000-8000-000000000000"
PLACE = Place("aws-euc1", ACCOUNT, "eu-central-1", "aws", "1a2b3c4d", False)


def landing(place: Place = PLACE, **changes: Any) -> Landing:
    """The zone's landing with every hardware family allowed; `changes` are fields of it."""
    every = compute.allowed(config.read(stack(zone()), "eu").zones[0])
    fields: dict[str, Any] = {
        "place": place,
        "data": place.bucket_arn("aws-euc1-data-1a2b3c4d"),
        "output": place.bucket_arn("aws-euc1-output-1a2b3c4d"),
        "checkpoints": place.bucket_arn("aws-euc1-checkpoints-1a2b3c4d"),
        "data_key": KEY,
        "repository": place.arn("ecr", "repository/aws-euc1-images-1a2b3c4d"),
        "execution_role": place.role_arn("aws-euc1-execution-1a2b3c4d"),
        "secrets": place.arn("secretsmanager", "secret:aws-euc1/*"),
        "vpc": True,
        "subnets": ("subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"),
        "security_groups": ("sg-0a1b2c3d4e5f60718",),
        "ebs_types": every.ebs,
        "nvme_types": every.nvme,
        "max_runtime": 432_000,
    }
    return Landing(**{**fields, **changes})


def holds(operator: str, key: str, wanted: Any, context: Mapping[str, Any]) -> bool:
    """One condition, as IAM evaluates it (IAM user guide, condition operators and multivalued keys).

    A negated operator holds for an absent key, ForAllValues for an absent key too, `Null` asks for absence.
    """
    values = wanted if isinstance(wanted, list) else [wanted]
    if operator == "Null":
        return (key not in context) == (values[0] == "true")
    every, _, plain = operator.rpartition(":")
    negated = "Not" in plain
    if key not in context:
        return negated or every == "ForAllValues"
    given = context[key] if isinstance(context[key], list) else [context[key]]
    if plain == "NumericLessThanEquals":
        return all(float(one) <= float(values[0]) for one in given)
    patterns = "Like" in plain or "Arn" in plain

    def matches(one: str) -> bool:
        return any(fnmatchcase(one, value) if patterns else one == value for value in values)

    found = all(map(matches, given)) if every == "ForAllValues" else any(map(matches, given))
    return not found if negated else found


def applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, Any]) -> bool:
    """Whether a statement speaks of this request."""

    def listed(value: Any) -> list[str]:
        return value if isinstance(value, list) else [value]

    return (
        any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        and all(
            holds(operator, key, wanted, context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def decision(statements: list[dict[str, Any]], action: str, resource: str, **context: Any) -> str:
    """`deny`, `allow` or `none` (nothing speaks of it, which IAM refuses too)."""
    effects = {s["Effect"] for s in statements if applies(s, action, resource, context)}
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "none"
