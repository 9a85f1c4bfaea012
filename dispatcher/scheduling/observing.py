"""Observe what runs: one batch per zone, states only from the cloud, and not reaching it changes none."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from dispatcher.backends.base import Observation, State
from dispatcher.clock import moment
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling.work import Report, Site, Work

VANISHED = 3600.0
"""Seconds after which a job that the cloud does not list, or lists in a state we do not know, gets a warning."""

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
                if seen is None:
                    self._vanished(entry)
                else:
                    self.saw(entry, seen, report)
                self.press_cancel(entry, seen, site, report)

    def saw(self, entry: Entry, seen: Observation, report: Report) -> None:
        """Record an observation; a word of the cloud that our table lacks leaves the state as it is."""
        if self._ran_out(entry, seen):
            words = (
                "nobody cancelled it here, and it was seen running for as long as it may: taken for its time-out"
            )
            reason = f"{words}; {seen.reason}".rstrip("; ")
            seen = replace(seen, state=State.TIMED_OUT, reason=reason)
        state = seen.state.value if seen.state is not None else entry.state
        if entry.state == State.STOPPING and seen.state is not None and not seen.state.final:
            state = State.STOPPING.value
        columns: dict[str, object] = {
            "state": state,
            "vendor_state": seen.vendor_state,
            "provider_id": seen.provider_id or entry.provider_id,
            "interruptions": max(entry.interruptions, seen.interruptions),
            "last_seen_at": self.work.now(),
            "last_error": None,
            "last_error_at": None,
        }
        for name in ("created_at", "started_at", "billable_seconds", "model_uri"):
            if getattr(seen, name) is not None:
                columns[name] = getattr(seen, name)
        for name in ("reason", "cause"):
            if getattr(seen, name):
                columns[name] = self.work.clean(getattr(seen, name))
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
        if self.work.ledger.change(entry.id, columns, event) and ended:
            report.finished.append(entry.id)

    def _ran_out(self, entry: Entry, seen: Observation) -> bool:
        """Whether a job that was cancelled out of our sight had been running for its limit, as far as we know."""
        if not seen.times_unknown or seen.state is not State.CANCELLED or entry.cancel_requested_at:
            return False
        since = next((e.at for e in self.work.ledger.events(entry.id) if _began(e, entry.attempt)), None)
        return since is not None and 0 < entry.max_runtime <= self.work.clock() - moment(since)

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
        """A cancel that was asked for but never reached the cloud is asked again."""
        ended = seen is not None and seen.state is not None and seen.state.final
        if not entry.cancel_requested_at or entry.state == State.STOPPING or ended:
            return
        try:
            site.backend.cancel(str(entry.cloud_name))
        except DispatchError as error:
            self.work.unseen([entry], error, report)
            return
        self.work.ledger.change(entry.id, {"state": State.STOPPING.value}, self.work.event(entry, "stopping"))


def _began(event: Event, attempt: int) -> bool:
    return event.kind == State.RUNNING.value and json.loads(event.data).get("attempt") == attempt
