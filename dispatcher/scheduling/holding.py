"""Keeping a claim while a step takes its time: a thread renews the lease, for as long as it is still ours.

A lease that was lost is not taken back: every change that the step makes afterwards names the lease's token, and
changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dispatcher.clock import stamp
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry
from dispatcher.scheduling.work import LEASE, Work

RENEWED = LEASE / 6
"""Seconds between two renewals: five may fail, as while a database is away, before a lease is lost."""

UPLOADING = 6 * 3600.0
"""Seconds for which a step at work counts as one that goes on (`work.progress`): gigabytes take their time."""

_held: set[str] = set()


def held(token: str | None) -> bool:
    """Whether a step of this process is at work under the lease; if not, a row that has it was left behind."""
    return token in _held


@contextmanager
def kept(work: Work, entry: Entry, every: float = RENEWED) -> Iterator[None]:
    """Renew the lease of a claimed entry `every` so many seconds while the body runs.

    The thread has a ledger of its own (`work.beside`), opened when the first renewal is due; without one, the
    lease lasts for as long as it was given for.
    """
    token = entry.lease_token
    if token is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(work, entry, every, over), name="lease", daemon=True)
    _held.add(token)
    try:
        if work.beside is not None:
            thread.start()
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
        _held.discard(token)


def _renew(work: Work, entry: Entry, every: float, over: threading.Event) -> None:
    assert work.beside is not None
    ledger = None
    renewals = 0
    try:
        while not over.wait(every):
            try:
                ledger = ledger or work.beside()
                # Its own clock too: the one that several machines share is asked over the ledger's connection.
                now = (ledger.clock or work.clock)()
                until = {"lease_until": stamp(now + LEASE)}
                if not ledger.change(entry.id, until, token=entry.lease_token):
                    return
                renewals += 1
                if renewals * every <= UPLOADING:
                    work.progress()
            except DispatchError:
                continue  # the lease lasts for several tries
    finally:
        if ledger is not None:
            ledger.close()
