"""Reads classes of pulumi_azure_native: properties, what is required, constants. One class at a time is parsed."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localcloud.plugin.derive import sdk

VERSION = re.compile(r"Uses Azure REST API version ([\w-]+)\.")
STANDALONE = "also available as standalone resources"  # the provider's words where it keeps what is not given


@dataclass(frozen=True)
class Class:
    """One class, by wire names; `required` are those that its constructor demands."""

    properties: dict[str, sdk.Shape]
    required: frozenset[str]
    constants: dict[str, str]
    standalone: frozenset[str]


def version(token: str) -> str:
    """The api-version that the SDK's class documents."""
    found = VERSION.search(sdk.token_file(token).read_text())
    if found is None:
        raise ValueError(f"{token}: its documentation tells no api-version")
    return found[1]


def inputs(token: str) -> Class:
    member, sources = token.split(":")[2], _sources(sdk.token_file(token))
    name = next(name for name in (f"{member}Args", f"{member}InitArgs") if name in sources)
    return read(sdk.token_file(token), name)


def outputs(token: str) -> Class:
    return read(sdk.token_file(token), token.split(":")[2])


def result(token: str) -> Class:
    """What an invoke answers."""
    member = token.split(":")[2]
    return read(sdk.token_file(token), f"{member[0].upper()}{member[1:]}Result")


def nested(token: str, name: str) -> Class:
    """A class by the name that an annotation has: `VaultPropertiesArgs`, `outputs.VaultPropertiesResponse`."""
    folder = sdk.token_file(token).parent
    file = "outputs.py" if name.startswith("outputs.") else "_inputs.py"
    return read(folder / file, name.removeprefix("outputs."))


@cache
def read(path: Path, name: str) -> Class:
    node = ast.parse(_sources(path)[name]).body[0]
    assert isinstance(node, ast.ClassDef)  # what _sources cuts out begins with `class`
    properties, wire, standalone = {}, {}, set()
    for prop, shape, getter in sdk.getters(node):
        properties[prop], wire[getter.name] = _typed(shape), prop
        if STANDALONE in (ast.get_docstring(getter) or ""):
            standalone.add(prop)
    init = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    return Class(properties, _required(init, wire), _constants(init, wire), frozenset(standalone))


@cache
def _sources(path: Path) -> dict[str, str]:
    text = path.read_text()
    starts = [(found[1], found.start()) for found in re.finditer(r"^class (\w+)", text, re.M)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    return {
        name: re.split(r"^(?:@|def |if )", text[start:end], maxsplit=1, flags=re.M)[0]
        for (name, start), end in zip(starts, ends, strict=True)
    }


def _typed(shape: sdk.Shape) -> sdk.Shape:
    """A class that is neither of arguments nor of outputs is an enumeration: text on the wire."""
    if shape.kind == "object" and not (shape.of.endswith("Args") or shape.of.startswith("outputs.")):
        return sdk.Shape("string")
    if shape.element is not None:
        return sdk.Shape(shape.kind, shape.of, _typed(shape.element))
    return shape


def _required(init: ast.FunctionDef | None, wire: dict[str, str]) -> frozenset[str]:
    if init is None:
        return frozenset()
    arguments = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    return frozenset(wire[one.arg] for one, default in arguments if default is None and one.arg in wire)


def _constants(init: ast.FunctionDef | None, wire: dict[str, str]) -> dict[str, str]:
    found = {}
    for node in ast.walk(init) if init else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pulumi.set" and len(node.args) == 3:
            name, value = node.args[1], node.args[2]
            if isinstance(name, ast.Constant) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[wire[str(name.value)]] = value.value
    return found
