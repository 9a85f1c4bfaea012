"""The modules of the local Azure stand on each other in one direction, functions that import late included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import localcloud.azure

ROOT = Path(localcloud.azure.__file__).parent


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parents[1]).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, modules: set[str]) -> Iterator[str]:
    """Every module of the local Azure that a file imports when it runs, wherever it says so."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in typing:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules else node.module


def test_no_module_imports_one_that_imports_it() -> None:
    paths = {_name(path): path for path in ROOT.rglob("*.py")}
    known = set(paths)
    graph = {name: set(_imported(path, known)) & known for name, path in paths.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*way, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
