"""What is left of a zone in which some settings are wrong, so that one message judges the rest of it too."""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from infra.base import Settings, Unknown
from infra.settings import ZONES, Zone

Place = tuple[int | str, ...]
KnownKeys = Callable[[Place], Sequence[str]]
_ROUNDS = 20
"""Each round takes out what the one before has uncovered, such as a budget whose addresses were wrong."""
# A zone needs these. Where one is wrong another stands in for it while the zone is read, and no rule sees that.
_STAND_INS: Mapping[int | str, str] = {
    "name": "unknown",
    "region": "unknown",
    "account": "000000000000",
    "project": "unknown-project",
    "subscription": "00000000-0000-0000-0000-000000000000",
}
_ZONE: TypeAdapter[Zone] = TypeAdapter(Annotated[Zone, Field(discriminator="cloud")])


@dataclass(frozen=True, slots=True)
class Rest:
    """A zone without what is wrong in it: to read such a setting, or its default, raises infra.base.Unknown.

    `kept` has, by the name of a list of entries (`compute`), the indexes in the file of those that are left.
    """

    zone: Zone
    kept: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def in_file(self, path: str) -> str:
        """A path below the zone, with entries numbered as in the file."""
        name, bracket, tail = path.partition("[")
        if not bracket or name not in self.kept:
            return path
        number, _, tail = tail.partition("]")
        return f"{name}[{self.kept[name][int(number)]}]{tail}"


def rest(raw: object, known_keys: Callable[[Place, str], Sequence[str]]) -> Rest | None:
    """What is left of a zone's settings (decoded JSON), None where that is nothing: no mapping, no cloud of ours.

    `known_keys` tells the keys that a zone takes at a place in it, by its cloud.
    """
    if not isinstance(raw, Mapping) or raw.get("cloud") not in ZONES:
        return None
    cloud = str(raw["cloud"])
    draft = _Draft(copy.deepcopy(dict(raw)), lambda place: known_keys(place, cloud))
    for _ in range(_ROUNDS):
        try:
            zone = _ZONE.validate_json(json.dumps(draft.document))
        except ValidationError as error:
            try:
                draft.without([(_below(one["loc"]), one["type"]) for one in error.errors(include_url=False)])
            except (KeyError, IndexError, TypeError):
                return None  # wrong in a way that has no place in the file
            continue
        for place in draft.unknown:
            _forget(zone, place)
        return Rest(zone, draft.kept)
    return None


@dataclass(slots=True)
class _Draft:
    """A zone's settings, out of which mistakes are taken; `unknown` is what these leave nothing known of."""

    document: dict[str, Any]
    known_keys: KnownKeys
    unknown: set[Place] = field(default_factory=set)
    kept: dict[str, list[int]] = field(default_factory=dict)

    def without(self, found: Sequence[tuple[Place, str]]) -> None:
        """Take out what is wrong, given by its place and pydantic's word for it.

        Raises KeyError, IndexError or TypeError for a place that the settings do not have.
        """
        entries = {place[:2] for place, _ in found if self._is_entry(place)}
        # From the last one on, so that the indexes of those before it still count.
        for name, index in sorted(entries, key=lambda entry: int(entry[1]), reverse=True):
            self._drop(str(name), int(index))
        for place, kind in dict.fromkeys(found):
            if place[:2] not in entries:
                self._take_out(place, kind)

    def _is_entry(self, place: Place) -> bool:
        """Whether a place is in an entry, with keys of its own, of one of the zone's lists."""
        if len(place) < 2 or not isinstance(place[1], int):
            return False
        return isinstance(_at(self.document, place[:2]), Mapping)

    def _drop(self, name: str, index: int) -> None:
        self.kept.setdefault(name, list(range(len(self.document[name])))).pop(index)
        del self.document[name][index]

    def _take_out(self, place: Place, kind: str) -> None:
        *around, last = place
        if kind == "extra_forbidden":
            there = _at(self.document, around)
            del there[last]
            meant = difflib.get_close_matches(str(last), self.known_keys(tuple(around)), n=1)
            self.unknown |= {(*around, one) for one in meant if there.get(one) is None}
        elif len(place) == 1 and last in _STAND_INS:
            self.document[str(last)] = _STAND_INS[last]
            self.unknown.add(place)
        else:
            place = tuple(around) if kind == "missing" else place  # what lacks a key cannot be read without it
            text = next((index for index, part in enumerate(place) if isinstance(part, int)), len(place))
            place = place[:text]  # a list of texts goes as a whole: fewer of them would mean something else
            _at(self.document, place[:-1]).pop(place[-1], None)
            self.unknown.add(place)


def _below(place: Place) -> Place:
    """A place without the cloud that pydantic puts first."""
    return place[1:] if place and place[0] in ZONES else place


def _at(document: Any, place: Sequence[int | str]) -> Any:
    for part in place:
        document = document[part]
    return document


def _forget(zone: Settings, place: Place) -> None:
    """Take a setting, with its default, out of a zone that has been read."""
    found = zone
    for part in place:
        name = next((name for name, info in type(found).model_fields.items() if part in (name, info.alias)), "")
        inner = found.__dict__.get(name)
        if part == place[-1] or not isinstance(inner, Settings):
            found.__dict__.pop(name, None)
            found.model_fields_set.discard(name)
            return
        found.__dict__[name] = inner = inner.model_copy()  # a default is every zone's
        found = inner


def judged(rule: Callable[..., Iterator[Any]], *given: Any) -> Iterator[Any]:
    """Yield what a rule finds, until it asks for a setting that is not known."""
    try:
        yield from rule(*given)
    except Unknown:
        return
