"""azure-native behind the protocol: every type is a PUT, a GET and a DELETE of ARM, and the table says more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from localcloud.plugin import settings
from localcloud.plugin.azure import body, lookups, naming, table
from localcloud.plugin.azure.check import check
from localcloud.plugin.azure.differences import MADE_UP, difference
from localcloud.plugin.azure.refresh import refreshed
from localcloud.plugin.azure.session import Arm, ArmError, Settings, Unfinished
from localcloud.plugin.diff import Difference
from localcloud.plugin.provider import Found, PartialFailure, ProviderError, Subject
from localcloud.plugin.schema import Checked, Failure, Table
from localcloud.plugin.values import UNKNOWN, Properties

VERSION = "azureApiVersion"  # an input and an output that the provider adds to every resource
STAYING = ("name", "location")  # outputs that the provider shows before an update as they are
SECONDS = 7200.0  # for one operation, unless the program says otherwise (azureContext in provider.go)
GROUPS_VERSION = "2020-10-01"  # apiVersionResources in provider.go


class AzureProvider:
    """Implements localcloud.plugin.provider.Provider."""

    def __init__(self) -> None:
        self._arm: Arm | None = None

    @cached_property
    def settings(self) -> Table:
        return settings.loaded(table.DATA / "config.json")

    @property
    def arm(self) -> Arm:
        if self._arm is None:
            raise ProviderError("the provider is not configured")
        return self._arm

    def check_config(self, config: Properties) -> tuple[Failure, ...]:
        return settings.check(self.settings, config)

    def configure(self, config: Properties) -> None:
        types = self.settings["properties"]
        values = {name: settings.parsed(value, types.get(name, "string")) for name, value in config.items()}
        self._arm = self.connect(Settings.read(values))

    def connect(self, found: Settings) -> Arm:
        return Arm(found)

    def check(
        self, subject: Subject, olds: Properties, news: Properties, seed: bytes, proposal: str | None
    ) -> Checked:
        definition = table.resource(subject.token)
        inputs = {name: value for name, value in news.items() if value is not None and not name.startswith("__")}
        naming.name(definition["autoname"], subject.name, inputs, olds, seed, proposal)
        if "location" in definition["inputs"] and inputs.get("location") is None:
            self._locate(inputs, olds)
        inputs.setdefault(VERSION, definition["version"])
        given = {name: value for name, value in inputs.items() if name not in (VERSION, MADE_UP)}
        return Checked(inputs, tuple(check(definition["inputs"], given)))

    def diff(self, subject: Subject, state: Properties, news: Properties, ignored: list[str]) -> Difference:
        return difference(
            table.resource(subject.token), subject.inputs, news, state
        )  # the engine ignores by itself

    def preview(self, subject: Subject, news: Properties, state: Properties) -> Properties:
        definition = table.resource(subject.token)
        known = {name: state[name] for name in STAYING if name in state and name in definition["outputs"]}
        return {**body.foreseen(definition["outputs"], news), **known, VERSION: definition["version"]}

    def create(self, subject: Subject, news: Properties) -> tuple[str, Properties]:
        definition = table.resource(subject.token)
        id = self._id(definition, news)
        with told():
            there = self.arm.found(id, definition["version"])
            if there and not definition.get("singleton"):
                raise ProviderError(f"cannot create already existing resource '{id}'")
        request = self._body(definition, news)
        for _, at in table.maintained(table.body_properties(definition)):
            if table.dig(request, at) is None:
                table.put(request, at, [])
        return self._written(subject, definition, id, news, request)

    def update(self, subject: Subject, state: Properties, news: Properties) -> Properties:
        definition = table.resource(subject.token)
        id = self._id(definition, news)
        request = self._body(definition, news)
        unset = [
            at for _, at in table.maintained(table.body_properties(definition)) if table.dig(request, at) is None
        ]
        if unset:
            with told():
                there = self.arm.found(id, definition["version"]) or {}
            for at in unset:
                if (kept := table.dig(there, at)) is not None:
                    table.put(request, at, kept)
        return self._written(subject, definition, id, news, request)[1]

    def read(self, subject: Subject, inputs: Properties, state: Properties) -> Found | None:
        definition = table.resource(subject.token)
        with told():
            document = self.arm.found(subject.id, definition["version"])
        if document is None:
            return None
        properties, outputs = table.body_properties(definition), self._outputs(definition, document)
        if not inputs:
            imported = {**body.received(properties, document), **table.parts(definition["path"], subject.id)}
            return Found(subject.id, {**imported, VERSION: definition["version"]}, outputs)
        now = dict(outputs)
        for own, _ in table.maintained(properties):
            if table.dig(inputs, own) is None:
                now = _without(now, own)
        was = body.as_inputs(properties, state)
        return Found(subject.id, refreshed(inputs, was, body.as_inputs(properties, now)), outputs)

    def delete(self, subject: Subject, inputs: Properties, state: Properties) -> None:
        definition = table.resource(subject.token)
        version, seconds = definition["version"], subject.seconds or SECONDS
        with told():
            if definition.get("singleton"):
                self.arm.write(subject.id, version, {}, seconds)
            elif noun := definition.get("in_vault"):
                self.arm.discard(inputs["vaultName"], noun, inputs[definition["autoname"]["property"]])
            else:
                self.arm.remove(subject.id, version, seconds)

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties, tuple[Failure, ...]]:
        return lookups.invoke(self.arm, token, arguments)

    def _locate(self, inputs: Properties, olds: Properties) -> None:
        """The location of last time, the provider's, or the resource group's (getDefaultLocation)."""
        group = inputs.get("resourceGroupName")
        found = olds.get("location") or self.arm.settings.location
        if not found and group is UNKNOWN:
            found = UNKNOWN
        elif not found and isinstance(group, str):
            found = self._group_location(group)
        if found:
            inputs["location"] = found

    def _group_location(self, group: str) -> str:
        known = self.arm.locations
        if group not in known:
            id = f"/subscriptions/{self.arm.settings.subscription}/resourceGroups/{group}"
            with told():
                document = self.arm.found(id, GROUPS_VERSION)
            if document is None:
                return ""
            known[group] = str(document.get("location", ""))
        return known[group]

    def _id(self, definition: Table, values: Properties) -> str:
        return table.filled(definition["path"], {**values, "subscriptionId": self.arm.settings.subscription})

    def _body(self, definition: Table, news: Properties) -> Properties:
        request = body.sent(table.body_properties(definition), news)
        for name in definition.get("containers", ()):
            request.setdefault(name, {})
        return request

    def _written(
        self, subject: Subject, definition: Table, id: str, news: Properties, request: Properties
    ) -> tuple[str, Properties]:
        version = definition["version"]
        query = {
            name: str(news[name]).lower()
            for name, prop in definition["inputs"].items()
            if prop.get("in") == "query" and news.get(name) is not None
        }
        with told():
            try:
                document = self.arm.write(id, version, request, subject.seconds or SECONDS, query)
            except Unfinished as error:
                there = self.arm.found(id, version)
                raise PartialFailure(str(error), id, self._outputs(definition, there or {})) from error
            id = str(document.get("id") or id)
            return id, self._outputs(definition, self.arm.found(id, version) or document)

    def _outputs(self, definition: Table, document: Properties) -> Properties:
        return {**body.received(definition["outputs"], document), VERSION: definition["version"]}


@contextmanager
def told() -> Iterator[None]:
    """An error of ARM as the provider prints it."""
    try:
        yield
    except ArmError as error:
        raise ProviderError(str(error)) from error


def _without(document: Properties, steps: tuple[str, ...]) -> Properties:
    """A copy that lacks what stands at a path."""
    first, *more = steps
    if not more:
        return {name: value for name, value in document.items() if name != first}
    below = document.get(first)
    return {**document, first: _without(below, tuple(more))} if isinstance(below, dict) else document
