"""Joins the provider's schema, its rules and the SDK's names into one table of Pulumi properties."""

from __future__ import annotations

import re
from typing import Any

from localcloud.plugin.derive import sdk
from localcloud.plugin.derive.rules import Reader

Json = dict[str, Any]
FLAGS = ("required", "optional", "computed", "sensitive", "deprecated")
GROUPS = {
    "ConflictsWith": "conflicts",
    "ExactlyOneOf": "exactly_one",
    "AtLeastOneOf": "at_least_one",
    "RequiredWith": "required_with",
}


def derive(types: Json, upstream: Json, rules: Json, validators: Json, names: Json, enums: Json) -> Json:
    """Token -> {terraform, autoname, properties}; see data/README.md for the shape of a property."""
    out: Json = {}
    for token, entry in sorted(types.items()):
        terraform = entry["terraform"]
        service = entry.get("file", token.split(":")[1]).split("/")[0]
        reader = Reader(service, validators, enums["services"].get(service, {}))
        maker = Maker(token, reader, rules[terraform], names)
        properties = maker.block(upstream["resource_schemas"][terraform], "", sdk.outputs(token))
        accepted = sdk.inputs(token)
        for name, prop in properties.items():
            prop["input"] = name in accepted
            group = validators["beside_the_schema"]["exactly_one"].get(terraform, [])
            if prop["terraform"] in group:
                prop["exactly_one"] = [other for other in group if other != prop["terraform"]]
            for mark, listed in (("unfilled", names["unfilled"]), ("replace", names["replaced"])):
                if prop["terraform"] in listed.get(terraform, []):
                    prop[mark] = True
            if name in entry.get("defaults", {}):
                prop["default"] = entry["defaults"][name]
        out[token] = {"terraform": terraform, "properties": properties}
        out[token] |= {key: entry[key] for key in ("autoname", "framework", "delete_first") if key in entry}
        missing = sorted(set(sdk.outputs(token)) - set(properties))
        if missing != names["not_upstream"].get(token, []):
            raise ValueError(f"{token}: the SDK has {missing}, the provider's schema has not")
    return out


class Maker:
    """Makes the properties of one resource type."""

    def __init__(self, token: str, reader: Reader, facts: Json, names: Json) -> None:
        self.token, self.reader, self.facts = token, reader, facts
        self.names: dict[str, str] = names["renamed"].get(token, {})
        self.everywhere: dict[str, str] = names["renamed"].get("*", {})
        self.not_sdk = names["not_sdk"]
        self.retyped: dict[str, str] = names.get("retyped", {}).get(token, {})

    def block(self, block: Json, path: str, shapes: dict[str, sdk.Shape]) -> Json:
        out: Json = {}
        for name, attribute in block.get("attributes", {}).items():
            self._add(out, name, path, shapes, attribute, attribute.get("type"), None)
        for name, child in block.get("block_types", {}).items():
            flags = {"deprecated": True} if child["block"].get("deprecated") else {}
            flags["required" if child.get("min_items") else "optional"] = True
            self._add(out, name, path, shapes, flags, [child["nesting_mode"], None], child)
        return dict(sorted(out.items()))

    def _add(
        self,
        out: Json,
        name: str,
        path: str,
        shapes: dict[str, sdk.Shape],
        flags: Json,
        kind: Any,
        child: Json | None,
    ) -> None:
        if not path and (name == "id" or (name == "timeouts" and name not in shapes)):
            return  # the engine's own id; timeouts travel as custom timeouts where the SDK has no such property
        where = f"{path}.{name}" if path else name
        pulumi = self.pulumi_name(name, where, shapes)
        if pulumi is None:
            return
        prop: Json = {"terraform": name} | {flag: True for flag in FLAGS if flags.get(flag)}
        if name in ("tags", "tags_all"):
            prop["tags"] = True
        prop |= self.shape(where, kind, child, shapes[pulumi])
        self.rules(prop, where)
        out[pulumi] = prop

    def pulumi_name(self, name: str, where: str, shapes: dict[str, sdk.Shape]) -> str | None:
        words = name.split("_")
        plain = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
        options = [
            self.names.get(where) or self.everywhere.get(name),
            plain,
            plain + "s",
            plain + "es",
            plain.removesuffix("s"),
            re.sub("y$", "ies", plain),
        ]
        for option in options:
            if option and option in shapes:
                return option
        if where in self.not_sdk.get(self.token, []):
            return None
        raise ValueError(f"{self.token}: {where} has no name in the SDK")

    def shape(self, where: str, kind: Any, child: Json | None, shape: sdk.Shape) -> Json:
        """The value's type; a list of at most one that the SDK shows as an object gets `one`."""
        if isinstance(kind, str):
            kind = self.retyped.get(where, kind)
            if shape.kind not in (kind, "any"):
                raise ValueError(f"{self.token}: {where} is {kind} in the provider, {shape.kind} in the SDK")
            return {"type": kind}
        mode, element = kind
        if mode in ("list", "set", "single") and shape.kind != "list":
            return {"one": True} | self.element(where, element, child, shape)
        if mode == "object":
            return self.element(where, kind, child, shape)
        inner = self.element(where, element, child, shape.element or sdk.Shape("any"))
        limits = {key: child[key] for key in ("min_items", "max_items") if child and child.get(key)}
        return {"type": mode, "items": inner} | limits

    def element(self, where: str, kind: Any, child: Json | None, shape: sdk.Shape) -> Json:
        if child is not None:
            return {
                "type": "object",
                "properties": self.block(child["block"], where, sdk.nested(self.token, shape.of)),
            }
        if isinstance(kind, list) and kind[0] == "object":
            block = {"attributes": {name: {"type": inner, "optional": True} for name, inner in kind[1].items()}}
            return {"type": "object", "properties": self.block(block, where, sdk.nested(self.token, shape.of))}
        inner = self.shape(where + "[]", kind, None, shape)
        self.rules(inner, where + "[]")
        return inner

    def rules(self, prop: Json, where: str) -> None:
        facts = self.facts.get(where, {})
        if facts.get("ForceNew", "").startswith("true"):
            prop["replace"] = True
        if facts.get("Computed", "").startswith("true"):  # the schema answer drops this of blocks
            prop["computed"] = True
        if "SuppressMissingOptionalConfigurationBlock" in facts.get("DiffSuppressFunc", ""):
            prop["stays"] = True
        if where == "region":
            prop["replace"] = True  # the provider's own plan modifier for every regional resource
        if "Default" in facts:
            prop["default"] = self.reader.default(facts["Default"])
        if same := self.reader.same(facts.get("DiffSuppressFunc", "")):
            prop["same"] = same
        for key, name in GROUPS.items():
            if isinstance(facts.get(key), list):
                prop[name] = [re.sub(r"\.0\b", "", other) for other in facts[key] if other != where]
        found = []
        for key in ("ValidateFunc", "ValidateDiagFunc", "Validators", "CustomType", "made_by"):
            if key in facts:
                found += self.reader.rules(facts[key])
        if found:
            prop["rules"] = found
