"""What goes on top of a job file: the command line's `--set`, `--env` and arguments, and a queue's defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.documents import document
from dispatcher.documents.document import Fields, Items, Node, Scalar
from dispatcher.errors import Problem, SpecError


@dataclass(frozen=True, slots=True)
class Changes:
    """What `submit` adds to a file: `--set path=value`, `--env NAME=VALUE`, `-P`, and arguments after `--`.

    `no_checkpoint` is somebody's word that an interruption may lose all work, `allow_plain` that what goes by
    these names looks like a secret and is none.
    """

    sets: Sequence[str] = ()
    env: Sequence[str] = ()
    arguments: Sequence[str] = ()
    priority: str | None = None
    no_checkpoint: bool = False
    allow_plain: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a queue fills in where the job says nothing."""

    image: str | None = None
    priority: str | None = None
    nodes: int | None = None
    max_runtime: int | None = None
    runtime: bool | None = None


def apply(tree: Fields, changes: Changes, problems: list[Problem]) -> None:
    """Put the command line's changes into the tree of a job file, each with its own source."""
    for typed in changes.sets:
        path, found, text = typed.partition("=")
        if not found or not path:
            problems.append(Problem("--set", None, typed, "is not PATH=VALUE", "such as --set resources.nodes=2"))
        elif not _put(tree, path.split("."), _typed("--set", path, text, problems)):
            problems.append(Problem("--set", None, path, "goes through a value that is not a mapping"))
    for typed in changes.env:
        name, found, text = typed.partition("=")
        if not found or not name:
            problems.append(Problem("--env", None, name, "is not NAME=VALUE", "such as --env LOG_LEVEL=debug"))
        elif not _put(tree, ["env", name], Scalar("--env", None, text, plain=False)):
            problems.append(Problem("--env", None, name, "cannot be added: env is not a mapping"))
    if changes.arguments:
        command = tree.fields.setdefault("command", Items(tree.source, None))
        if isinstance(command, Items):
            command.items.extend(
                Scalar("arguments after --", None, text, plain=False) for text in changes.arguments
            )
    if changes.priority is not None:
        tree.fields["priority"] = Scalar("--priority", None, changes.priority)


def fill(tree: Fields, defaults: Defaults) -> None:
    """Put a queue's defaults where the job says nothing."""
    for path, value in (
        (["image"], defaults.image),
        (["priority"], defaults.priority),
        (["resources", "nodes"], defaults.nodes),
        (["max_runtime"], defaults.max_runtime),
        (["runtime"], defaults.runtime),
    ):
        if value is not None:
            _put(tree, path, Scalar("queue", None, str(value)), replace=False)


def _typed(source: str, path: str, text: str, problems: list[Problem]) -> Node:
    """A value given on the command line: a flow list or mapping is YAML, anything else is the text itself."""
    if text[:1] in ("[", "{"):
        try:
            return _unplaced(document.one(source, text), source)
        except SpecError as error:
            problems.extend(
                Problem(source, None, path, problem.rule, problem.remedy) for problem in error.problems
            )
            return Scalar(source, None, text)
    return Scalar(source, None, text, plain=text in ("", "null", "~"))


def _unplaced(node: Node, source: str) -> Node:
    if isinstance(node, Fields):
        return Fields(source, None, {key: _unplaced(inner, source) for key, inner in node.fields.items()})
    if isinstance(node, Items):
        return Items(source, None, [_unplaced(inner, source) for inner in node.items])
    return Scalar(source, None, node.text, node.plain)


def _put(tree: Fields, path: list[str], node: Node, *, replace: bool = True) -> bool:
    """Put a node at a path, making mappings on the way; False when something else is in the way."""
    place = tree
    for key in path[:-1]:
        below = place.fields.get(key)
        if below is None or (isinstance(below, Scalar) and below.empty):
            below = place.fields[key] = Fields(node.source, node.line)
        if not isinstance(below, Fields):
            return False
        place = below
    if replace or path[-1] not in place.fields:
        place.fields[path[-1]] = node
    return True
