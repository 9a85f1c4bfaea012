"""The handler of every type that the provider generates: its calls, ids and field names are data (rest.json)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from localcloud.plugin.gcp.fields import Json, received, sent
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.schema import Table, camel
from localcloud.plugin.settings import loaded
from localcloud.plugin.values import Properties

DATA = Path(__file__).parent / "data"
VARIABLE = re.compile(r"\{\{(%?\w+)\}\}")
PREVENTED = 'cannot destroy {label} without setting deletion_policy="DELETE" and running `pulumi up`'


@cache
def table() -> Table:
    """Token -> definition (data/README.md)."""
    return loaded(DATA / "schema.json")


@cache
def rest() -> Table:
    """Terraform type -> its calls, ids and names (data/README.md)."""
    return loaded(DATA / "rest.json")


@dataclass(frozen=True)
class Hooks:
    """What a type does beside its table. All get the connection and the resource's properties.

    `encode` changes a body before it is sent, `decode` a document after it is read (None: the thing is gone),
    `made` and `removing` act after the creation and before the deletion; with `forget` nothing is deleted.
    """

    encode: Callable[[Gcp, Json, Properties, bool], Json] = lambda gcp, body, inputs, creating: body
    decode: Callable[[Gcp, Json, Properties], Json | None] = lambda gcp, document, known: document
    made: Callable[[Gcp, Properties], None] = lambda gcp, inputs: None
    removing: Callable[[Gcp, Properties], None] = lambda gcp, state: None
    forget: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)  # more of `received`


class Rest:
    """Makes the four verbs of one type."""

    def __init__(self, token: str, hooks: Hooks) -> None:
        self.token, self.hooks = token, hooks
        self.definition: Table = table()[token]
        self.rest: Table = rest()[self.definition["terraform"]]
        self.properties: Table = self.definition["properties"]
        self.sent: dict[str, str] = self.rest.get("sent", {})
        # What Terraform takes out of an object of the API is not in the flattener's own table.
        taken_out = {name: path for name, path in self.sent.items() if "." in path and "." not in name}
        self.received: dict[str, str] = {**taken_out, **self.rest.get("received", {}), **hooks.extra}
        self.label = self.rest.get("label") or token.rsplit(":", 1)[1]

    def resource(self) -> Resource[Gcp]:
        return Resource(self.label, self.create, self.read, self.update, self.delete)

    def base(self, gcp: Gcp) -> str:
        return gcp.base(self.rest["endpoint"], self.rest["base"])

    def calls(self, verb: str) -> list[Json]:
        return [call for call in self.rest["calls"] if call["verb"] == verb]

    def url(self, gcp: Gcp, template: str, values: Properties) -> str:
        path, _, query = filled(gcp, template, self.properties, values).partition("?")
        return self.base(gcp) + quote(path, safe="/:%") + (f"?{query}" if query else "")

    def create(self, gcp: Gcp, inputs: Properties) -> str:
        body = self.hooks.encode(gcp, self.body(gcp, inputs), inputs, True)
        first, *more = self.calls("Create")
        answer = gcp.call(first["method"], self.url(gcp, first["url"], inputs), body)
        made = gcp.finished(self.base(gcp), answer, self.label)
        values = dict(inputs)
        if "{{name}}" in self.rest["id"] and made.get("name"):
            values.setdefault(
                "name", made["name"].rpartition("/")[2] if "/{{name}}" in self.rest["id"] else made["name"]
            )
        if self.rest["id"] == "{{name}}" and made.get("name"):
            values["name"] = made["name"]
        id = filled(gcp, self.rest["id"], self.properties, values)
        for call in more:  # labels that the first call does not take
            if labels := inputs.get("effectiveLabels"):
                self.sent_change(gcp, call, values, {"labels": labels})
        self.hooks.made(gcp, {**values, "id": id})
        return id

    def body(self, gcp: Gcp, inputs: Properties) -> Json:
        return sent(self.properties, self.sent, self.linked(gcp, inputs))

    def linked(self, gcp: Gcp, inputs: Properties) -> Properties:
        """Inputs with names of other things made into their paths, as the provider's expanders do."""
        return {
            name: self._linked(gcp, self.properties.get(name), value, "", inputs) for name, value in inputs.items()
        }

    def _linked(self, gcp: Gcp, prop: Table | None, value: Any, path: str, inputs: Properties) -> Any:
        if prop is None:
            return value
        where = (
            f"{path}.{prop['terraform']}" if path and "terraform" in prop else path or prop.get("terraform", "")
        )
        if isinstance(value, list):
            return [self._linked(gcp, {**prop["items"], "terraform": ""}, one, where, inputs) for one in value]
        if isinstance(value, dict) and prop["type"] == "object":
            inner = prop["properties"]
            return {name: self._linked(gcp, inner.get(name), one, where, inputs) for name, one in value.items()}
        refers = self.rest.get("refers", {}).get(where)
        if not refers or not isinstance(value, str) or not value or "/regions" in refers:
            return value
        return link(gcp, refers, value, inputs)

    def values(self, gcp: Gcp, id: str, known: Properties) -> Properties:
        """What a URL needs, out of the state and, for an import, out of the id."""
        plain = {name: value for name, value in known.items() if value is not None}
        for pattern in [_pattern(self.rest["id"]), *self.rest.get("imports", [])]:
            if found := re.fullmatch(pattern, id):
                named = {camel(name): value for name, value in found.groupdict().items()}
                return {**named, **plain}
        return plain

    def read(self, gcp: Gcp, id: str, known: Properties) -> Properties | None:
        values = self.values(gcp, id, known)
        document = gcp.found(self.url(gcp, self.calls("Read")[0]["url"], values))
        decoded = self.hooks.decode(gcp, document, values) if document is not None else None
        if decoded is None:
            return None
        found = received(self.properties, self.received, decoded)
        for name in self.properties:
            if found.get(name) in (None, "") and name not in known and name in values:
                found[name] = values[name]
        if "project" in self.properties:
            found["project"] = values.get("project") or gcp.project
        if "region" in self.properties:
            found["region"] = str(found.get("region") or values.get("region") or gcp.settings.region).rpartition(
                "/"
            )[2]
        return {"id": filled(gcp, self.rest["id"], self.properties, {**values, **_given(found)}), **found}

    def update(self, gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
        values = {**self.values(gcp, id, old), **_given(new)}
        changed = {self.properties[name]["terraform"] for name in names if name in self.properties}
        # Parts of `effective_*` change with the whole; a channel's `labels` are its own.
        changed -= {name for name in changed if f"effective_{name}" in self.sent}
        changed -= {"terraform_labels", "deletion_policy"}
        body = self.hooks.encode(gcp, self.body(gcp, new), new, False)
        parts = [call for call in self.calls("Update") if call["method"] != "GET"]
        special = {name for call in parts for name in call.get("changed", ())}
        for call in {(c["method"], c["url"], tuple(c.get("changed", ()))): c for c in parts}.values():
            fields = set(call.get("changed", ())) & changed if call.get("changed") else changed - special
            if fields:
                self._change(gcp, call, values, body, fields)

    def _change(self, gcp: Gcp, call: Json, values: Properties, body: Json, fields: set[str]) -> None:
        """One of the calls of an update: some fields alone, fields by mask, or the whole."""
        mask = self.rest.get("mask")
        if call.get("changed"):
            wanted = {self.sent[name].split(".")[0] for name in fields if name in self.sent}
            self.sent_change(gcp, call, values, {name: body.get(name) for name in wanted})
        elif mask and call["method"] == "PATCH":
            paths = {path for name in fields for path in (mask.get(name) or self.sent.get(name, "")).split(",")}
            if named := sorted(paths - {""}):
                wanted = {path.split(".")[0] for path in named}
                url = self.url(gcp, call["url"], values) + f"?updateMask={quote(','.join(named), safe=',.')}"
                change = {name: value for name, value in body.items() if name in wanted}
                gcp.finished(self.base(gcp), gcp.call("PATCH", url, change), self.label)
        else:
            self.sent_change(gcp, call, values, body)

    def sent_change(self, gcp: Gcp, call: Json, values: Properties, body: Json) -> None:
        """Sends a change with the fingerprint of what it changes, where the API has one."""
        guard = "labelFingerprint" if call["url"].endswith("/setLabels") else "fingerprint"
        if call["method"] == "PATCH" or guard == "labelFingerprint":
            document = gcp.call("GET", self.url(gcp, self.calls("Read")[0]["url"], values))
            body = {**body, guard: document[guard]} if guard in document else body
        answer = gcp.call(call["method"], self.url(gcp, call["url"], values), body)
        gcp.finished(self.base(gcp), answer, self.label)

    def delete(self, gcp: Gcp, id: str, state: Properties) -> None:
        values = self.values(gcp, id, state)
        if allowed(self.label, state) and not self.hooks.forget:
            self.hooks.removing(gcp, values)
            for call in self.calls("Delete")[-1:]:
                try:
                    answer = gcp.call(call["method"], self.url(gcp, call["url"], values))
                    gcp.finished(self.base(gcp), answer, self.label)
                except ApiError as error:
                    if error.status != 404:
                        raise


def allowed(label: str, state: Properties) -> bool:
    """Whether the thing itself is to go: PREVENT raises ProviderError, ABANDON only forgets it."""
    policy = state.get("deletionPolicy")
    if policy == "PREVENT":
        raise ProviderError(PREVENTED.format(label=label))
    return bool(policy != "ABANDON")


def filled(gcp: Gcp, template: str, properties: Table, values: Properties) -> str:
    """A template with its `{{variables}}` in their places (tpgresource.ReplaceVars)."""
    by_terraform = {prop["terraform"]: name for name, prop in properties.items()}

    def one(found: re.Match[str]) -> str:
        name = found[1].removeprefix("%")
        value = values.get(by_terraform.get(name, camel(name)))
        if name == "project":
            value = value or gcp.project
        elif name == "region":
            value = str(value or gcp.settings.region).rpartition("/")[2]
        if isinstance(value, bool):
            return str(value).lower()
        text = "" if value is None else str(value)
        return quote(text, safe="") if found[1].startswith("%") else text

    return VARIABLE.sub(one, template)


def link(gcp: Gcp, refers: str, value: str, inputs: Properties) -> str:
    """The path of a thing that is given by path, link or name (ParseGlobalFieldValue, ParseRegionalFieldValue)."""
    if found := re.search(r"projects/.*", value):
        return found[0]
    scope, _, collection = refers.partition("/")
    project = inputs.get("project") or gcp.project
    if scope == "global":
        return f"projects/{project}/global/{collection}/{value.rpartition('/')[2]}"
    region = str(inputs.get("region") or gcp.settings.region).rpartition("/")[2]
    return f"projects/{project}/regions/{region}/{collection}/{value.rpartition('/')[2]}"


def _pattern(template: str) -> str:
    parts = VARIABLE.split(template)
    text = ""
    for i, part in enumerate(parts):
        whole = i == len(parts) - 2 or part in ("key_ring", "parent", "perimeter_name")
        text += re.escape(part) if i % 2 == 0 else f"(?P<{part}>{'.+' if whole else '[^/]+'})"
    return text


def _given(values: Properties) -> Properties:
    return {name: value for name, value in values.items() if value not in (None, "")}
