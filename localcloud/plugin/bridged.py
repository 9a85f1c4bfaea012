"""A bridged Terraform provider behind the protocol: property table and handlers joined, for any cloud."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Generic

from localcloud.plugin import diff, naming, schema, settings
from localcloud.plugin.diff import Difference
from localcloud.plugin.handling import C, Registry, Resource
from localcloud.plugin.outputs import full, planned, refreshed
from localcloud.plugin.provider import Found, PartialFailure, ProviderError, Subject
from localcloud.plugin.schema import Checked, Failure, Table
from localcloud.plugin.settings import loaded
from localcloud.plugin.values import Properties


class Bridged(Generic[C]):
    """Implements localcloud.plugin.provider.Provider; a cloud fills in the methods at the end."""

    data: Path
    registry: Registry[C]

    def __init__(self) -> None:
        self._connection: C | None = None

    @cached_property
    def table(self) -> Table:
        """Token -> definition (data/README.md of the cloud)."""
        return loaded(self.data / "schema.json")

    @cached_property
    def settings(self) -> Table:
        """The provider's own configuration: property -> type, and which of it the stand-in honours."""
        return loaded(self.data / "config.json")

    @property
    def connection(self) -> C:
        if self._connection is None:
            raise ProviderError("the provider is not configured")
        return self._connection

    def check_config(self, config: Properties) -> tuple[Failure, ...]:
        return settings.check(self.settings, config)

    def configure(self, config: Properties) -> None:
        self._connection = self.connect(config)

    def check(
        self, subject: Subject, olds: Properties, news: Properties, seed: bytes, proposal: str | None
    ) -> Checked:
        definition = self.definition(subject.token)
        inputs = {name: value for name, value in news.items() if not name.startswith("__")}
        checked = schema.check(definition, self.with_defaults(definition, inputs))
        filled, failures = dict(checked.inputs), list(checked.failures)
        rule = definition.get("autoname")
        if rule and (failure := naming.name(rule, subject.name, filled, olds, seed, proposal)):
            failures.append(failure)
        return Checked(filled, tuple(failures))

    def diff(self, subject: Subject, state: Properties, news: Properties, ignored: list[str]) -> Difference:
        definition = self.definition(subject.token)
        return diff.difference(definition, state, self._wanted(subject, news, state), ignored)

    def preview(self, subject: Subject, news: Properties, state: Properties) -> Properties:
        definition, wanted = self.definition(subject.token), self._wanted(subject, news, state)
        return self.foreseen(definition, planned(definition, wanted, state), wanted)

    def create(self, subject: Subject, news: Properties) -> tuple[str, Properties]:
        resource, definition = self._resource(subject), self.definition(subject.token)
        connection, wanted = self.at(news), self.placed(definition, news, {})
        with self.telling(f"creating {resource.label} ({subject.name})"):
            made = resource.create(connection, wanted)
        try:
            with self.telling(f"reading {resource.label} ({made})"):
                found = resource.read(connection, made, wanted)
            if found is None:
                raise ProviderError(f"reading {resource.label} ({made}): couldn't find resource")
        except Exception as error:  # whatever it is: the thing is there, and its state must not be lost
            raise PartialFailure(str(error), made, self._outputs(subject, made, {}, wanted)) from error
        id = found.pop("id", made)
        return id, self._outputs(subject, id, found, wanted)

    def read(self, subject: Subject, inputs: Properties, state: Properties) -> Found | None:
        resource, definition = self._resource(subject), self.definition(subject.token)
        known = state or inputs
        with self.telling(f"reading {resource.label} ({subject.id})"):
            found = resource.read(self.at(inputs | state), subject.id, known)
        if found is None:
            return None
        id = found.pop("id", subject.id)
        outputs = self._outputs(subject, id, found, known)
        places = self.placed(definition, {}, {})
        return Found(id, refreshed(definition, resource.normal, inputs, outputs, places), outputs)

    def update(self, subject: Subject, state: Properties, news: Properties) -> Properties:
        resource, definition = self._resource(subject), self.definition(subject.token)
        connection, wanted = self.at(news), self.placed(definition, news, state)
        names = self.diff(subject, state, news, []).names
        with self.telling(f"updating {resource.label} ({subject.id})"):
            resource.update(connection, subject.id, state, wanted, names)
            found = resource.read(connection, subject.id, wanted)
        if found is None:
            raise ProviderError(f"updating {resource.label} ({subject.id}): couldn't find resource")
        id = found.pop("id", subject.id)
        return self._outputs(subject, id, found, wanted)

    def delete(self, subject: Subject, inputs: Properties, state: Properties) -> None:
        resource = self._resource(subject)
        with self.telling(f"deleting {resource.label} ({subject.id})"):
            resource.delete(self.at(state), subject.id, state)

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties, tuple[Failure, ...]]:
        call = self.registry.invoke(token)
        if call is None:
            raise ProviderError(f"unrecognized function (Invoke): {token}: the stand-in plugin does not know it")
        wrong = [
            Failure(name, f'An argument named "{name}" is not expected here')
            for name in arguments
            if name not in call.arguments
        ]
        if wrong:
            return {}, tuple(wrong)
        with self.telling(f"reading {token.rsplit(':', 1)[1]}"):
            return call.run(self.at(arguments), arguments), ()

    def definition(self, token: str) -> Table:
        if token not in self.table:
            raise ProviderError(
                f"unrecognized resource type (Check): {token}: the stand-in plugin does not know it"
            )
        found: Table = self.table[token]
        return found

    def _resource(self, subject: Subject) -> Resource[C]:
        self.definition(subject.token)
        return self.registry.resource(subject.token)

    def _wanted(self, subject: Subject, news: Properties, state: Properties) -> Properties:
        return self.placed(self.definition(subject.token), self._resource(subject).normal(news), state)

    def _outputs(self, subject: Subject, id: str, found: Properties, known: Properties) -> Properties:
        definition = self.definition(subject.token)
        return full(definition, id, self.completed(definition, found, known), known)

    # What a cloud adds.

    def connect(self, config: Properties) -> C:
        """A connection with the provider's configuration. Raises ProviderError when it cannot work."""
        raise NotImplementedError

    def telling(self, doing: str) -> AbstractContextManager[None]:
        """Turns a client's error into a ProviderError in the provider's words."""
        raise NotImplementedError

    def at(self, properties: Properties) -> C:
        """The connection that a resource with these properties uses."""
        return self.connection

    def with_defaults(self, definition: Table, inputs: Properties) -> Properties:
        """Inputs with what the provider's configuration adds to those that the program gave."""
        return inputs

    def placed(self, definition: Table, inputs: Properties, state: Properties) -> Properties:
        """Inputs with what the provider decides where they say nothing (its region, its project)."""
        return inputs

    def foreseen(self, definition: Table, outputs: Properties, inputs: Properties) -> Properties:
        """Planned outputs with those that the provider works out of the inputs alone."""
        return outputs

    def completed(self, definition: Table, found: Properties, known: Properties) -> Properties:
        """What was read, with what only the provider can add to it."""
        return found
