"""Observe what runs: one batch per zone, states only from the cloud, and not reaching it changes none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dispatcher.backends.base import Observation, State
from dispatcher.clock import moment
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling import attempts, ending, interruptions
from dispatcher.scheduling.interruptions import Again
from dispatcher.scheduling.work import Report, Site, Work
from dispatcher.sites import LOCAL, job_of

VANISHED = 3600.0
"""Seconds after which a job that the cloud does not list, or lists in a state we do not know, gets a warning."""

UNKNOWN = "unknown state"
"""Kind of the event that marks when the cloud began to use a word that no table has."""


FORGOTTEN = 300.0
"""Seconds after which a cloud that took the wish to stop a job, and says that it goes on, is asked again: the
longest time a job has to leave (SageMaker, 120), and more than as much again for a list that lags behind."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at jobs of one ledger on their clouds."""

    work: Work

    def observe(self, entries: Iterable[Entry], report: Report) -> None:
        """Poll many jobs in as few calls as possible: one batch per zone and identity, if it is our turn there."""
        zones: dict[str, list[Entry]] = {}
        for entry in entries:
            zones.setdefault(entry.zone, []).append(entry)
        for of_zone in zones.values():
            if self.work.stopping():
                return
            for site, batch in self._batches(of_zone, report):
                try:
                    observed = site.backend.poll([str(entry.cloud_name) for entry in batch])
                except DispatchError as error:
                    self._unasked(batch, error, report)
                    continue
                self.work.progress()
                self._saw_all(site, batch, observed, report)

    def _batches(self, entries: list[Entry], report: Report) -> list[tuple[Site, list[Entry]]]:
        """The jobs of a zone that are ours to ask about, by who asks; each queue is looked up once."""
        queues: dict[str, list[Entry]] = {}
        for entry in entries:
            queues.setdefault(entry.queue, []).append(entry)
        batches: dict[int, tuple[Site, list[Entry]]] = {}
        for of_queue in queues.values():
            if not self.work.turn(self._turn(of_queue[0])):
                continue
            try:
                site = self.work.site(of_queue[0])
            except DispatchError as error:
                self._unasked(of_queue, error, report)
                continue
            batches.setdefault(id(site.backend), (site, []))[1].extend(of_queue)
        return list(batches.values())

    def _turn(self, entry: Entry) -> str:
        """The name of the turn to ask about a job, which covers no more than what its holder does ask about.

        An agent may serve one queue of a zone and not another, and sees no local jobs of other machines.
        """
        return f"poll {entry.zone} {self.work.host if entry.cloud == LOCAL else entry.queue}"

    def _unasked(self, batch: list[Entry], error: DispatchError, report: Report) -> None:
        self.work.unseen(batch, error, report)
        for turn in sorted({self._turn(entry) for entry in batch}):
            self.work.unable(turn, error)

    def _saw_all(
        self, site: Site, batch: list[Entry], observed: Mapping[str, Observation], report: Report
    ) -> None:
        quiet: list[str] = []
        answered: list[tuple[Entry, Observation | None]] = []
        for entry in batch:
            seen = observed.get(str(entry.cloud_name))
            if seen is not None and interruptions.guessed(entry, seen):
                # One old answer is no interruption, which may be the one too many: ask for this job alone.
                try:
                    seen = site.backend.adopt(str(entry.cloud_name))
                except DispatchError as error:
                    self.work.unseen([entry], error, report)
                    continue
            if seen is None:
                self._vanished(entry)
            else:
                self.saw(entry, seen, report, quiet)
            answered.append((entry, seen))
        if quiet:
            self.work.ledger.seen(quiet, self.work.now())
        # Who was not seen now is not known to wait, or to run, still.
        shown = [(entry, seen) for entry, seen in answered if seen is not None and _goes_on(entry, seen)]
        fresh = attempts.to_stop(self.work, shown)
        lost = self._lost_stops(answered)
        for entry, seen in answered:
            if entry.id in lost:
                self._cancel(entry, site, report, again=True)
            else:
                self.press_cancel(fresh.get(entry.id, entry), seen, site, report)

    def _lost_stops(self, answered: list[tuple[Entry, Observation | None]]) -> set[str]:
        """Jobs that run or wait on their cloud long after it took the wish to stop them: it has forgotten that."""
        going = [
            entry
            for entry, seen in answered
            if entry.state == State.STOPPING and _asked(entry) and seen is not None
            if seen.state is not None and not seen.state.final and seen.state is not State.STOPPING
        ]
        asked = self.work.ledger.events_of([entry.id for entry in going], State.STOPPING.value) if going else {}
        now = self.work.clock()
        return {entry.id for entry in going if now - _last(asked.get(entry.id, []), entry) >= FORGOTTEN}

    def saw(self, entry: Entry, seen: Observation, report: Report, quiet: list[str] | None = None) -> None:
        """Record an observation; a word of the cloud that our table lacks leaves the state as it is.

        An attempt whose end is not that of its submission goes back to the queue instead. Where nothing is new,
        the id is only put into `quiet`, if there is one, to be recorded with others.
        """
        ended = seen.state is not None and seen.state.final
        if ended:
            # Somebody may have had it stopped since it was read; that was committed before the cloud heard of it.
            fresh = self.work.ledger.entry(entry.id)
            if fresh is None or fresh.final or fresh.attempt != entry.attempt or fresh.state == State.QUEUED:
                return
            entry = fresh
        if attempts.ran_out(self.work, entry, seen):
            words = (
                "nobody cancelled it here, and it was seen running for as long as it may: taken for its time-out"
            )
            reason = f"{words}; {seen.reason}".rstrip("; ")
            seen = replace(seen, state=State.TIMED_OUT, reason=reason)
        interrupted = interruptions.counted(entry, seen)
        if ended:
            waited = attempts.waited(self.work, entry) if entry.spot else 0.0
            step = ending.after(entry, job_of(entry), seen, waited)
            if isinstance(step, Again):
                attempts.again(self.work, entry, seen, step, interrupted)
                return
            if step is not None:
                seen = replace(seen, state=step.state, reason=step.why, cause=step.cause)
        state = seen.state.value if seen.state is not None else entry.state
        if entry.state == State.STOPPING and seen.state is not None and not seen.state.final:
            state = State.STOPPING.value
        columns: dict[str, object] = {
            "state": state,
            "vendor_state": seen.vendor_state,
            "provider_id": seen.provider_id or entry.provider_id,
            "interruptions": interrupted,
            "last_seen_at": self.work.now(),
            "last_error": None,
            "last_error_at": None,
        }
        for name in ("created_at", "started_at"):
            # Those of the first attempt are the submission's.
            if getattr(seen, name) is not None and (entry.attempt == 1 or getattr(entry, name) is None):
                columns[name] = getattr(seen, name)
        if seen.billable_seconds is not None:
            columns["billable_seconds"] = entry.billed_before + seen.billable_seconds
        if seen.model_uri is not None:
            columns["model_uri"] = seen.model_uri
        for name in ("reason", "cause"):
            if getattr(seen, name):
                columns[name] = getattr(seen, name)
        if seen.links:
            columns["links"] = json.dumps(dict(seen.links))
        if seen.state is State.SUCCEEDED and not seen.reason:
            columns["reason"] = None  # why an earlier attempt ended
        if ended:
            columns["ended_at"] = seen.ended_at or self.work.now()
        event = None
        if state != entry.state:
            event = self.work.event(entry, state, vendor_state=seen.vendor_state, reason=columns.get("reason"))
        elif seen.state is None and seen.vendor_state != entry.vendor_state:
            event = self.work.event(entry, UNKNOWN, vendor_state=seen.vendor_state)
        elif seen.state is None:
            columns.update(self._unknown(entry, seen))
        same = all(getattr(entry, name) == value for name, value in columns.items() if name != "last_seen_at")
        if quiet is not None and event is None and same:
            quiet.append(entry.id)
            return
        if self.work.ledger.change(entry.id, columns, event, state=entry.state, attempt=entry.attempt) and ended:
            report.finished.append(entry.id)

    def _unknown(self, entry: Entry, seen: Observation) -> dict[str, object]:
        """A warning for a job that has been in a state without a row for long; nothing before that."""
        since = next((e.at for e in reversed(self.work.ledger.events(entry.id)) if e.kind == UNKNOWN), None)
        if since is None or self.work.clock() - moment(since) <= VANISHED:
            return {}
        words = f"the cloud has called the job {seen.vendor_state} since {since}, a state unknown to this release"
        return {"last_error": words, "last_error_at": self.work.now()}

    def _vanished(self, entry: Entry) -> None:
        """The cloud does not list it (yet, or any more): that is no state; say so when it lasts."""
        since = entry.last_seen_at or entry.claimed_at or entry.submitted_at
        words = f"the cloud has not listed the job since {since}"
        if self.work.clock() - moment(since) > VANISHED and entry.last_error != words:
            self.work.ledger.change(entry.id, {"last_error": words, "last_error_at": self.work.now()})

    def press_cancel(self, entry: Entry, seen: Observation | None, site: Site, report: Report) -> None:
        """A stop that was asked for, here or by somebody, but never reached the cloud is asked again."""
        ended = seen is not None and seen.state is not None and seen.state.final
        if not ended and entry.state != State.STOPPING and _asked(entry):
            self._cancel(entry, site, report)

    def _cancel(self, entry: Entry, site: Site, report: Report, *, again: bool = False) -> None:
        try:
            site.backend.cancel(str(entry.cloud_name))
        except DispatchError as error:
            self.work.unseen([entry], error, report)
            return
        why = "it was asked before, and the job goes on" if again else None
        stopping = self.work.event(entry, State.STOPPING.value, reason=why)
        self.work.ledger.change(entry.id, {"state": State.STOPPING.value}, stopping, attempt=entry.attempt)


def _asked(entry: Entry) -> bool:
    """Whether anybody here wants this attempt to stop."""
    return bool(entry.cancel_requested_at or entry.stop_reason or entry.preempted_by)


def _goes_on(entry: Entry, seen: Observation) -> bool:
    """Whether the cloud says that it waits or runs; a word that we do not know may mean that it runs by now."""
    if seen.state is None:
        return entry.state != State.PENDING
    return not seen.state.final


def _last(events: list[Event], entry: Entry) -> float:
    """When the last of some events was; one of a stop of which nothing was recorded is as old as the claim."""
    return moment(events[-1].at if events else entry.claimed_at or entry.submitted_at)
