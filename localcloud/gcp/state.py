"""What the local Google Cloud holds, and which project it is."""

from __future__ import annotations

from localcloud.place import NUMBER as NUMBER
from localcloud.place import PROJECT as PROJECT
from localcloud.state import State as State


def is_project(name: str) -> bool:
    """Whether a project id or number is the one of this cloud."""
    return name in (PROJECT, NUMBER)
