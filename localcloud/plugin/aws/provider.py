"""The AWS package behind the protocol: property table and handlers joined; generic over the resource types."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.plugin import diff, naming, schema
from localcloud.plugin.aws import registry
from localcloud.plugin.aws.outputs import full, planned, refreshed
from localcloud.plugin.aws.resource import Resource, telling
from localcloud.plugin.aws.session import Aws, Settings, parsed
from localcloud.plugin.diff import Difference
from localcloud.plugin.provider import Found, PartialFailure, ProviderError, Subject
from localcloud.plugin.schema import Checked, Failure, Table
from localcloud.plugin.values import Properties, has_unknown


@cache
def table() -> Table:
    """Token -> definition (data/README.md)."""
    return dict(json.loads((Path(__file__).parent / "data" / "schema.json").read_text()))


@cache
def settings() -> Table:
    """The provider's own configuration: property -> type, and which of it the stand-in honours."""
    return dict(json.loads((Path(__file__).parent / "data" / "config.json").read_text()))


class AwsProvider:
    """Implements localcloud.plugin.provider.Provider."""

    def __init__(self) -> None:
        self._aws: Aws | None = None

    @property
    def aws(self) -> Aws:
        if self._aws is None:
            raise ProviderError("the provider is not configured")
        return self._aws

    def check_config(self, config: Properties) -> tuple[Failure, ...]:
        known, failures = settings()["properties"], []
        served = {*settings()["honoured"], *settings()["no_effect"]["names"]}
        for name, value in config.items():
            if name not in known:
                failures.append(
                    Failure(name, f"could not validate provider configuration: Invalid or unknown key: {name}")
                )
            elif name not in served:
                failures.append(Failure(name, f"the stand-in plugin cannot honour {name}"))
            elif not has_unknown(value) and not _fits(value, known[name]):
                failures.append(
                    Failure(
                        name, f"could not validate provider configuration: {name} must be of type {known[name]}"
                    )
                )
        return tuple(failures)

    def configure(self, config: Properties) -> None:
        chosen = Settings.read(config, settings()["properties"])
        aws = Aws(chosen)
        _ = aws.partition
        if chosen.allowed or chosen.forbidden:
            with telling("retrieving AWS account details"):
                account = aws.account
            if account in chosen.forbidden or (chosen.allowed and account not in chosen.allowed):
                raise ProviderError(f"AWS account ID not allowed: {account}")
        self._aws = aws

    def check(
        self, subject: Subject, olds: Properties, news: Properties, seed: bytes, proposal: str | None
    ) -> Checked:
        definition = self._definition(subject.token)
        inputs = {name: value for name, value in news.items() if not name.startswith("__")}
        inputs = self._with_default_tags(definition, inputs)
        checked = schema.check(definition, inputs)
        filled, failures = dict(checked.inputs), list(checked.failures)
        rule = definition.get("autoname")
        if rule and (failure := naming.name(rule, subject.name, filled, olds, seed, proposal)):
            failures.append(failure)
        return Checked(filled, tuple(failures))

    def _with_default_tags(self, definition: Table, inputs: Properties) -> Properties:
        defaults, own = self.aws.settings.default_tags, inputs.get("tags")
        if not defaults or "tags" not in definition["properties"] or not isinstance(own or {}, dict):
            return inputs
        return inputs | {"tags": {**defaults, **(own or {})}}

    def diff(self, subject: Subject, state: Properties, news: Properties, ignored: list[str]) -> Difference:
        definition = self._definition(subject.token)
        return diff.difference(
            definition, state, self._placed(definition, self._resource(subject).normal(news)), ignored
        )

    def _placed(self, definition: Table, inputs: Properties) -> Properties:
        """Inputs with the region in which the resource will be, so that a provider moved elsewhere replaces."""
        return {"region": self.aws.region, **inputs} if "region" in definition["properties"] else inputs

    def preview(self, subject: Subject, news: Properties, state: Properties) -> Properties:
        definition = self._definition(subject.token)
        return planned(definition, self._placed(definition, self._resource(subject).normal(news)), state)

    def create(self, subject: Subject, news: Properties) -> tuple[str, Properties]:
        resource, definition = self._resource(subject), self._definition(subject.token)
        aws = self.aws.at(news.get("region"))
        with telling(f"creating {resource.label} ({subject.name})"):
            made = resource.create(aws, news)
        try:
            with telling(f"reading {resource.label} ({made})"):
                found = resource.read(aws, made, news)
            if found is None:
                raise ProviderError(f"reading {resource.label} ({made}): couldn't find resource")
        except Exception as error:  # whatever it is: the thing is there, and its state must not be lost
            raise PartialFailure(str(error), made, full(definition, made, aws.region, {}, news)) from error
        return made, full(definition, made, aws.region, found, news)

    def read(self, subject: Subject, inputs: Properties, state: Properties) -> Found | None:
        resource, definition = self._resource(subject), self._definition(subject.token)
        aws = self.aws.at(inputs.get("region") or state.get("region"))
        known = state or inputs
        with telling(f"reading {resource.label} ({subject.id})"):
            found = resource.read(aws, subject.id, known)
        if found is None:
            return None
        id = found.pop("id", subject.id)
        outputs = full(definition, id, aws.region, found, known)
        return Found(id, refreshed(definition, resource.normal, inputs, outputs, self.aws.region), outputs)

    def update(self, subject: Subject, state: Properties, news: Properties) -> Properties:
        resource, definition = self._resource(subject), self._definition(subject.token)
        aws = self.aws.at(news.get("region"))
        names = diff.difference(definition, state, self._placed(definition, resource.normal(news))).names
        with telling(f"updating {resource.label} ({subject.id})"):
            resource.update(aws, subject.id, state, news, names)
            found = resource.read(aws, subject.id, news)
        if found is None:
            raise ProviderError(f"updating {resource.label} ({subject.id}): couldn't find resource")
        return full(definition, subject.id, aws.region, found, news)

    def delete(self, subject: Subject, inputs: Properties, state: Properties) -> None:
        resource = self._resource(subject)
        aws = self.aws.at(state.get("region"))
        with telling(f"deleting {resource.label} ({subject.id})"):
            resource.delete(aws, subject.id, state)

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties, tuple[Failure, ...]]:
        call = registry.invoke(token)
        if call is None:
            raise ProviderError(f"unrecognized function (Invoke): {token}: the stand-in plugin does not know it")
        wrong = [
            Failure(name, f'An argument named "{name}" is not expected here')
            for name in arguments
            if name not in call.arguments
        ]
        if wrong:
            return {}, tuple(wrong)
        with telling(f"reading {token.rsplit(':', 1)[1]}"):
            return call.run(self.aws.at(arguments.get("region")), arguments), ()

    def _definition(self, token: str) -> Any:
        if token not in table():
            raise ProviderError(
                f"unrecognized resource type (Check): {token}: the stand-in plugin does not know it"
            )
        return table()[token]

    def _resource(self, subject: Subject) -> Resource:
        self._definition(subject.token)
        return registry.resource(subject.token)


def _fits(value: Any, wanted: str) -> bool:
    try:
        return isinstance(parsed(value, wanted), schema.WORDS.get(wanted, int))
    except ValueError:
        return False
