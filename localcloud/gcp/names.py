"""Resource names: the project in them by id however it was asked for, and time as Google writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from localcloud.gcp.errors import denied
from localcloud.gcp.state import NUMBER, PROJECT, State, is_project

_PROJECT = re.compile(r"\bprojects/([^/:]+)")


def canonical(name: str) -> str:
    """A name with the local project's id in it. Raises GoogleError for another project: it is not ours to see."""
    for found in _PROJECT.finditer(name):
        own(found[1])
    return name.replace(f"projects/{NUMBER}", f"projects/{PROJECT}")


def own(project: str) -> None:
    """Raises GoogleError unless a project id or number is the local one, as for a project one may not see."""
    if not is_project(project) and project != "-":
        raise denied(f"Permission denied on resource project {project}.")


def now(state: State) -> str:
    """The present, as the APIs write it."""
    return written(state.clock())


def written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
