"""The loop around the tick: what is queued is sent at once, what runs is asked about in rounds, until stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dispatcher.agent.journal import Journal
from dispatcher.agent.presence import Presence
from dispatcher.agent.turns import Turns
from dispatcher.clock import Clock
from dispatcher.errors import DispatchError, OutdatedError, UsageError
from dispatcher.scheduling import tick
from dispatcher.scheduling.following import FIRST, GROWTH, LONGEST
from dispatcher.scheduling.sharing import SENDING
from dispatcher.scheduling.silence import Silence
from dispatcher.steadiness import Steadiness

if TYPE_CHECKING:
    from dispatcher.ledger import Ledger
    from dispatcher.scheduling.work import Report, Work

SHARE, MOST = 4.0, 60.0
"""A round that took a while is followed by a pause of so many times that, for clouds count who asks how often; and
the longest such pause in seconds."""

SLICE = 1.0
"""Seconds of one sleep: a wish to stop is heard after each."""


class Surroundings(Protocol):
    """What an agent needs of a dispatcher."""

    @property
    def ledger(self) -> Ledger: ...

    def work(self) -> Work: ...


@dataclass(slots=True)
class Agent:
    """Runs ticks for some queues and job types, or for all. `steady` is a clock that nobody sets.

    `stop` may be called from a signal handler or a thread: the step under way is finished and recorded, and no job
    on any cloud is touched.
    """

    dispatcher: Surroundings
    presence: Presence
    turns: Turns
    steadiness: Steadiness
    journal: Journal
    steady: Clock
    queues: Sequence[str] | None = None
    job_types: Sequence[str] = ()
    _stopping: bool = False
    _due: float = float("-inf")
    _pause: float = FIRST
    _work: Work | None = None
    _shut: Silence = field(default_factory=Silence)
    errors: list[DispatchError] = field(default_factory=list)
    """What stood in the way in the last round."""

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping = True

    def once(self) -> Report:
        """Run one round: take up, ask, judge and send. Raises what keeps the ledger from being read.

        Its turns are kept for a next round: `turns.leave` gives them back.
        """
        return self._round(observe=True)

    def run(self, pulse: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Run until stopped. Raises UsageError when another agent has, or has taken, its name; OutdatedError when
        a newer release has upgraded the ledger."""
        self.presence.check_in(self.dispatcher.ledger)
        self.journal.say(
            "started", queues=self.queues, job_types=self.job_types, ledger=self.dispatcher.ledger.name
        )
        try:
            with pulse():
                self._rounds()
        finally:
            self._leave()
        if self.presence.taken:
            name = self.presence.row.name
            raise UsageError(
                f"another agent took the name {name} while this one was away", "give it another --name"
            )

    def pulse(self) -> AbstractContextManager[None]:
        """Signs of life from a thread, for `run`: a step may take longer than others wait for one."""
        beside = self._surroundings().beside
        return self.presence.pulse(beside) if beside is not None else nullcontext()

    def _rounds(self) -> None:
        away = 0.0
        while not self._stopping and not self.presence.taken:
            try:
                report = self._round(observe=self.steady() >= self._due)
                if away:
                    self.journal.say("ledger back", after=round(away, 1))
                away = 0.0
                if not report.left:
                    self._rest(max(0.0, self._due - self.steady()))
            except OutdatedError:
                raise
            except DispatchError as error:
                # Clouds do not raise out of a tick: it is the ledger, and nothing is lost by waiting for it.
                self.journal.trouble(error.message, of="the ledger")
                pause = min(max(FIRST, away), LONGEST)
                away += pause
                self.presence.tell(state="waits for the ledger", error=error.message)
                self._sleep(pause)

    def _round(self, *, observe: bool) -> Report:
        if jump := self.steadiness.look():
            self.journal.say("clock set", level="warning", seconds=round(jump, 1))
        began = self.steady()
        self.presence.tell(state="works")
        report = tick.tick(
            self._surroundings(), queues=self.queues, observe=observe, clock=self.steady, seconds=SENDING
        )
        took = self.steady() - began
        changed = bool(report.submitted or report.finished)
        self._pause = FIRST if changed else min(self._pause * GROWTH, LONGEST)
        # Sending counts not: who has much to send looks no later, nor ever later the more often he sends.
        due = began + report.watched + max(self._pause, min(SHARE * report.watched, MOST))
        if observe:
            self._due = due
        elif changed:
            self._due = min(self._due, due)
        self._tell(report)
        self.presence.tell(state="waits", round_seconds=round(took, 2), error=None)
        self.presence.beat(lambda: self.dispatcher.ledger)
        return report

    def _surroundings(self) -> Work:
        if self._work is None:
            self._work = dataclasses.replace(
                self.dispatcher.work(),
                takes=tuple(self.job_types),
                turn=self.turns.mine,
                unable=self.turns.unable,
                stopping=lambda: self._stopping or self.presence.taken,
                progress=self._progress,
                sure=self.steadiness.sure,
                may_send=lambda queue: not self._shut.lasts(queue, self.steady()),
                sent=self._sent,
            )
        return self._work

    def _sent(self, queue: str, outside: DispatchError | None) -> None:
        """Leave a queue whose zone does not let this process in to others, longer each time."""
        if outside is None:
            self._shut.broken(queue)
        else:
            self._shut.met(queue, self.steady())

    def _progress(self) -> None:
        self.presence.moved()

    def _tell(self, report: Report) -> None:
        self.errors = [error for error, _ in report.errors]
        told = self.dispatcher.ledger.several([*report.submitted, *report.finished])
        for id in report.finished:
            if entry := told.get(id):
                self.journal.say("finished", job=id, queue=entry.queue, state=entry.state, reason=entry.reason)
        for id in report.submitted:
            if entry := told.get(id):
                self.journal.say("submitted", job=id, queue=entry.queue, zone=entry.zone, name=entry.cloud_name)
        for error, ids in report.errors:
            self.journal.trouble(error.message, jobs=list(ids[:5]), count=len(ids) if len(ids) > 5 else None)

    def _rest(self, seconds: float) -> None:
        """Wait for the next round, or until somebody has queued or changed something."""
        until = self.steady() + seconds
        while not self._stopping and not self.presence.taken:
            left = until - self.steady()
            if left <= 0 or self.dispatcher.ledger.wait(min(left, SLICE)):
                return
            self.presence.moved()
            self.presence.beat(lambda: self.dispatcher.ledger)

    def _sleep(self, seconds: float) -> None:
        work = self._surroundings()
        until = self.steady() + seconds
        while not self._stopping and (left := until - self.steady()) > 0:
            work.sleep(min(left, SLICE))
            self.presence.moved()
            self.presence.beat(lambda: self.dispatcher.ledger)

    def _leave(self) -> None:
        try:
            self.turns.leave()
            self.presence.check_out(self.dispatcher.ledger)
        except DispatchError as error:
            self.journal.trouble(error.message, of="the ledger")
        self.journal.say("stopped")
