"""The same program with other properties: a wrapper around `infra/` that lays changes over what it registers.

A change is `{type, name, set}`: type token, logical name (shell wildcards allowed), properties to set; null takes
one away. A change that meets no resource does nothing.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.engine.project import CHECKOUT, Key, Project

_WRAPPER = '''"""Runs the real program with changes laid over its resources."""

import fnmatch
import json
import os
import runpy

import pulumi

changes = json.loads(os.environ["LANE_CHANGES"])


def change(args):
    props = dict(args.props)
    for wanted in changes:
        if args.type_ == wanted["type"] and fnmatch.fnmatchcase(args.name, wanted["name"]):
            props.update(wanted["set"])
    given = {key: value for key, value in props.items() if value is not None}
    return pulumi.ResourceTransformResult(props=given, opts=args.opts)


pulumi.runtime.register_resource_transform(change)
runpy.run_path(os.environ["LANE_PROGRAM"], run_name="__main__")
'''


def meets(change: Mapping[str, Any], there: Iterable[Key]) -> bool:
    """Whether a change is about any of these resources."""
    return any(kind == change["type"] and fnmatch.fnmatchcase(name, change["name"]) for kind, name in there)


def altered(
    project: Project,
    changes: Sequence[Mapping[str, Any]],
    folder: Path,
    program: Path = CHECKOUT / "infra" / "__main__.py",
) -> Project:
    """The same stack, planned by a program whose resources are changed; `folder` must be new."""
    shutil.copytree(project.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("infra", "state"))
    (folder / "infra").mkdir()
    (folder / "infra" / "__main__.py").write_text(_WRAPPER)
    extra = {"LANE_CHANGES": json.dumps(list(changes)), "LANE_PROGRAM": str(program)}
    return dataclasses.replace(project, folder=folder, environment={**project.environment, **extra})
