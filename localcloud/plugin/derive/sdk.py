"""Reads property names and shapes out of an installed Pulumi SDK's sources, without importing them."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WRAPPERS = re.compile(r"^(?:pulumi\.(?:Input|Output)|Optional)\[(.*)\]$", re.S)


@dataclass(frozen=True)
class Shape:
    """One property: kind is string, number, bool, list, map, object, union or any.

    `of` names the class of an object, `options` those of a union; `whole` numbers have no fractions.
    """

    kind: str
    of: str = ""
    element: Shape | None = None
    options: tuple[str, ...] = ()
    whole: bool = False


@cache
def root(package: str) -> Path:
    """Where the SDK of a Pulumi package lies: `aws` is pulumi_aws."""
    spec = importlib.util.find_spec(f"pulumi_{package.replace('-', '_')}")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"pulumi_{package} is not installed")
    return Path(spec.submodule_search_locations[0])


@cache
def classes(path: Path) -> dict[str, dict[str, Shape]]:
    """Class name -> property name (as it goes over the wire) -> shape, for the SDK classes in one file."""
    found: dict[str, dict[str, Shape]] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.endswith("Dict"):
            found[node.name] = {name: shape for name, shape, _ in getters(node)}
    return found


def getters(node: ast.ClassDef) -> Iterator[tuple[str, Shape, ast.FunctionDef]]:
    """The properties of one class: wire name, shape, and the getter itself."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and _is_getter(item):
            yield *_getter(item), item


def token_file(token: str) -> Path:
    """`aws:s3/bucket:Bucket` -> s3/bucket.py, `gcp:kms/getKMSKeyRing:getKMSKeyRing` -> kms/get_kms_key_ring.py"""
    package, place, member = token.split(":")
    module = place.split("/")[0]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", member)
    folder = root(package) if module == "index" else root(package) / module
    return folder / f"{words.lower()}.py"


def arguments(token: str) -> set[str]:
    """What an invoke sends, by its wire names."""
    return set(re.findall(r"__args__\['(\w+)'\]", token_file(token).read_text()))


def inputs(token: str) -> dict[str, Shape]:
    name, found = token.split(":")[2], classes(token_file(token))
    return found.get(f"{name}Args") or found.get(f"{name}InitArgs") or {}


def outputs(token: str) -> dict[str, Shape]:
    return classes(token_file(token))[token.split(":")[2]]


def nested(token: str, name: str) -> dict[str, Shape]:
    """Properties of a nested class, by the name that an annotation gives it."""
    folder = token_file(token).parent
    file = "outputs.py" if name.startswith("outputs.") else "_inputs.py"
    return classes(folder / file)[name.removeprefix("outputs.")]


def _is_getter(item: ast.FunctionDef) -> bool:
    return any("pulumi.getter" in ast.unparse(decorator) for decorator in item.decorator_list)


def _getter(item: ast.FunctionDef) -> tuple[str, Shape]:
    name = item.name
    for decorator in item.decorator_list:
        if isinstance(decorator, ast.Call):
            for keyword in decorator.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    name = str(keyword.value.value)
    return name, _shape(ast.unparse(item.returns) if item.returns else "Any")


def _shape(note: str) -> Shape:
    while found := WRAPPERS.match(note):
        note = found.group(1)
    if found := re.match(r"^Sequence\[(.*)\]$", note, re.S):
        return Shape("list", element=_shape(found.group(1)))
    if found := re.match(r"^Mapping\[str, (.*)\]$", note, re.S):
        return Shape("map", element=_shape(found.group(1)))
    plain = {
        "_builtins.str": "string",
        "_builtins.float": "number",
        "_builtins.bool": "bool",
        "Any": "any",
    }
    if note in plain:
        return Shape(plain[note])
    if note == "_builtins.int":
        return Shape("number", whole=True)
    if found := re.match(r"^'([\w.]+)'$", note):
        return Shape("object", of=found.group(1))
    if found := re.match(r"^Union\[(.*)\]$", note, re.S):
        classes_ = re.findall(r"'([\w.]+)'", found.group(1))
        if len(classes_) > 1 and len(classes_) == found.group(1).count(",") + 1:
            return Shape("union", options=tuple(classes_))
        return Shape("string")  # an enum class beside the plain string
    raise ValueError(f"cannot read annotation {note}")
