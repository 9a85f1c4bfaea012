"""The resources that exist, by id, and what is known of them besides their documents."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcloud.azure import types
from localcloud.azure.arm import ids
from localcloud.azure.arm.ids import GROUPS, SUBSCRIPTIONS
from localcloud.azure.errors import AzureError, missing
from localcloud.azure.state import PERSON, SUBSCRIPTION, TENANT, State

Document = dict[str, Any]
_CREATING, _READY = "Creating", "Succeeded"


@dataclass
class Resource:
    """`body` is the document without id, name and type. `pending` is how many polls see the last change under way.

    Times are seconds since 1970; `kept` is what the service keeps and never shows.
    """

    id: str
    kind: str
    name: str
    body: Document
    created: float
    changed: float
    version: int = 1
    pending: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{int(self.created):08x}-{self.version:04x}-0000-0000-000000000000"'

    @property
    def properties(self) -> Document:
        found: Document = self.body.setdefault("properties", {})
        return found

    @property
    def location(self) -> str:
        return str(self.body.get("location", ""))


@dataclass
class Resources:
    """Every resource. Hold `state.lock`."""

    state: State
    by_key: dict[str, Resource] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        now = self.state.clock()
        body = {"displayName": "Local", "state": "Enabled", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT}
        id = f"/subscriptions/{SUBSCRIPTION}"
        self.by_key[id.lower()] = Resource(id, SUBSCRIPTIONS, SUBSCRIPTION, body, now, now)

    def find(self, id: str) -> Resource | None:
        return self.by_key.get(id.lower())

    def get(self, id: str, *kinds: str) -> Resource:
        """A resource by id, of one of the types when any is given. Raises AzureError."""
        found = self.find(id)
        if found is None or (kinds and found.kind not in kinds):
            raise missing(id)
        return found

    def of(self, kind: str, parent: str = "") -> list[Resource]:
        """Resources of a type at or below an id, by id."""
        start = parent.lower().rstrip("/") + "/"
        return [one for key, one in sorted(self.by_key.items()) if one.kind == kind and key.startswith(start)]

    def below(self, id: str) -> list[Resource]:
        """What is inside a resource, and what extends it."""
        start = id.lower() + "/"
        return [one for key, one in self.by_key.items() if key.startswith(start)]

    def add(self, id: str, kind: str, name: str, body: Document) -> Resource:
        """Keep a new resource."""
        now = self.state.clock()
        self.by_key[id.lower()] = made = Resource(id, kind, name, body, now, now, next(self._numbers))
        return made

    def change(self, resource: Resource, body: Document) -> None:
        """Give a resource another document."""
        resource.body, resource.changed, resource.version = body, self.state.clock(), next(self._numbers)

    def remove(self, resource: Resource) -> None:
        """Forget a resource and all that is below it."""
        for one in [resource, *self.below(resource.id)]:
            self.by_key.pop(one.id.lower(), None)


def shown(resource: Resource, *, busy: bool = False) -> Document:
    """The document as a GET answers it; `busy` while its last change is under way."""
    kind = types.find(resource.kind)
    body = copy.deepcopy(resource.body)
    if kind is not None and kind.has("properties", "provisioningState"):
        state = body.get("properties", {}).get("provisioningState", _READY)
        body.setdefault("properties", {})["provisioningState"] = _CREATING if busy or resource.pending else state
    if kind is not None:
        for name in ("etag", "eTag"):
            if kind.has(name):
                body[name] = resource.etag
        if kind.has("systemData"):
            body["systemData"] = _system_data(resource)
    return {"id": resource.id, "name": resource.name, "type": resource.kind, **body}


def _system_data(resource: Resource) -> Document:
    return {
        "createdAt": written(resource.created),
        "createdBy": PERSON,
        "createdByType": "User",
        "lastModifiedAt": written(resource.changed),
        "lastModifiedBy": PERSON,
        "lastModifiedByType": "User",
    }


def written(seconds: float) -> str:
    """Seconds since 1970 as Azure writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def require_parents(resources: Resources, target: ids.Target, *, alone: bool) -> None:
    """Raises AzureError unless subscription, group and parent of what is to be made exist.

    What can be made `alone` needs its parent's parent only.
    """
    if ids.subscription(target.id) and ids.subscription(target.id).lower() != SUBSCRIPTION:
        raise AzureError(
            404, "SubscriptionNotFound", f"The subscription '{ids.subscription(target.id)}' could not be found."
        )
    group = ids.group(target.id)
    if group and target.kind != GROUPS and resources.find(group) is None:
        name = group.rpartition("/")[2]
        raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    parent = target.parent.rsplit("/", 2)[0] if alone else target.parent
    if parent and resources.find(parent) is None:
        if target.extends and not re.search(r"/providers/[^/]+(/[^/]+/[^/]+){2,}$", target.id):
            raise missing(target.parent)
        raise AzureError(
            404,
            "ParentResourceNotFound",
            f"Failed to perform 'write' on resource(s) of type '{target.kind.partition('/')[2]}', because the "
            f"parent resource '{parent}' could not be found.",
        )
