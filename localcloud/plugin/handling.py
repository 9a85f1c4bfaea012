"""What handles a type or an invoke, and which module has it; one is loaded when its first resource comes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

C = TypeVar("C")
"""The connection to a cloud that handlers work with."""


def same(inputs: Properties) -> Properties:
    return inputs


@dataclass(frozen=True, slots=True)
class Resource(Generic[C]):
    """One type. `create` returns the id; `read` returns what the cloud has, in the inputs' own shapes, or None.

    `update` gets the names that change; `normal` turns inputs into the form in which the cloud gives them back.
    """

    label: str
    create: Callable[[C, Properties], str]
    read: Callable[[C, str, Properties], Properties | None]
    update: Callable[[C, str, Properties, Properties, frozenset[str]], None]
    delete: Callable[[C, str, Properties], None]
    normal: Callable[[Properties], Properties] = same


@dataclass(frozen=True, slots=True)
class Invoke(Generic[C]):
    """A function of the provider: the arguments it takes and what answers it."""

    arguments: frozenset[str]
    run: Callable[[C, Properties], Properties]


@dataclass(frozen=True, slots=True)
class Registry(Generic[C]):
    """`modules`: module of a token (`aws:MODULE/...`) -> modules of `package` with RESOURCES and INVOKES."""

    package: str
    modules: Mapping[str, tuple[str, ...]]

    def resource(self, token: str) -> Resource[C]:
        for table in self._tables(token, "RESOURCES"):
            if token in table:
                found: Resource[C] = table[token]
                return found
        raise ProviderError(f"the stand-in plugin has no handler for {token}")

    def invoke(self, token: str) -> Invoke[C] | None:
        return next((found[token] for found in self._tables(token, "INVOKES") if token in found), None)

    def _tables(self, token: str, name: str) -> Iterator[dict[str, Any]]:
        for module in self.modules.get(token.split(":")[1].split("/")[0], ()):
            yield getattr(importlib.import_module(f"{self.package}.{module}"), name, {})
