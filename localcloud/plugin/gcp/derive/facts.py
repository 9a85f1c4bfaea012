"""Parts what facts.go read into the files that are kept: rules, REST calls, and a schema where none is given."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
KEPT = (
    "AtLeastOneOf",
    "Computed",
    "ConflictsWith",
    "Default",
    "DiffSuppressFunc",
    "ExactlyOneOf",
    "ForceNew",
    "RequiredWith",
    "ValidateDiagFunc",
    "ValidateFunc",
)
FLAGS = ("Required", "Optional", "Computed", "Sensitive")
TYPES = {
    "schema.TypeString": "string",
    "schema.TypeInt": "number",
    "schema.TypeFloat": "number",
    "schema.TypeBool": "bool",
    "schema.TypeList": "list",
    "schema.TypeSet": "set",
    "schema.TypeMap": "map",
}


def rules(schema: Json) -> Json:
    """Property path -> what the schema answer of the provider lacks."""
    found = {path: {key: facts[key] for key in KEPT if key in facts} for path, facts in schema.items()}
    return {path: facts for path, facts in found.items() if facts}


def calls(resource: Json) -> Json:
    """How a resource travels: base URL, calls, id, names of fields where they are not the plain ones."""
    product = resource["product"]
    found = {
        "label": resource.get("label"),
        "planned": resource.get("planned"),
        "endpoint": product.get("CustomEndpointField"),
        "base": product.get("BaseUrl"),
        "id": resource.get("id"),
        "imports": resource.get("imports"),
        "calls": resource.get("calls"),
        "mask": resource.get("mask"),
        "sent": resource.get("sent"),
        "received": resource.get("received"),
        "refers": resource.get("refers"),
    }
    return {key: value for key, value in found.items() if value}


def block(schema: Json, path: str = "") -> Json:
    """A block as `providers schema` shows it, made of the facts of its properties."""
    attributes: Json = {}
    blocks: Json = {}
    for where, facts in schema.items():
        parent, _, name = where.rpartition(".")
        if parent != path or where.endswith("[]"):
            continue
        kind = TYPES[facts["Type"]]
        flags = {flag.lower(): True for flag in FLAGS if facts.get(flag) == "true"}
        nested = any(other.startswith(f"{where}.") for other in schema)
        if nested:
            limits = {"min_items": 1} if "required" in flags else {}
            limits |= {"max_items": int(facts["MaxItems"])} if facts.get("MaxItems", "").isdigit() else {}
            blocks[name] = {"nesting_mode": kind, "block": block(schema, where)} | limits
        else:
            inner = schema.get(f"{where}[]", {"Type": "schema.TypeString"})
            shape = [kind, TYPES[inner["Type"]]] if kind in ("list", "set", "map") else kind
            attributes[name] = {"type": shape} | flags
    return {"attributes": attributes} | ({"block_types": blocks} if blocks else {})
