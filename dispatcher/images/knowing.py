"""What names the images of a queue's jobs: the ledger, which knows what was built, and then the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.images.resolving import Resolve, Resolved, resolve, unresolved

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend
    from dispatcher.job import Job
    from dispatcher.ledger import Ledger
    from dispatcher.placement.catalog import Hardware
    from dispatcher.sites import Line


def resolver(ledger: Ledger, line: Line, backend: Backend, user: str | None) -> Resolve:
    """Return what names the images of jobs of a queue: by the ledger, and by asking the registry as `user`.

    Without a user no registry is asked.
    """
    zone = line.contract()
    if zone is None:
        return unresolved
    name = line.queue.zone

    def known(job: Job, hardware: Hardware) -> Resolved:
        found = resolve(job, zone, ledger.images(name), hardware)
        if user is None:
            return found
        from dispatcher.images import asking

        asked = asking.ask(found.job, zone, name, hardware, backend, user)
        return Resolved(asked.job, found.warnings + asked.warnings)

    return known
