"""Resources that are documents under a name: made, read, listed, patched by mask, deleted (AIP-131 to 135)."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.api import Request
from localcloud.gcp.errors import exists, invalid, not_found
from localcloud.gcp.names import canonical
from localcloud.gcp.state import State

Document = dict[str, Any]


@dataclass
class Documents:
    """Every document by `service` and name. Hold `state.lock` while changing them."""

    state: State
    by_name: dict[tuple[str, str], Document] = field(default_factory=dict)

    def find(self, service: str, name: str) -> Document | None:
        return self.by_name.get((service, name))

    def under(self, service: str, collection: str) -> list[Document]:
        """Documents whose names are `collection/<one segment>`; `-` in it stands for any segment."""
        pattern = re.compile(re.escape(collection).replace("/\\-", "/[^/]+") + "/[^/]+")
        found = [
            (name, one) for (own, name), one in self.by_name.items() if own == service and pattern.fullmatch(name)
        ]
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class Kind:
    """One collection of a service: its noun in paths (`keyRings`), and its word in errors (`KeyRing`)."""

    service: str
    collection: str
    word: str
    pattern: str = r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}"

    def get(self, state: State, name: str) -> Document:
        """The document of a name. Raises GoogleError when there is none."""
        found = state.store(Documents).find(self.service, canonical(name))
        if found is None:
            raise not_found(f"{self.word} {canonical(name)} not found.")
        return found

    def has(self, state: State, name: str) -> bool:
        return state.store(Documents).find(self.service, canonical(name)) is not None

    def add(self, state: State, parent: str, id: str, document: Mapping[str, Any]) -> Document:
        """A new document. Raises GoogleError for an id that is taken or is none."""
        if not re.fullmatch(self.pattern, id):
            raise invalid(f"The {self.word} id {id!r} does not match {self.pattern}.")
        name = f"{canonical(parent)}/{self.collection}/{id}"
        if self.has(state, name):
            raise exists(f"{self.word} {name} already exists.")
        made = {**copy.deepcopy(dict(document)), "name": name}
        state.store(Documents).by_name[self.service, name] = made
        return made

    def remove(self, state: State, name: str) -> Document:
        found = self.get(state, name)
        del state.store(Documents).by_name[self.service, canonical(name)]
        return found

    def read(self, state: State, request: Request) -> object:
        """The answer of a get method."""
        with state.lock:
            return copy.deepcopy(self.get(state, request.names["name"]))

    def listed(
        self,
        key: str,
        keep: Callable[[Document, Request], bool] | None = None,
        *,
        parent: str = "parent",
        shown: Callable[[Document], Document] = copy.deepcopy,
    ) -> Callable[..., object]:
        """A list method that answers under `key`; its path calls what they are of `parent`."""

        def answer(state: State, request: Request) -> object:
            collection = f"{canonical(request.names[parent])}/{self.collection}"
            with state.lock:
                found = state.store(Documents).under(self.service, collection)
                kept = [shown(one) for one in found if keep is None or keep(one, request)]
            entries, more = request.page(kept, 100, 1000)
            return {key: entries, **more}

        return answer


def masked(document: Document, body: Mapping[str, Any], mask: str, fixed: Iterable[str] = ()) -> None:
    """Writes the fields of a mask (`a,b.c`, in either spelling) from a body into a document.

    Without a mask every field that the body has is written (AIP-134). Raises GoogleError for what cannot change.
    """
    paths = [_camel(path.strip()) for path in mask.split(",") if path.strip()] or list(body)
    for path in paths:
        steps = path.split(".")
        if steps[0] in fixed and document.get(steps[0]) != body.get(steps[0]):
            raise invalid(f"Field {steps[0]} is immutable.")
        source: Any = body
        target: Any = document
        for step in steps[:-1]:
            source = (source or {}).get(step)
            target = target.setdefault(step, {})
        value = (source or {}).get(steps[-1])
        if value is None:
            target.pop(steps[-1], None)
        else:
            target[steps[-1]] = copy.deepcopy(value)


def _camel(path: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), path)
