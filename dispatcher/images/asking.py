"""Asking a registry about a job's image before the job is sent: is it there, may it be pulled, does it fit?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dispatcher.errors import DispatchError, NotFoundError, Problem, SpecError
from dispatcher.images import config, description, place, resolving, transport
from dispatcher.images.login import Denied, SignsIn
from dispatcher.images.registry import Registry
from dispatcher.images.resolving import Resolved
from dispatcher.images.transport import Transport

if TYPE_CHECKING:
    from dispatcher.backends.image_reference import Image
    from dispatcher.contract import Zone
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware

PATIENCE = 10.0
"""Seconds that a registry has to answer: it may be reached from the zone's network only."""


def ask(job: Job, zone: Zone, zone_name: str, hardware: Hardware, backend: object, user: str) -> Resolved:
    """Return the job with its image named by digest, or with a warning that says why nobody could be asked.

    Raises SpecError for an image that is not there, that the zone's nodes cannot pull, or that cannot run the job.
    """
    if not isinstance(backend, SignsIn):
        return Resolved(job)
    image, puller = place.reference(job.image, zone), place.puller(zone)
    host = str(image.host)
    try:
        if backend.local() and transport.stand_in() is None:
            return Resolved(job)
        calls = Transport(user, timeout=PATIENCE, pauses=())
        login = backend.registry_login(host, calls) if puller.signs_in(host) else None
        registry = Registry(host, login, calls)
        wanted = config.PLATFORMS.get(hardware.architecture or "")
        repository = registry.repository(image.name)
        found = description.describe(registry, repository, image.digest or image.tag or "latest", wanted)
    except NotFoundError as error:
        raise _wrong(error.message, _bring(job, image, zone_name)) from error
    except Denied as error:
        if not puller.signs_in(host):
            what = f"{error.message}: it is private or not there, and {puller.identity} cannot sign in there"
            raise _wrong(what, _bring(job, image, zone_name)) from error
        needed = f"{puller.identity} needs {puller.right} for it"
        return Resolved(job, (f"{_unseen(image, error)}. {needed}",))
    except DispatchError as error:
        # Who cannot ask may still submit, or leave the job to somebody who can.
        return Resolved(job, (_unseen(image, error),))
    resolving.check(job, image.text, found.platforms, found.config, zone, hardware)
    if image.digest:
        return Resolved(job)
    written = job.image.removesuffix(f":{image.tag}") if image.tag else job.image
    pinned = f"image {job.image} is a tag, which can be moved: this job takes what it names now, {found.digest}"
    return Resolved(replace(job, image=f"{written}@{found.digest}"), (pinned,))


def _unseen(image: Image, error: DispatchError) -> str:
    return f"image {image.text} could not be looked at: {error.message}"


def _bring(job: Job, image: Image, zone: str) -> str:
    if image.text == job.image:
        return f"dispatch image copy {image.text} --zone {zone}"
    return f"dispatch build --zone {zone} --name {job.image.partition('@')[0]} --push, or name what is there"


def _wrong(rule: str, remedy: str) -> SpecError:
    return SpecError([Problem("job", None, "image", rule, remedy)])
