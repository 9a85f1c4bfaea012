"""The one file that is copied into images: the same bytes each time, and nothing an old Python cannot read."""

from __future__ import annotations

import ast
import io
import sys
import zipfile

from dispatcher import __version__
from dispatcher.runtime import bundle

OLDEST = (3, 9)
FREE = {"dispatcher", "__future__", "_thread"}


def sources() -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bundle.build())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_is_the_same_bytes_each_time_and_begins_as_a_script() -> None:
    assert bundle.build() == bundle.build()
    assert bundle.build().startswith(b"#!/bin/sh\n")


def test_it_has_the_version_and_all_of_the_runtime_but_what_builds_it() -> None:
    found = sources()
    assert f'__version__ = "{__version__}"' in found["dispatcher/__init__.py"]
    assert "dispatcher/runtime/secrets/__init__.py" in found
    assert "dispatcher/runtime/data/grace.json" in found
    assert "dispatcher/runtime/bundle.py" not in found
    assert not [name for name in found if "__pycache__" in name]


def test_an_old_python_reads_every_line_and_needs_nothing_but_its_own_library() -> None:
    for name, text in sources().items():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(text, name, feature_version=OLDEST)):
                for module in _imported(node):
                    assert module in sys.stdlib_module_names | FREE, f"{name} imports {module}"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(node.module or "").partition(".")[0]]
    return []
