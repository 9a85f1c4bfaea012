"""How the stand-in differs from the real provider, and which of the differences have been reviewed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.engine.project import Key, Resource, Step

REVIEWED = Path(__file__).with_name("differences.yaml")


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that only one of the two does. `where` is inputs, outputs, resources, plan or refusals."""

    where: str
    type: str
    what: str
    only: str

    def __str__(self) -> str:
        return f"{{where: {self.where}, type: '{self.type}', what: '{self.what}', only: {self.only}, reason: }}"


@dataclass(frozen=True)
class Reviewed:
    """A difference that somebody has looked at; `type` and `what` may hold shell wildcards."""

    where: str
    type: str
    what: str
    only: str
    reason: str

    def covers(self, found: Difference) -> bool:
        """Whether this entry is about that difference."""
        same = (self.where, self.only) == (found.where, found.only)
        return same and fnmatch.fnmatchcase(found.type, self.type) and fnmatch.fnmatchcase(found.what, self.what)


def reviewed() -> list[Reviewed]:
    """The entries of differences.yaml; one without a reason is an error."""
    entries = [Reviewed(**entry) for entry in yaml.safe_load(REVIEWED.read_text()) or []]
    assert all(entry.reason for entry in entries), "a difference needs its reason"
    return entries


def unlisted(found: set[Difference]) -> str:
    """The differences nobody has reviewed, as lines for differences.yaml; "" when there is none."""
    known = reviewed()
    new = sorted(one for one in found if not any(entry.covers(one) for entry in known))
    return "".join(f"\n- {one}" for one in new)


def states(real: Mapping[Key, Resource], standin: Mapping[Key, Resource]) -> set[Difference]:
    """Differences between two exported states of the same stack: resources, input keys, output keys."""
    found = set(_sided("resources", {key: key[1] for key in real}, {key: key[1] for key in standin}))
    for key in real.keys() & standin.keys():
        for where in ("inputs", "outputs"):
            ours, theirs = (dict.fromkeys(_paths(getattr(one[key], where))) for one in (standin, real))
            sides = {(key[0], path): path for path in theirs}, {(key[0], path): path for path in ours}
            found |= set(_sided(where, *sides))
    return found


def plans(real: Mapping[Key, Step], standin: Mapping[Key, Step]) -> set[Difference]:
    """Differences between two plans of one change: what happens to which resource, what makes it replace."""

    def decisions(steps: Mapping[Key, Step]) -> dict[Key, str]:
        named = {key: step for key, step in steps.items() if not key[0].startswith("pulumi:")}
        return {
            (kind, text): text
            for (kind, name), step in named.items()
            for text in (f"{name} {step.op} {' '.join(_roots(step.replacing))}".strip(),)
        }

    return set(_sided("plan", decisions(real), decisions(standin)))


def refusals(real: Mapping[Key, str], standin: Mapping[Key, str]) -> set[Difference]:
    """Differences between what the two refuse; `{(type, row): reason or ""}`."""
    refused = [{key: key[1] for key, reason in side.items() if reason} for side in (real, standin)]
    return set(_sided("refusals", *refused))


def _sided(where: str, real: Mapping[Key, str], standin: Mapping[Key, str]) -> Iterator[Difference]:
    for only, ours, theirs in (("real", real, standin), ("stand-in", standin, real)):
        for kind, name in ours.keys() - theirs.keys():
            yield Difference(where, kind, ours[kind, name], only)


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """Every property below a value, lists as `[]`; an absent list or map and an empty one are the same."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not key.startswith("__") and item not in (None, [], {}):
                yield from _paths(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, f"{path}[]")
    else:
        yield path


def _roots(paths: tuple[str, ...]) -> list[str]:
    return sorted({path.split(".")[0].split("[")[0] for path in paths})
