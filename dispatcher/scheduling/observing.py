"""Observe what runs: one batch per zone, states only from the cloud, and not reaching it changes none."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace

from dispatcher.backends.base import Observation, State
from dispatcher.clock import moment
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling import interruptions
from dispatcher.scheduling.interruptions import Again, Over
from dispatcher.scheduling.work import RELEASED, Report, Site, Work
from dispatcher.sites import job_of

VANISHED = 3600.0
"""Seconds after which a job that the cloud does not list, or lists in a state we do not know, gets a warning."""

_OF_AN_ATTEMPT = (
    "cloud_name", "provider_id", "request_digest", "vendor_state", "cause", "links",
    "last_seen_at", "last_error", "last_error_at", "not_before", "stop_reason",
)  # fmt: skip
"""Columns of an entry that say something of one attempt only."""

_PRICE = ("unit_price", "currency", "price_source", "price_as_of")

UNKNOWN = "unknown state"
"""Kind of the event that marks when the cloud began to use a word that no table has."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at jobs of one ledger on their clouds."""

    work: Work

    def observe(self, entries: list[Entry], report: Report) -> None:
        """Poll many jobs in as few calls as possible: one batch per zone and identity."""
        batches: dict[int, tuple[Site, list[Entry]]] = {}
        for entry in entries:
            try:
                site = self.work.site(entry)
            except DispatchError as error:
                self.work.unseen([entry], error, report)
                continue
            batches.setdefault(id(site.backend), (site, []))[1].append(entry)
        for site, batch in batches.values():
            names = [str(entry.cloud_name) for entry in batch]
            try:
                observed = site.backend.poll(names)
            except DispatchError as error:
                self.work.unseen(batch, error, report)
                continue
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
                    self.saw(entry, seen, report)
                if entry.spot:
                    entry = self._to_stop(entry)
                self.press_cancel(entry, seen, site, report)

    def saw(self, entry: Entry, seen: Observation, report: Report) -> None:
        """Record an observation; a word of the cloud that our table lacks leaves the state as it is.

        An attempt whose end is not that of its submission goes back to the queue instead.
        """
        if self._ran_out(entry, seen):
            words = (
                "nobody cancelled it here, and it was seen running for as long as it may: taken for its time-out"
            )
            reason = f"{words}; {seen.reason}".rstrip("; ")
            seen = replace(seen, state=State.TIMED_OUT, reason=reason)
        interrupted = interruptions.counted(entry, seen)
        if seen.state is not None and seen.state.final and entry.spot:
            step = interruptions.after(entry, job_of(entry), seen, self._waited(entry))
            if isinstance(step, Again):
                self._again(entry, seen, step, interrupted)
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
        ended = seen.state is not None and seen.state.final
        if ended:
            columns["ended_at"] = seen.ended_at or self.work.now()
        event = None
        if state != entry.state:
            event = self.work.event(entry, state, vendor_state=seen.vendor_state, reason=columns.get("reason"))
        elif seen.state is None and seen.vendor_state != entry.vendor_state:
            event = self.work.event(entry, UNKNOWN, vendor_state=seen.vendor_state)
        elif seen.state is None:
            columns.update(self._unknown(entry, seen))
        if self.work.ledger.change(entry.id, columns, event, attempt=entry.attempt) and ended:
            report.finished.append(entry.id)

    def _again(self, entry: Entry, seen: Observation, step: Again, interrupted: int) -> None:
        """Put a submission back into the queue for its next attempt, which keeps its place there."""
        billed = entry.billed_before + (seen.billable_seconds or 0)
        why = step.why
        columns: dict[str, object] = {
            "state": State.QUEUED.value,
            "attempt": entry.attempt + 1,
            "spot": int(step.spot),
            "interruptions": interrupted,
            "interruptions_before": interrupted,
            "billable_seconds": billed,
            "billed_before": billed,
            "reason": why,
            **dict.fromkeys(_OF_AN_ATTEMPT),
            **RELEASED,
        }
        for name in ("created_at", "started_at"):
            if getattr(entry, name) is None:
                columns[name] = getattr(seen, name)
        told: dict[str, object] = {"reason": why, "next": "spot" if step.spot else "on demand", "billed": billed}
        if not step.spot:
            # What was paid until now; what the rest costs is not known here, and none is better than a wrong one.
            told |= {name: getattr(entry, name) for name in _PRICE}
            columns |= dict.fromkeys(_PRICE)
        event = self.work.event(entry, "interrupted", vendor_state=seen.vendor_state, **told)
        self.work.ledger.change(entry.id, columns, event, state=entry.state, attempt=entry.attempt)

    def _to_stop(self, entry: Entry) -> Entry:
        """Note why a spot job that has waited or been interrupted too much is to be stopped; it may have ended."""
        fresh = self.work.ledger.entry(entry.id) or entry
        if fresh.final or fresh.attempt != entry.attempt:
            return entry
        why = interruptions.to_stop(fresh, job_of(fresh), self._waited(fresh))
        if why is not None:
            event = self.work.event(fresh, "giving up on spot", reason=why)
            self.work.ledger.change(fresh.id, {"stop_reason": why}, event, attempt=fresh.attempt)
        return self.work.ledger.entry(entry.id) or entry

    def judge_waiting(self, queues: Collection[str] | None, report: Report) -> None:
        """End spot jobs whose next attempt has been in a queue for too long, or let it go on demand."""
        for entry in self.work.ledger.waiting_again():
            if queues is not None and entry.queue not in queues:
                continue
            step = interruptions.waited_out(entry, job_of(entry), self._waited(entry))
            if isinstance(step, Over):
                self.work.end(entry, step.state, step.why, report, cause=step.cause)
            elif step is not None:
                prices = {name: getattr(entry, name) for name in _PRICE}
                event = self.work.event(entry, "giving up on spot", reason=step.why, next="on demand", **prices)
                columns = {"spot": 0, "reason": step.why, "not_before": None, **dict.fromkeys(_PRICE)}
                self.work.ledger.change(entry.id, columns, event, state=State.QUEUED, attempt=entry.attempt)

    def _waited(self, entry: Entry) -> float:
        """Seconds since the first attempt of a submission was sent."""
        first = next((e.at for e in self.work.ledger.events(entry.id) if e.kind == "claimed"), entry.submitted_at)
        return self.work.clock() - moment(first)

    def _ran_out(self, entry: Entry, seen: Observation) -> bool:
        """Whether a job that was cancelled out of our sight had been running for its limit, as far as we know."""
        if not seen.times_unknown or seen.state is not State.CANCELLED or entry.cancel_requested_at:
            return False
        since = next((e.at for e in self.work.ledger.events(entry.id) if _began(e, entry.attempt)), None)
        limit = interruptions.run_left(entry)
        return since is not None and 0 < limit <= self.work.clock() - moment(since)

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
        if self.work.clock() - moment(since) > VANISHED:
            words = f"the cloud has not listed the job since {since}"
            self.work.ledger.change(entry.id, {"last_error": words, "last_error_at": self.work.now()})

    def press_cancel(self, entry: Entry, seen: Observation | None, site: Site, report: Report) -> None:
        """A stop that was asked for, here or by somebody, but never reached the cloud is asked again."""
        ended = seen is not None and seen.state is not None and seen.state.final
        asked = entry.cancel_requested_at or entry.stop_reason
        if not asked or entry.state == State.STOPPING or ended:
            return
        try:
            site.backend.cancel(str(entry.cloud_name))
        except DispatchError as error:
            self.work.unseen([entry], error, report)
            return
        stopping = self.work.event(entry, "stopping")
        self.work.ledger.change(entry.id, {"state": State.STOPPING.value}, stopping, attempt=entry.attempt)


def _began(event: Event, attempt: int) -> bool:
    return event.kind == State.RUNNING.value and json.loads(event.data).get("attempt") == attempt
