"""Which resource types and lookups of a Pulumi package a part of infra/ uses, read from its source."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"azure": "pulumi_azure_native"}  # of the clouds whose package is not called like them


def used(cloud: str) -> tuple[set[str], set[str]]:
    """Resource type tokens and lookups (`get_...`) that the code of infra/<cloud> calls."""
    package = PACKAGES.get(cloud, f"pulumi_{cloud}")
    types: set[str] = set()
    lookups: set[str] = set()
    for path in sorted((ROOT / "infra" / cloud).glob("*.py")):
        for module, name in _vendor_calls(ast.parse(path.read_text()), package):
            if name.startswith("get_"):
                lookups.add(name.removesuffix("_output"))
            elif not name.endswith(("Args", "Dict")) and name != "Provider":
                types.add(getattr(importlib.import_module(f"{package}.{module}"), name).pulumi_type)
    return types, lookups


def _vendor_calls(tree: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """Every call of something out of `package`, as (module, name); the module is empty at the top level."""
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == package
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "get":
            called = called.value  # Trail.get(...) reads a resource of that type
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            if module := imported.get(called.value.id):
                yield module, called.attr
        elif isinstance(called, ast.Name) and called.id in imported:
            yield "", called.id
