"""What a job goes with is put into its zone as soon as it is submitted, even when the job itself has to wait."""

from __future__ import annotations

from dispatcher.backends.base import Submission
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry
from dispatcher.scheduling.work import Report, Site
from dispatcher.sites import job_of


def ahead(site: Site, entry: Entry, report: Report) -> None:
    """Stage a queued job from the machine that has its code: whoever sends it later may not have it."""
    if job_of(entry).code is None:
        return
    try:
        site.stage(site.render(entry, Submission(entry.id, entry.attempt, entry.slug)))
    except DispatchError as error:
        report.errors.append((error, (entry.id,)))
