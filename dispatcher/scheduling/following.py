"""Staying with a job: ticks with a growing pause until something is true, and log lines meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from dispatcher.errors import AuthError, NotFoundError, NotInstalledError, UnreachableError

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend, LogLine
    from dispatcher.clock import Clock, Sleep
    from dispatcher.ledger import Entry
    from dispatcher.scheduling.work import Report

FIRST, LONGEST, GROWTH = 1.0, 15.0, 1.5
"""Seconds of the first and longest pause between two looks, and how it grows; a change starts over."""


class Ticking(Protocol):
    """What following needs of a dispatcher."""

    @property
    def clock(self) -> Clock: ...

    @property
    def sleep(self) -> Sleep: ...

    @property
    def notice(self) -> Callable[[str], None]: ...

    def tick(self) -> Report: ...

    def show(self, text: str) -> Entry: ...

    def young(self, entry: Entry) -> bool: ...


def until(
    dispatcher: Ticking,
    entry: Entry,
    met: Callable[[Entry], bool],
    seen: Callable[[Entry], None] = lambda entry: None,
) -> Entry:
    """Run ticks until `met` or the job has ended. Raises AuthError or NotInstalledError when only that helps.

    A right that is missing is waited for while the zone is young and it may still spread; no longer.
    `seen` is called with every change of its state or attempt, and of what stands in the way of asking about it.
    A ledger that is away is waited for too: the job goes on meanwhile.
    """
    pause, state, trouble = FIRST, (entry.state, entry.attempt), entry.last_error
    away = False
    seen(entry)
    while not (met(entry) or entry.final):
        try:
            report = dispatcher.tick()
            entry = dispatcher.show(entry.id)
        except UnreachableError as gone:  # the ledger's own: those of clouds are in the report
            if not away:
                dispatcher.notice(f"{gone.message}; waiting for it, and the job goes on")
            away = True
            dispatcher.sleep(pause)
            pause = min(pause * GROWTH, LONGEST)
            continue
        if away:
            away, pause = False, FIRST
            dispatcher.notice("the ledger is back")
        if (entry.state, entry.attempt) != state:
            pause, state, trouble = FIRST, (entry.state, entry.attempt), entry.last_error
            seen(entry)
            continue
        if entry.last_error != trouble:
            trouble = entry.last_error
            seen(entry)
        error = report.error_of(entry.id)
        if isinstance(error, AuthError | NotInstalledError) and not (
            error.propagating and dispatcher.young(entry)
        ):
            raise error
        dispatcher.sleep(pause)
        pause = min(pause * GROWTH, LONGEST)
    return entry


def lines(
    dispatcher: Ticking,
    entry: Entry,
    cloud: Callable[[], Backend],
    *,
    follow: bool,
    seen: Callable[[Entry], None] = lambda entry: None,
) -> Iterator[LogLine]:
    """Yield the lines of every attempt of a job, each attempt's own behind the other's.

    With `follow`, until the job has ended, however often it begins anew. An earlier attempt of which the cloud has
    nothing is left out. `cloud` opens the backend, when there is something to read; `seen` is as of `until`.
    """
    from dispatcher.backends.base import Submission

    number = 1
    while True:
        if follow and number >= entry.attempt:
            entry = until(dispatcher, entry, _begun(number), seen)
        last = number >= entry.attempt
        if last and not entry.started:
            return
        name, live = Submission(entry.id, number, entry.slug).name, follow and last
        try:
            if live:
                yield from cloud().logs(name, follow=True, done=done(dispatcher, entry.id, number))
                entry = dispatcher.show(entry.id)
            else:
                yield from cloud().logs(name)
        except NotFoundError:
            if last:
                raise
        if number >= entry.attempt:
            return
        number += 1


def _begun(attempt: int) -> Callable[[Entry], bool]:
    return lambda entry: entry.started or entry.attempt > attempt


def done(dispatcher: Ticking, id: str, attempt: int) -> Callable[[], bool]:
    """A question for a log reader: has the attempt ended? Asks the cloud no more often than `until` would."""
    pause, due = FIRST, 0.0

    def ended() -> bool:
        nonlocal pause, due
        try:
            if dispatcher.clock() >= due:
                due = dispatcher.clock() + pause
                pause = min(pause * GROWTH, LONGEST)
                dispatcher.tick()
            entry = dispatcher.show(id)
        except UnreachableError:
            return False  # the ledger's own: its lines are read on, and it is asked again
        return entry.final or entry.attempt != attempt

    return ended
