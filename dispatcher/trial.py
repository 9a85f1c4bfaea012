"""Trying a queue's overrides on plain jobs, so that a sync refuses what every later submission would."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dispatcher.backends.base import Backend
from dispatcher.errors import DispatchError, PolicyRefusal, Problem, SpecError
from dispatcher.job import Job, Resources
from dispatcher.naming import placeholder
from dispatcher.placement.selection import kinds
from dispatcher.queue import Queue

if TYPE_CHECKING:
    from dispatcher.contract import Zone


def overrides(queue: Queue, zone: Zone, open_backend: Callable[[], Backend], source: str) -> list[Problem]:
    """What the provider's model or the zone's rules have against `queue.overrides`.

    Some are right for one kind of hardware only, which a queue without `hardware` leaves to its jobs: so what
    the plain job is refused is tried on every kind of accelerator that the zone allows. A job that the queue
    would not take without its overrides either, or a cloud that is not installed here, proves nothing: where all
    jobs are such, there are no problems.
    """
    if not queue.overrides:
        return []
    try:
        backend = open_backend()
    except DispatchError:
        return []
    first: list[Problem] = []
    for job in _jobs(queue, zone):
        plain = dataclasses.replace(queue, overrides={})
        if _problems(backend, job, plain, source):
            continue
        problems = _problems(backend, job, queue, source)
        if not problems:
            return []
        first = first or problems
    return first


def _jobs(queue: Queue, zone: Zone) -> Iterator[Job]:
    """Yield a plain job, and the same on each kind of accelerator where the queue does not name the hardware."""
    instances = [None, *(item.instance for item in kinds(zone))] if queue.hardware is None else [None]
    spot = queue.spot == "required"
    for instance in instances:
        yield Job(
            image=f"{zone.registry.url}@sha256:{'0' * 64}",
            command=("true",),
            job_type=next(iter(queue.job_types), None),
            resources=Resources(nodes=queue.nodes or 1, instance=instance),
            max_runtime=min(queue.max_runtime or zone.limits.max_runtime, zone.limits.max_runtime),
            spot=spot,
            checkpoint=spot,
        )


def _problems(backend: Backend, job: Job, queue: Queue, source: str) -> list[Problem]:
    path = f"queue {queue.name}: overrides"
    try:
        backend.render(job, queue, placeholder(job))
    except SpecError as error:
        return [
            Problem(source, None, _below(path, wrong.path), wrong.rule, wrong.remedy) for wrong in error.problems
        ]
    except PolicyRefusal as error:
        # What refuses a submission names queue and key itself; here the path does.
        named = re.compile(rf"^overrides: queue {re.escape(queue.name)} (overrides )?", re.MULTILINE)
        rule = named.sub(lambda found: "cannot set " if found[1] else "", error.message)
        return [Problem(source, None, path, rule, " ".join(error.remedy.split()))]
    except DispatchError as error:
        return [Problem(source, None, path, error.message)]
    return []


def _below(path: str, wrong: str) -> str:
    return f"{path}{wrong.removeprefix('overrides')}" if wrong.startswith("overrides.") else f"{path}: {wrong}"
