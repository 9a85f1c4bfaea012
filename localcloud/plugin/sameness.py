"""Texts that mean the same to a provider though they are spelt differently (its DiffSuppressFuncs), by kind."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def alike(kind: str, old: Any, new: Any) -> bool:
    """Whether a new value asks for nothing that the old is not; `kind` is a property's `same`."""
    name, _, argument = kind.partition(":")
    if name == "empty_or":
        return {old or "", new or ""} <= {"", argument}
    if name == "once_true":
        return bool(old)
    if name == "order":
        return isinstance(old, list) and isinstance(new, list) and sorted(map(str, old)) == sorted(map(str, new))
    return isinstance(old, str) and isinstance(new, str) and KINDS[name](old, new)


def _path(link: str) -> str:
    """The relative path of a self link: what follows the host and the version."""
    found = re.search(r"projects/.*", link)
    return found[0] if found else link


def _link_or_name(old: str, new: str) -> bool:
    if "/" not in new:  # a bare name
        return old.rpartition("/")[2] == new
    return _path(old) == _path(new)


def _member(old: str, new: str) -> bool:
    """Principals compare without case, but those of identity pools (tpgresource.IamPrincipalIsCaseSensitive)."""
    sensitive = any(word.startswith(("principal:", "principalSet:", "principalHierarchy:")) for word in (old, new))
    return old == new if sensitive else old.lower() == new.lower()


def _duration(old: str, new: str) -> bool:
    return _seconds(old) is not None and _seconds(old) == _seconds(new)


def _seconds(text: str) -> float | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    return float(found[1]) * UNITS[found[2]] if found else None


def _address(old: str, new: str) -> bool:
    """An address may stand for the reservation that was asked for (InternalIpDiffSuppress); two are compared."""
    present, wanted = _parsed(old), _parsed(new)
    return old == new if present is None else wanted is None or present == wanted


def _parsed(text: str) -> Any:
    try:
        return ipaddress.ip_interface(text).ip
    except ValueError:
        return None


def _json(old: str, new: str) -> bool:
    try:
        return bool(json.loads(old) == json.loads(new))
    except ValueError:
        return False


KINDS: dict[str, Callable[[str, str], bool]] = {
    "link_or_name": _link_or_name,
    "link": lambda old, new: _path(old) == _path(new),
    "last_segment": lambda old, new: old.rpartition("/")[2] == new.rpartition("/")[2],
    "case": lambda old, new: old.upper() == new.upper(),
    "member": _member,
    "duration": _duration,
    "spaces": lambda old, new: old.strip() == new.strip(),
    "address": _address,
    "json": _json,
    "port_range": lambda old, new: old == f"{new}-{new}",
}
