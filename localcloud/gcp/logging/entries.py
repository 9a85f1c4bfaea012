"""Log entries: kept in the order they came, read by filter."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp import times
from localcloud.gcp.errors import invalid
from localcloud.gcp.filters import Comparison
from localcloud.gcp.state import State

SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
"""In rising order (LogSeverity)."""

_KEPT = 200_000
_TIMES = ("timestamp", "receiveTimestamp")
_ORDER = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "<": lambda have, want: have < want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    ">=": lambda have, want: have >= want,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` counts entries as they came, `time` is the timestamp in nanoseconds since 1970."""

    number: int
    time: int
    document: Mapping[str, Any]


@dataclass
class Entries:
    """The last entries of the project. Hold `state.lock`."""

    state: State
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, document: Mapping[str, Any]) -> None:
        """Keep one entry, with what the service fills in. Raises GoogleError."""
        now = times.write(self.state.clock())
        number = next(self._numbers)
        whole = {
            "timestamp": now,
            "severity": "DEFAULT",
            "insertId": f"local{number:012d}",
            **{name: value for name, value in document.items() if value not in ("", None)},
            "receiveTimestamp": now,
        }
        self.entries.append(Entry(number, times.nanoseconds(whole["timestamp"]), whole))


def check(comparison: Comparison) -> None:
    """Refuse a comparison that could not be judged. Raises GoogleError."""
    if comparison.operator in _ORDER or comparison.operator in ("", ":"):
        if comparison.name in _TIMES:
            times.nanoseconds(comparison.value)
        if comparison.name == "severity" and comparison.operator in _ORDER:
            _severity(comparison.value)
        return
    try:
        re.compile(comparison.value)
    except re.error as error:
        raise invalid(f"Unparseable filter: invalid regular expression {comparison.value!r}") from error


def matches(document: Mapping[str, Any], comparison: Comparison) -> bool:
    """Whether an entry fits one comparison; of a field that is not there nothing holds (query language)."""
    operator, want = comparison.operator, comparison.value
    if not operator:
        return any(want.casefold() in str(value).casefold() for value in _leaves(document))
    have = _field(document, comparison.path)
    if have is None:
        return False
    if operator == ":":
        return want == "*" or any(want.casefold() in str(value).casefold() for value in _leaves(have))
    if operator in ("=~", "!~"):
        return (re.search(want, str(have)) is not None) == (operator == "=~")
    if comparison.name in _TIMES:
        return bool(_ORDER[operator](times.nanoseconds(str(have)), times.nanoseconds(want)))
    if comparison.name == "severity":
        return bool(_ORDER[operator](_severity(str(have)), _severity(want)))
    try:
        return bool(_ORDER[operator](float(have), float(want)))
    except (TypeError, ValueError):
        return bool(_ORDER[operator](str(have).casefold(), want.casefold()))


def _severity(name: str) -> int:
    if name.upper() not in SEVERITIES:
        raise invalid(f"Unparseable filter: unknown severity {name!r}")
    return SEVERITIES.index(name.upper())


def _field(document: Any, path: tuple[str, ...]) -> Any:
    """What is at a path; a label's name may hold dots without quotes around it."""
    for depth in range(len(path)):
        if not isinstance(document, Mapping):
            return None
        rest = ".".join(path[depth:])
        if rest in document:
            return document[rest]
        document = document.get(path[depth])
    return document


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
