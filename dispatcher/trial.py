"""Trying a queue's overrides on a plain job, so that a sync refuses what every later submission would."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from dispatcher.backends.base import Backend
from dispatcher.errors import DispatchError, PolicyRefusal, Problem, SpecError
from dispatcher.job import Job, Resources
from dispatcher.naming import placeholder
from dispatcher.queue import Queue

if TYPE_CHECKING:
    from dispatcher.contract import Zone


def overrides(queue: Queue, zone: Zone, open_backend: Callable[[], Backend], source: str) -> list[Problem]:
    """What the provider's model or the zone's rules have against `queue.overrides`.

    A job that the queue would not take without them either (say, no fitting hardware), or a cloud that is not
    installed here, proves nothing: then there are no problems.
    """
    if not queue.overrides:
        return []
    spot = queue.spot == "required"
    job = Job(
        image=f"{zone.registry.url}@sha256:{'0' * 64}",
        command=("true",),
        job_type=next(iter(queue.job_types), None),
        resources=Resources(nodes=queue.nodes or 1),
        max_runtime=min(queue.max_runtime or zone.limits.max_runtime, zone.limits.max_runtime),
        spot=spot,
        checkpoint=spot,
    )
    try:
        backend = open_backend()
        backend.render(job, dataclasses.replace(queue, overrides={}), placeholder(job))
    except DispatchError:
        return []
    path = f"queue {queue.name}: overrides"
    try:
        backend.render(job, queue, placeholder(job))
    except SpecError as error:
        return [
            Problem(source, None, f"{path}: {wrong.path}", wrong.rule, wrong.remedy) for wrong in error.problems
        ]
    except PolicyRefusal as error:
        return [Problem(source, None, path, error.message, " ".join(error.remedy.split()))]
    return []
