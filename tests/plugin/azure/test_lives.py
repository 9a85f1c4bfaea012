"""Every type lives its whole life on the local ARM: made, read, changed, found drifted, imported, removed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localcloud.plugin.azure import table
from localcloud.plugin.azure.provider import AzureProvider
from localcloud.plugin.provider import Subject
from tests.plugin.azure.lives import LIVES, NICKNAMES
from tests.plugin.azure.local import Local

PREFIX = "azure-native:"
Made = tuple[str, dict[str, Any], dict[str, Any]]


class Stage:
    """Makes resources out of LIVES, with those they refer to."""

    def __init__(self, local: Local) -> None:
        self.local, self.provider = local, local.provider()
        self.made: dict[str, Made] = {}

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        return re.sub(r"\$(\w+)(?:\.(\w+))?", lambda found: self.refer(found[1], found[2]), value)

    def refer(self, short: str, output: str | None) -> str:
        name = NICKNAMES.get(short) or next(name for name in LIVES if name.endswith(f":{short}"))
        id, _, outputs = self.make(name)
        return str(outputs[output]) if output else id

    def checked(self, name: str, inputs: dict[str, Any], olds: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in inputs.items() if value is not None}
        checked = self.provider.check(Subject(PREFIX + name, "thing"), olds, given, b"seed", None)
        assert checked.failures == ()
        return checked.inputs

    def make(self, name: str) -> Made:
        if name not in self.made:
            inputs = self.checked(name, self.resolve(LIVES[name][0]), {})
            id, outputs = self.provider.create(Subject(PREFIX + name, "thing"), inputs)
            self.made[name] = id, inputs, outputs
        return self.made[name]


@pytest.fixture
def stage(local: Local) -> Stage:
    return Stage(local)


def subject(name: str, id: str, inputs: dict[str, Any]) -> Subject:
    return Subject(PREFIX + name, "thing", id, inputs)


def diff(provider: AzureProvider, name: str, made: Made, wanted: dict[str, Any]) -> tuple[Any, ...]:
    return provider.diff(subject(name, made[0], made[1]), made[2], wanted, []).changes


def test_every_type_has_its_life_here() -> None:
    assert {PREFIX + name for name in LIVES} == table.schema()["resources"].keys()


@pytest.mark.parametrize("name", LIVES)
def test_it_is_made_read_changed_imported_and_removed(stage: Stage, name: str) -> None:
    provider = stage.provider
    id, inputs, outputs = made = stage.make(name)
    assert diff(provider, name, made, inputs) == ()
    typed(table.resource(PREFIX + name)["outputs"], outputs)

    found = provider.read(subject(name, id, inputs), inputs, outputs)
    assert found is not None
    assert (found.id, found.inputs, found.outputs) == (id, inputs, outputs)

    imported = provider.read(subject(name, id, {}), {}, {})
    assert imported is not None
    assert provider.check(subject(name, id, {}), {}, imported.inputs, b"seed", None).failures == ()
    paths = {key for key, prop in table.resource(PREFIX + name)["inputs"].items() if prop.get("in") == "path"}
    for key in paths:  # the provider gives an imported scope without the slash before it
        assert str(imported.inputs[key]).lower() == str(inputs[key]).lower().lstrip("/")

    if LIVES[name][1]:
        wanted = stage.checked(name, stage.resolve({**LIVES[name][0], **LIVES[name][1]}), inputs)
        changes = diff(provider, name, made, wanted)
        assert changes
        assert not any(change.replace for change in changes)
        outputs = provider.update(subject(name, id, inputs), outputs, wanted)
        again = provider.read(subject(name, id, wanted), wanted, outputs)
        assert again is not None
        assert (again.inputs, again.outputs) == (wanted, outputs)
        inputs = wanted

    provider.delete(subject(name, id, inputs), inputs, outputs)
    gone = provider.read(subject(name, id, inputs), inputs, outputs)
    assert (gone is None) == (not table.resource(PREFIX + name).get("singleton"))


def typed(properties: dict[str, Any], outputs: dict[str, Any]) -> None:
    """Every output is one of the table's and has the type that the SDK gives it."""
    for name, value in outputs.items():
        if name != "azureApiVersion":
            fits(properties[name], value, name)


def fits(prop: dict[str, Any], value: Any, at: str) -> None:
    kinds = {"string": str, "number": int | float, "bool": bool, "list": list, "map": dict, "object": dict}
    assert prop["type"] not in kinds or isinstance(value, kinds[prop["type"]]), (at, value)
    if prop["type"] == "object":
        typed(table.inner(prop["ref"]), value)
    elif prop["type"] == "list":
        for one in value:
            fits(prop["items"], one, at)
    elif prop["type"] == "map":
        for one in value.values():
            fits(prop["items"], one, at)
