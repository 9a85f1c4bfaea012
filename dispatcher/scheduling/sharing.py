"""Who sends how much in a round: queues take turns, the more urgent first, and what runs is not kept waiting."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dispatcher.clock import Clock
from dispatcher.errors import AuthError, NotInstalledError
from dispatcher.scheduling import unexpected
from dispatcher.scheduling.submitting import Submitter
from dispatcher.scheduling.work import Report, Work
from dispatcher.sites import LOCAL

SENDING = 10.0
"""Seconds that an agent sends in a round before it looks at what runs; each queue has its turn all the same."""

TURN, JOBS = 2.0, 5
"""Seconds, and jobs, after which a queue lets the next one go on."""


@dataclass(slots=True)
class Turn:
    """The turn of one queue; `clock` as of `send`, None when it takes as long as it takes."""

    clock: Clock | None
    began: float = 0.0
    asked: int = 0
    cut: bool = False
    """Whether it was over before the queue was."""

    def more(self) -> bool:
        """Whether one more job may be claimed; each question is one job."""
        if self.clock is None:
            return True
        now = self.clock()
        self.began = self.began if self.asked else now
        self.cut = self.asked >= JOBS or now - self.began >= TURN
        self.asked += 1
        return not self.cut


def send(
    work: Work,
    submitter: Submitter,
    wanted: Collection[str] | None,
    report: Report,
    *,
    clock: Clock,
    seconds: float | None,
) -> None:
    """Send from each queue that has jobs waiting, until nothing more may go or, with `seconds`, time is up.

    Time is by `clock`. Every queue has at least one turn.
    """
    began, done = clock(), set[str]()
    while queues := [one for one in _urgent_first(work, wanted) if one not in done]:
        for queue in queues:
            if work.stopping():
                return
            turn = Turn(None if seconds is None else clock)
            _visit(work, submitter, queue, turn, report)
            if not turn.cut:
                done.add(queue)
        if seconds is None:
            return
        if clock() - began >= seconds:
            report.left = any(one not in done for one in queues)
            return


def _visit(work: Work, submitter: Submitter, queue: str, turn: Turn, report: Report) -> None:
    if not work.may_send(queue):
        return
    sent, met = len(report.submitted), len(report.errors)
    with unexpected.step(report):
        submitter.submit_from(queue, report, turn.more)
    outside = [error for error, _ in report.errors[met:] if isinstance(error, AuthError | NotInstalledError)]
    if outside or len(report.submitted) > sent:
        work.sent(queue, outside[0] if outside else None)


def _urgent_first(work: Work, wanted: Collection[str] | None) -> list[str]:
    """The queues in which somebody waits who may go, by the first of each."""
    found = []
    for queue in work.ledger.waiting_queues():
        if wanted is not None and queue not in wanted:
            continue
        host = work.host if queue == LOCAL and work.ledger.shareable else None
        first = work.ledger.head(queue, now=work.now(), takes=work.takes, host=host)
        if first is not None:
            found.append((first.priority, first.submitted_at, queue))
    return [queue for _, _, queue in sorted(found)]
