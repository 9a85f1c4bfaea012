"""From the name that a job has for its image to what was built under it, by the ledger alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dispatcher.backends import image_reference
from dispatcher.errors import SpecError
from dispatcher.images import judging
from dispatcher.images.config import PLATFORMS, Config

if TYPE_CHECKING:
    from dispatcher.contract import Zone
    from dispatcher.job import Job
    from dispatcher.ledger import ImageRow
    from dispatcher.placement.catalog import Hardware


class Resolved(NamedTuple):
    """A job whose image is named by digest where that is known, with what is worth saying about it."""

    job: Job
    warnings: tuple[str, ...] = ()


Resolve = Callable[["Job", "Hardware"], Resolved]


def unresolved(job: Job, hardware: Hardware) -> Resolved:
    """Leave a job's image as it is named."""
    return Resolved(job)


def resolve(job: Job, zone: Zone, rows: Sequence[ImageRow], hardware: Hardware) -> Resolved:
    """Name a job's image by the digest that was built or copied last under its name; `rows` are the zone's images.

    No registry is asked. Raises SpecError when what is known of the image says that it cannot run the job.
    """
    image = image_reference.parse(job.image)
    if not rows:
        return Resolved(job)
    if image.digest:
        row = next((row for row in rows if row.digest == image.digest), None)
        return Resolved(judged(job, row, zone, hardware) if row else job)
    if image.host is not None:
        return Resolved(job)
    named = [row for row in rows if row.name == job.image]
    pushed = next((row for row in named if row.pushed), None)
    warnings = []
    if named and not named[0].pushed:
        newest = f"image {job.image} was built on {named[0].recorded_at[:10]} and not pushed"
        instead = f"; the job takes {pushed.digest}, pushed on {pushed.recorded_at[:10]}" if pushed else ""
        warnings.append(f"{newest}{instead}: dispatch build --zone {named[0].zone} --push")
    if pushed is None:
        return Resolved(job, tuple(warnings))
    by_digest = replace(job, image=f"{image.name}@{pushed.digest}")
    return Resolved(judged(by_digest, pushed, zone, hardware), tuple(warnings))


def judged(job: Job, row: ImageRow, zone: Zone, hardware: Hardware) -> Job:
    """Hold a job to what is recorded of its image; one that has dispatch-run is said to have it."""
    config = Config(row.platform, _words(row.entrypoint), _words(row.default_command), row.runtime)
    check(job, job.image, (config.platform,), config, zone, hardware)
    return replace(job, runtime=True) if job.runtime is None and row.runtime else job


def check(
    job: Job, name: str, platforms: Sequence[str], config: Config | None, zone: Zone, hardware: Hardware
) -> None:
    """Raise SpecError with everything that keeps an image from running a job on this hardware."""
    wanted = PLATFORMS.get(hardware.architecture or "")
    problems = judging.of_platform(name, platforms, wanted, hardware.instance)
    if config is not None:
        problems += judging.of_start(name, config, job, zone.cloud)
    if problems:
        raise SpecError(problems)


def _words(text: str | None) -> tuple[str, ...] | None:
    return tuple(json.loads(text)) if text else None
