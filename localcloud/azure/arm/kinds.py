"""What one type of resource does that others do not: which module says so, and the hooks it has."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from localcloud.azure import types
from localcloud.azure.arm.ids import Target
from localcloud.azure.arm.store import Document, Resource, shown
from localcloud.azure.plane import Request, Route
from localcloud.azure.state import State

MODULES: Mapping[str, str] = {
    "microsoft.authorization": "localcloud.azure.arm.authorization",
    "microsoft.containerregistry": "localcloud.azure.arm.containerregistry",
    "microsoft.insights": "localcloud.azure.arm.monitor",
    "microsoft.keyvault": "localcloud.azure.arm.keyvault",
    "microsoft.machinelearningservices": "localcloud.azure.ml.kinds",
    "microsoft.managedidentity": "localcloud.azure.arm.managed",
    "microsoft.network": "localcloud.azure.arm.network",
    "microsoft.operationalinsights": "localcloud.azure.arm.monitor",
    "microsoft.resources": "localcloud.azure.arm.resources",
    "microsoft.storage": "localcloud.azure.arm.storage",
}
"""The module of a provider's namespace; its `KINDS` are by type as ARM spells it. Other types need nothing."""


@dataclass(frozen=True)
class Put:
    """A PUT or PATCH about to be done: `body` is the whole new document, `old` the resource when there is one."""

    state: State
    request: Request
    target: Target
    body: Document
    old: Resource | None


Act = Callable[[State, Request, Resource], object]


@dataclass(frozen=True)
class Kind:
    """The hooks of a type, all under `state.lock`; those that check raise AzureError.

    `check` sees the body before it is kept and may write defaults into it; `made` sees the resource afterwards and
    writes what the service computes; `shown` turns the answer into what this caller sees; `leave` sees a resource
    before it goes, `actions` are POST (or GET) operations on it by their last word in lower case, those of `lists`
    on the collection. `slow` are the verbs that answer before they are done; `accepted` ones answer 202 without a
    body.
    """

    check: Callable[[Put], None] = lambda put: None
    made: Callable[[State, Resource], None] = lambda state, resource: None
    shown: Callable[[State, Request, Resource, Document], Document] = lambda state, request, resource, whole: whole
    leave: Callable[[State, Resource], None] = lambda state, resource: None
    actions: Mapping[str, Act] = field(default_factory=dict)
    listed: Callable[[State, Request, str, list[Resource]], list[Resource] | Document] | None = None
    """Chooses among the resources at a scope (the third) for a list, or answers the whole document."""
    slow: frozenset[str] = frozenset()
    accepted: bool = False
    keep: Callable[[State, Resource], None] = lambda state, resource: None
    """Raises AzureError when a resource cannot go: something uses it."""
    gone: Callable[[State, Request, Resource], None] = lambda state, request, resource: None
    """Sees what was asked for to be deleted once it is."""
    alone: bool = False
    """Whether a resource can be made without its parent, which is then made by `check`."""
    removable: bool = True
    echoes: bool = False
    """Whether a DELETE answers the resource that is gone."""
    versions: tuple[str, ...] = ()
    """More api-versions that are answered, besides that of the types."""


PLAIN = Kind()


def settable(resource: Resource) -> Document:
    """What a client has said of a resource, or could have."""
    known = types.find(resource.kind)
    return known.settable(resource.body) if known else copy.deepcopy(resource.body)


def routes() -> list[Route]:
    """The paths of every module that are no resource's."""
    found: list[Route] = []
    for module in dict.fromkeys(MODULES.values()):
        found += getattr(importlib.import_module(module), "ROUTES", [])
    return found


@cache
def find(kind: str) -> Kind:
    """The hooks of a type."""
    module = MODULES.get(kind.partition("/")[0].lower())
    if module is None:
        return PLAIN
    table: Mapping[str, Kind] = importlib.import_module(module).KINDS
    return {name.lower(): one for name, one in table.items()}.get(kind.lower(), PLAIN)


def document(state: State, request: Request, resource: Resource, *, busy: bool = False) -> Document:
    """The resource as a caller sees it."""
    return find(resource.kind).shown(state, request, resource, shown(resource, busy=busy))
