"""The typed rules that a value can break: lengths, ranges, patterns, enumerations, documents, networks."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

from localcloud.plugin.values import UNKNOWN, has_unknown

Rule = dict[str, Any]
ARN = re.compile(r"^arn:(aws[a-zA-Z-]*):([^:]*):([^:]*):([^:]*):(.+)$", re.S)
REGION = re.compile(r"^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$")
ACCOUNT = re.compile(r"^(aws|aws-managed|third-party|aws-marketplace|\d{12}|cw.{10})$")


def broken(rule: Rule, value: Any, label: str) -> str:
    """What of the rule the value breaks, in the provider's words; "" when nothing, as for unknown values."""
    if value is UNKNOWN or has_unknown(value):
        return ""
    if rule["rule"] == "any":
        tries = [[broken(one, value, label) for one in option] for option in rule["of"]]
        return "" if any(not any(reasons) for reasons in tries) else next(r for r in tries[0] if r)
    reason = RULES[rule["rule"]](rule, value)
    return reason.replace("{label}", label)


def _bounds(rule: Rule) -> str:
    if rule["max"] is None:
        return f"at least ({rule['min']})"
    return f"at most ({rule['max']})" if rule["min"] is None else f"in the range ({rule['min']} - {rule['max']})"


def _outside(rule: Rule, size: float) -> bool:
    return (rule["min"] is not None and size < rule["min"]) or (rule["max"] is not None and size > rule["max"])


def _length(rule: Rule, value: Any) -> str:
    return f"expected length of {{label}} to be {_bounds(rule)}, got {value}" if _outside(rule, len(value)) else ""


def _range(rule: Rule, value: Any) -> str:
    return f"expected {{label}} to be {_bounds(rule)}, got {value}" if _outside(rule, value) else ""


def _size(rule: Rule, value: Any) -> str:
    count = len(value) if isinstance(value, list) else 1
    return (
        f"Attribute {{label}} must contain {_bounds(rule)} elements, got {count}" if _outside(rule, count) else ""
    )


def _one_of(rule: Rule, value: Any) -> str:
    listed = " ".join(json.dumps(one) for one in rule["values"])
    return "" if value in rule["values"] else f"expected {{label}} to be one of [{listed}], got {value}"


def _pattern(rule: Rule, value: Any) -> str:
    return "" if re.search(rule["pattern"], value) else f"invalid value for {{label}} ({rule['message']}): {value}"


def _not_pattern(rule: Rule, value: Any) -> str:
    return f"invalid value for {{label}} ({rule['message']}): {value}" if re.search(rule["pattern"], value) else ""


def _arn(rule: Rule, value: Any) -> str:
    if not value:
        return ""
    found = ARN.match(value)
    if not found:
        return f'"{{label}}" ({value}) is an invalid ARN: arn: invalid prefix or not enough sections'
    region, account = found.group(3), found.group(4)
    if region and not REGION.match(region):
        return f'"{{label}}" ({value}) is an invalid ARN: invalid region value'
    if account and not ACCOUNT.match(account):
        return f'"{{label}}" ({value}) is an invalid ARN: invalid account ID value'
    return ""


def _json(rule: Rule, value: Any) -> str:
    try:
        json.loads(value)
    except ValueError as error:
        return f'"{{label}}" contains an invalid JSON: {error}'
    return ""


def _policy(rule: Rule, value: Any) -> str:
    if not value.strip():
        return '"{label}" is an empty string, which is not a valid JSON value'
    if not value.startswith("{"):
        return '"{label}" contains an invalid JSON policy: not a JSON object'
    reason = _json(rule, value)
    if reason:
        return reason.replace("an invalid JSON", "an invalid JSON policy")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            raise ValueError(f"duplicate JSON key {next(n for n in names if names.count(n) > 1)!r}")
        return dict(pairs)

    try:
        json.loads(value, object_pairs_hook=once)
    except ValueError as error:
        return f'"{{label}}" contains an invalid JSON policy: {error}'
    return ""


def _network(rule: Rule, value: Any) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f'"{value}" is not a valid CIDR block'
    if network.version != rule["version"] or "/" not in value:
        return f'"{value}" is not a valid IPv{rule["version"]} CIDR block'
    return (
        ""
        if str(network) == value
        else f'"{value}" is not a valid IPv{rule["version"]} CIDR block; did you mean "{network}"?'
    )


def _cidr(rule: Rule, value: Any) -> str:
    """Any address with a mask, as Go's net.ParseCIDR takes it."""
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        value = ""
    return "" if "/" in value else '"{label}" is not a valid IP CIDR range: invalid CIDR address'


def _keys(rule: Rule, value: Any) -> str:
    """Of a map: its keys match a pattern."""
    wrong = [key for key in value if not re.search(rule["pattern"], key)]
    return f'"{wrong[0]}" {rule["message"]}' if wrong else ""


def _netmask(rule: Rule, value: Any) -> str:
    reason = _network({"version": 4}, value)
    bits = int(value.partition("/")[2]) if not reason else 0
    return reason or (
        f"expected {{label}} to contain a network Value {_bounds(rule)} significant bits, got: {bits}"
        if _outside(rule, bits)
        else ""
    )


RULES: dict[str, Callable[[Rule, Any], str]] = {
    "length": _length,
    "range": _range,
    "size": _size,
    "one_of": _one_of,
    "pattern": _pattern,
    "not_pattern": _not_pattern,
    "arn": _arn,
    "json": _json,
    "policy": _policy,
    "network": _network,
    "netmask": _netmask,
    "cidr": _cidr,
    "keys": _keys,
}
