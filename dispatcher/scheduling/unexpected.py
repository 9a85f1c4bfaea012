"""An error that nobody foresaw: it is recorded on the job that it came from, and all others go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatcher.backends.base import State
from dispatcher.clock import stamp
from dispatcher.errors import DispatchError, UnexpectedError
from dispatcher.ledger import Entry
from dispatcher.scheduling.work import RELEASED, Report, Work

KIND = "unexpected"
"""Kind of the event that says so."""

PAUSE = (30.0, 900.0)
"""First and longest pause in seconds of a job that such an error came from while it was sent; it doubles."""

SINGLED_OUT = 20
"""How many such errors of one zone are traced to a job each in a round; then the rest is left for the next."""


def told(error: Exception) -> UnexpectedError:
    """The error in words, with the place it came from: nobody sees the traceback of an agent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = None if trace is None else Path(trace.tb_frame.f_code.co_filename)
    place = "" if trace is None or file is None else f" ({file.parent.name}/{file.name}:{trace.tb_lineno})"
    found = UnexpectedError(f"unexpected {type(error).__name__}: {error}{place}", "please report it as a bug")
    found.__cause__ = error
    return found


@contextmanager
def step(report: Report, ids: Collection[str] = ()) -> Iterator[None]:
    """Let a step of a round fail without the others. What the ledger raises ends the round all the same."""
    try:
        yield
    except DispatchError:
        raise
    except Exception as error:
        report.errors.append((told(error), tuple(ids)))


@contextmanager
def sending(work: Work, entry: Entry, report: Report) -> Iterator[None]:
    """Let the sending of one job fail without the others: that job alone waits, longer each time."""
    try:
        yield
    except DispatchError:
        raise
    except Exception as error:
        found = told(error)
        report.errors.append((found, (entry.id,)))
        _hold(work, entry.id, found)


def observe(work: Work, entries: list[Entry], report: Report, look: Callable[[list[Entry]], None]) -> None:
    """Look at jobs, all of them at once; those that an unforeseen error comes from are found by halves.

    Such a job keeps its state, as one that could not be asked about, and is left out for a while that grows.
    """
    left, groups = SINGLED_OUT, [[one for one in entries if not work.puzzling.lasts(one.id, work.clock())]]
    while groups:
        group = groups.pop()
        try:
            look(group)
        except DispatchError:
            raise
        except Exception as error:
            left -= 1
            if len(group) > 1 and left > 0:
                half = len(group) // 2
                groups += [group[half:], group[:half]]
                continue
            work.unseen(group, told(error), report)
            for one in group:
                work.puzzling.met(one.id, work.clock())


def _hold(work: Work, id: str, error: UnexpectedError) -> None:
    """Keep a job from being tried again for a while.

    One that was not called for goes back into its queue. One whose call may have gone out stays `submitting`,
    nobody's until then, and is looked up by its name before anything is sent again.
    """
    entry = work.ledger.entry(id)
    if entry is None or entry.state != State.SUBMITTING or entry.lease_owner != work.owner:
        return
    times = sum(event.kind == KIND for event in work.ledger.events(id))
    until = stamp(work.clock() + min(PAUSE[0] * 2.0 ** min(times, 10), PAUSE[1]))
    columns: dict[str, object] = {"last_error": error.message, "last_error_at": work.now(), **RELEASED}
    if entry.request_digest is None:
        columns |= {"state": State.QUEUED.value, "cloud_name": None, "not_before": until}
    else:
        columns["lease_until"] = until
    event = work.event(entry, KIND, error=error.message, until=until)
    work.ledger.change(id, columns, event, token=entry.lease_token, attempt=entry.attempt)
