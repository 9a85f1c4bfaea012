"""Where in a job file a problem stands that was found later, when the job met its queue and zone."""

from __future__ import annotations

from dispatcher.documents import document
from dispatcher.documents.changes import Changes, Defaults, apply, fill
from dispatcher.documents.document import Fields, Node
from dispatcher.errors import Problem, SpecError

JOB = "job"
"""What placement and rendering, which know no file, name as the source of a problem of the job."""


def placed(
    error: SpecError,
    source: str,
    data: bytes | str,
    changes: Changes | None = None,
    defaults: Defaults | None = None,
) -> SpecError:
    """The same problems, those of the job with the file (or `--set`, or the queue) and the line of their key.

    A key that the job leaves out, and a field of the request that no key stands for, has the file and no line.
    """
    tree = document.one(source, data)
    if isinstance(tree, Fields):
        apply(tree, changes or Changes(), [])
        fill(tree, defaults or Defaults())
    return SpecError([_placed(problem, source, tree) for problem in error.problems])


def _placed(problem: Problem, source: str, tree: Node) -> Problem:
    if problem.source != JOB or problem.line is not None:
        return problem
    node = document.at(tree, problem.path)
    place = (node.source, node.line) if node is not None else (source, None)
    return Problem(*place, problem.path, problem.rule, problem.remedy)
