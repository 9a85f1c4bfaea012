"""Joins the SDK's classes with ARM's types: for each property its type, its place in the body, its limits."""

from __future__ import annotations

import re
from typing import Any

from localcloud.plugin.azure.derive import arm, package
from localcloud.plugin.azure.derive.arm import Node
from localcloud.plugin.azure.derive.package import Class
from localcloud.plugin.derive.sdk import Shape, arguments

Json = dict[str, Any]
OWN = ("endpointName", "customDomainName")  # global names (AutoNamer.AutoName in provider/pkg/resources)
UUIDS = ("roleAssignmentName", "roleDefinitionId")  # the same


def derive(types: Json, names: Json) -> Json:
    """`{types, resources, lookups}`; data/README.md tells the shape."""
    maker = Maker(names)
    resources = {token: maker.resource(token, entry) for token, entry in sorted(types["types"].items())}
    lookups = {token: _lookup(token, of, resources[of]) for token, of in sorted(types["lookups"].items())}
    return {"types": dict(sorted(maker.types.items())), "resources": resources, "lookups": lookups}


def _lookup(token: str, of: str, resource: Json) -> Json:
    known = {"azureApiVersion", "id", *resource["outputs"]}
    if more := sorted(set(package.result(token).properties) - known):
        raise ValueError(f"{token} answers {more}, which {of} has not")
    return {"of": of, "version": package.version(token), "arguments": sorted(arguments(token))}


def autoname(path: str) -> Json:
    """Which parameter of a path gets an automatic name, and what kind of name."""
    name = path.rpartition("/")[2].strip("{}")
    below = path.lower().rpartition("microsoft.")[2]
    if name in UUIDS:
        return {"property": name, "kind": "uuid"}
    alone = "microsoft." not in path.lower() or below.count("{") == 1
    return {"property": name, "kind": "random" if alone or name in OWN else "copy"}


def camel(name: str) -> str:
    """The SDK's spelling of an API's name: `Application_Type` is applicationType."""
    joined = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return joined[:1].lower() + joined[1:]


class Maker:
    """Makes resources, and the types that they refer to."""

    def __init__(self, names: Json) -> None:
        self.renamed: dict[str, dict[str, str]] = names["renamed"]
        self.query: Json = names["query"]
        self.untyped: Json = names["untyped"]
        self.types: Json = {}

    def resource(self, token: str, entry: Json) -> Json:
        version = package.version(token)
        untyped = entry["arm"] in self.untyped["arm"]
        body = None if untyped else arm.body(entry["arm"], version)
        if body is None and not untyped:
            raise ValueError(f"{token}: no ARM types of {entry['arm']} at {version}")
        given, made = package.inputs(token), package.outputs(token)
        url = set(re.findall(r"\{(\w+)\}", entry["path"])) - {"subscriptionId"}
        key = self.key(token, token.split(":")[2])
        out: Json = {"arm": entry["arm"], "version": version, "path": entry["path"]}
        out["autoname"] = autoname(entry["path"])
        out |= {mark: entry[mark] for mark in ("singleton", "in_vault") if mark in entry}
        inside = {name: shape for name, shape in given.properties.items() if name not in url}
        properties = self.level(token, key, Class(inside, given.required, given.constants, given.standalone), body)
        for name in sorted(url):
            properties[name] = {"type": "string", "in": "path", "replace": True}
            if name in given.required:
                properties[name]["required"] = True
            if name == out["autoname"]["property"] and body is not None:
                properties[name] |= body.properties()["name"][0].limits()
        for name in self.query.get(token, []):
            properties[name] = {"type": properties[name]["type"], "in": "query"}
        for name in entry["replace"]:
            properties[name]["replace"] = True
        if body is not None:
            _add_containers(out, properties, body)
        shown = {name: shape for name, shape in made.properties.items() if name != "azureApiVersion"}
        out["inputs"] = dict(sorted(properties.items()))
        out["outputs"] = self.level(token, key, Class(shown, frozenset(), {}, frozenset()), body)
        return out

    def key(self, token: str, name: str) -> str:
        return f"{token.split(':')[1]}:{name}"

    def level(self, token: str, key: str, given: Class, node: Node | None) -> Json:
        """The properties of one class."""
        base = re.sub(r"Response$", "", key)
        whole = self.renamed.get(base, {})
        out: Json = {}
        for name, shape in sorted(given.properties.items()):
            path, found, flags = self.place(base, name, whole.get(name), given, node)
            prop = self.value(token, shape, found)
            if path is None:
                prop["unplaced"] = True
            elif path != name:
                prop["to"] = path
            if name in given.required or (name == "location" and flags & arm.REQUIRED):
                prop["required"] = True
            if name in given.constants:
                prop["const"] = given.constants[name]
            if name in given.standalone:
                prop["maintained"] = True
            out[name] = prop
        return out

    def place(
        self, base: str, name: str, renamed: str | None, given: Class, node: Node | None
    ) -> tuple[str | None, Node | None, int]:
        """Where in the body a property goes, what it is there, and its flags; no place when ARM has none."""
        if renamed:
            found, flags = node, 0
            for step in renamed.split("."):
                if found is not None:
                    found, flags = found.properties()[step]
            return renamed, found, flags
        flattened = "properties" not in given.properties
        if node is None:
            outside = name in self.untyped["envelope"] or not flattened or not self.is_flattened(base)
            return (name if outside else f"properties.{name}"), None, 0
        own = node.properties()
        for api, (found, flags) in own.items():
            if name in (api, camel(api)):
                return api, found, flags
        if flattened and "properties" in own:
            for api, (found, flags) in own["properties"][0].properties().items():
                if name in (api, camel(api)):
                    return f"properties.{api}", found, flags
        return None, None, 0

    def is_flattened(self, base: str) -> bool:
        """Whether a class without ARM types has an object `properties` in the API that it does not show."""
        return base in self.untyped["flattened"]

    def value(self, token: str, shape: Shape, node: Node | None) -> Json:
        if shape.kind == "object":
            return {"type": "object", "ref": self.refer(token, shape.of, node)}
        if shape.kind == "union":
            return {"type": "union", "options": [self.refer(token, one, node) for one in shape.options]}
        if shape.kind == "list":
            if node is not None and node.item() is None:  # an object whose keys are the values
                return {"type": "string_set"}
            item = self.value(token, shape.element or Shape("any"), node.item() if node else None)
            return {"type": "list", "items": item} | (node.limits() if node else {})
        if shape.kind == "map":
            item = self.value(token, shape.element or Shape("any"), node.value() if node else None)
            return {"type": "map", "items": item}
        whole = {"whole": True} if shape.whole else {}
        return {"type": shape.kind} | whole | (node.limits() if node else {})

    def refer(self, token: str, name: str, node: Node | None) -> str:
        """The key of a nested class; the class is made when it is met for the first time."""
        key = self.key(token, name.removeprefix("outputs.").removesuffix("Args"))
        if key not in self.types:
            self.types[key] = {}  # before it is made: classes refer to each other in circles
            given = package.nested(token, name)
            self.types[key] = self.level(token, key, given, node.of(given.constants) if node else None)
        return key


def _add_containers(out: Json, properties: Json, body: Node) -> None:
    """An object `properties` that the API demands and the SDK does not show is sent though it be empty."""
    found = body.properties().get("properties")
    if found and found[1] & (arm.REQUIRED | arm.READ_ONLY) == arm.REQUIRED and "properties" not in properties:
        out["containers"] = ["properties"]
