"""What a set of policy statements says to an action on a resource: an Allow, and no Deny.

Of conditions those on text are understood; any other does not hold, and so grants and denies nothing. Source:
docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, and _elements.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Statement = Mapping[str, Any]
ANYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_EQUAL, _LIKE = ("StringEquals", "ArnEquals"), ("StringLike", "ArnLike")


def allowed(statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether the action may be done; `context` are the condition keys that the request carries."""
    return {one["Effect"] for one in statements if _applies(one, action, resource, context)} == {"Allow"}


def names(statement: Statement, principal: str, account: str) -> bool:
    """Whether a statement of a resource's own policy is about a principal, given by its ARN."""
    said = statement.get("Principal", "*")
    named = many(said.get("AWS", [])) if isinstance(said, dict) else many(said)
    return bool({"*", principal, account, f"arn:aws:iam::{account}:root"} & set(named))


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    return (
        _element(statement, "Action", action, re.IGNORECASE)
        and _element(statement, "Resource", resource)
        and all(
            _holds(operator, many(values), context.get(key))
            for operator, asked in (statement.get("Condition") or {}).items()
            for key, values in asked.items()
        )
    )


def _element(statement: Statement, name: str, value: str, flags: int = 0) -> bool:
    if name in statement:
        return _matches(statement[name], value, flags)
    return not _matches(statement.get(f"Not{name}", []), value, flags)


def _holds(operator: str, values: list[Any], actual: str | None) -> bool:
    """A condition on text. A negated one holds where the request does not carry the key."""
    plain = operator.replace("Not", "", 1)
    if plain not in (*_EQUAL, *_LIKE):
        return False
    met = actual is not None and (actual in values if plain in _EQUAL else _matches(values, actual))
    return met != (plain != operator)


def _matches(patterns: Any, text: str, flags: int = 0) -> bool:
    """Whether one of the patterns, in which `*` and `?` are wild, is the text."""
    escaped = (re.escape(str(one)).replace(r"\*", ".*").replace(r"\?", ".") for one in many(patterns))
    return any(re.fullmatch(one, text, flags) for one in escaped)


def many(value: Any) -> list[Any]:
    """A policy's list, which may be written as its only entry."""
    return value if isinstance(value, list) else [value]
