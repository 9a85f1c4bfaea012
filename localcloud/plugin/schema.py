"""Checks inputs against the provider's own property table (names, types, requiredness, rules), fills defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.plugin.rules import broken
from localcloud.plugin.values import UNKNOWN, Properties, show
from localcloud.plugin.values import Path as Steps

Table = dict[str, Any]
DEFAULTS = "__defaults"
"""Where the bridge notes which inputs it filled in itself; the real provider's state has it too."""

WORDS = {"string": str, "bool": bool, "map": dict, "object": dict, "list": list, "set": list}


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing wrong with an input: its property path and the reason."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value stands: its steps in the program, and the provider's name of the place (`rule.0.status`)."""

    steps: Steps = ()
    label: str = ""

    def at(self, step: str | int, label: str | None = None) -> Path:
        """The place one step below; `label` is its Terraform name, None for none of its own."""
        return Path((*self.steps, step), ".".join(part for part in (self.label, label) if part))


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs with defaults filled in, and what is wrong with them."""

    inputs: Properties
    failures: tuple[Failure, ...]


def check(definition: Table, inputs: Properties) -> Checked:
    """Checks the inputs of one resource; `definition` is its entry in the property table."""
    notes = not definition.get("framework", False)
    accepted = {name: prop for name, prop in definition["properties"].items() if prop["input"]}
    unknown_names = [name for name in inputs if name not in accepted and not name.startswith("__")]
    failures = [Failure(name, _not_an_argument(name, definition["properties"])) for name in unknown_names]
    filled = _object({"properties": accepted}, inputs, Path(), failures, notes, skip=set(unknown_names))
    if definition.get("autoname"):
        failures = [
            f for f in failures if not (f.property == definition["autoname"]["property"] and "Missing" in f.reason)
        ]
    failures += _groups(accepted, filled)
    return Checked(filled, tuple(failures))


def _not_an_argument(name: str, properties: Table) -> str:
    if name in properties:
        return f'Computed attributes cannot be set. "{name}" is an output only'
    return f'An argument named "{name}" is not expected here'


def _object(
    prop: Table, value: Properties, path: Path, failures: list[Failure], notes: bool, skip: set[str]
) -> Properties:
    properties: Table = prop["properties"]
    out: Properties = {}
    filled: list[str] = []
    for name, inner in value.items():
        if name.startswith("__") or name in skip:
            continue
        if name not in properties:
            failures.append(Failure(show((*path.steps, name)), f'An argument named "{name}" is not expected here'))
        elif inner is not None:
            out[name] = _value(
                properties[name], inner, path.at(name, properties[name]["terraform"]), failures, notes
            )
    for name, inner in properties.items():
        if name in out:
            continue
        if inner.get("default") and not inner.get("unfilled") and _defaults_apply(properties, inner, out):
            out[name] = inner["default"]
            filled.append(name)
        elif inner.get("required"):
            own = inner["terraform"]
            reason = f'Missing required argument. The argument "{own}" is required, but no definition was found.'
            failures.append(Failure(show((*path.steps, name)), reason))
    return ({DEFAULTS: sorted(filled)} if notes else {}) | out


def _defaults_apply(properties: Table, prop: Table, given: Properties) -> bool:
    others = [*prop.get("conflicts", []), *prop.get("exactly_one", [])]
    return not any(named(properties, other) in given for other in others)


def _value(prop: Table, value: Any, path: Path, failures: list[Failure], notes: bool) -> Any:
    if value is UNKNOWN:
        return UNKNOWN
    wanted = prop["type"]
    if wanted == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, WORDS[wanted])
    if not fits:
        failures.append(Failure(show(path.steps), f"expected {wanted}, got {_kind(value)} {value!r}"))
        return value
    if wanted == "object":
        inside = path.at("", "0") if prop.get("one") else path
        value = _object(prop, value, Path(path.steps, inside.label), failures, notes, skip=set())
    elif wanted in ("list", "set"):
        value = [
            _value(prop["items"], inner, path.at(i, str(i)), failures, notes) for i, inner in enumerate(value)
        ]
        _size(prop, value, path, failures)
    elif wanted == "map":
        value = {
            key: _value(prop["items"], inner, path.at(key, key), failures, notes) for key, inner in value.items()
        }
    for rule in prop.get("rules", []):
        if reason := broken(rule, value, path.label):
            failures.append(Failure(show(path.steps), reason))
    return value


def _size(prop: Table, value: list[Any], path: Path, failures: list[Failure]) -> None:
    if len(value) < prop.get("min_items", 0):
        failures.append(
            Failure(
                show(path.steps),
                f"Not enough list items: at least {prop['min_items']} required, {len(value)} given",
            )
        )
    if len(value) > prop.get("max_items", len(value)):
        failures.append(
            Failure(
                show(path.steps), f"Too many list items: at most {prop['max_items']} allowed, {len(value)} given"
            )
        )


def _kind(value: Any) -> str:
    names = {bool: "bool", str: "string", dict: "object", list: "list"}
    return names.get(type(value), "number")


def _groups(properties: Table, inputs: Properties) -> Iterator[Failure]:
    """Conflicts, exactly-one, at-least-one and required-with, between properties of the resource itself."""
    for name, prop in properties.items():
        own = prop["terraform"]
        given = _given(inputs, name) and name not in inputs.get(DEFAULTS, [])
        for other in prop.get("conflicts", []):
            if given and _given(inputs, named(properties, other)):
                yield Failure(name, f'Conflicting configuration arguments. "{own}": conflicts with {other}')
        for other in prop.get("required_with", []):
            if given and named(properties, other) not in inputs:
                yield Failure(
                    name, f'Missing required argument. "{own}": all of `{own},{other}` must be specified'
                )
        for kind in ("exactly_one", "at_least_one"):
            group = sorted({own, *prop.get(kind, [])})
            found = [one for one in group if _given(inputs, named(properties, one))]
            if len(group) > 1 and not found:
                yield Failure(
                    name,
                    f'Invalid combination of arguments. "{own}": one of `{",".join(group)}` must be specified',
                )
            elif len(group) > 1 and len(found) > 1 and kind == "exactly_one":
                reason = (
                    f"only one of `{','.join(group)}` can be specified, but `{','.join(found)}` were specified."
                )
                yield Failure(name, f'Invalid combination of arguments. "{own}": {reason}')


def _given(inputs: Properties, name: str) -> bool:
    return inputs.get(name) not in (None, "", False, [])


def named(properties: Table, terraform: str) -> str:
    """The property that a Terraform name means (the SDK has some in the plural); a path has none."""
    plain = camel(terraform)
    if plain in properties:
        return plain
    return next((name for name, prop in properties.items() if prop["terraform"] == terraform), plain)


def camel(name: str) -> str:
    """A Terraform name in the spelling of Pulumi and of Google's APIs."""
    words = name.split("_")
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
