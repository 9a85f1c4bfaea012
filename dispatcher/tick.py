"""One scheduling tick over one ledger: adopt what a crash left behind, observe what runs, submit what may go.

Crash safety is the order of three steps: commit `submitting` with the deterministic cloud name and the digest
of the request; call the cloud; commit the provider's id. Whatever is found in `submitting` later is looked up
by its name before anything is sent again. Not reaching a cloud changes no state: the error is kept beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dispatcher.backends.base import Backend, Observation, Request, State, Submission
from dispatcher.clock import Clock, Sleep, moment, stamp
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    QuotaError,
    UnreachableError,
)
from dispatcher.ledger import Caps, Entry, Event, Lease, Ledger, Target
from dispatcher.naming import request_digest

LEASE = 300.0
"""Seconds a submitter has for its call; after that another may look the job up by name and go on."""

YOUNG = 300.0
"""Seconds after `contract.updated_at` in which a role that cannot be assumed may simply not have spread yet."""

PAUSE, PATIENCE = 5.0, 120.0
"""Seconds between tries while a role spreads, and of all tries of one call together."""

BACKOFF = (30.0, 900.0)
"""First and longest pause, in seconds, of a target that had no capacity; it doubles in between."""

VANISHED = 3600.0
"""Seconds after which a job that the cloud does not list is worth a warning."""


@dataclass(frozen=True, slots=True)
class Site:
    """All that is needed to submit from one queue: who renders and sends, and the caps of the queue.

    `render` turns an entry into its request; `updated_at` is when the zone was last changed (epoch seconds).
    """

    backend: Backend
    render: Callable[[Entry, Submission], Request]
    caps: Caps
    updated_at: float = 0.0


@dataclass(slots=True)
class Report:
    """What a tick did: ids submitted and finished, and the errors met, each with the ids it concerns."""

    submitted: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    errors: list[tuple[DispatchError, tuple[str, ...]]] = field(default_factory=list)

    def error_of(self, id: str) -> DispatchError | None:
        """The error that concerned one submission."""
        return next((error for error, ids in self.errors if id in ids), None)


@dataclass(frozen=True, slots=True)
class Ticker:
    """A scheduler on one ledger. `site` opens a queue's cloud (lazily); `owner` names this process; `token`
    makes lease tokens; `alive` says whether another owner's process still runs (None: cannot be known)."""

    ledger: Ledger
    site: Callable[[Entry], Site]
    clock: Clock
    sleep: Sleep
    owner: str
    token: Callable[[], str]
    alive: Callable[[str], bool | None]
    clean: Callable[[str], str]

    def tick(self, *, queues: Iterable[str] | None = None, observe: bool = True) -> Report:
        """Run one tick, for some queues or all; without `observe`, what runs is not looked at."""
        report = Report()
        self.ledger.remember("last_tick_at", stamp(self.clock()))
        active = self.ledger.active()
        wanted = None if queues is None else frozenset(queues)
        for entry in active:
            if entry.state == State.SUBMITTING and (wanted is None or entry.queue in wanted):
                self._recover(entry, report)
        if observe:
            self._observe([entry for entry in active if entry.state != State.SUBMITTING], report)
        waiting = sorted({entry.queue for entry in self.ledger.waiting(None)})
        for queue in waiting:
            if wanted is None or queue in wanted:
                self._submit_from(queue, report)
        return report

    def press(self, entry: Entry) -> Report:
        """Carry out the cancel that an entry asks for; one whose fate is unknown is looked up first."""
        report = Report()
        if entry.state == State.SUBMITTING:
            self._recover(entry, report)
            entry = self.ledger.entry(entry.id) or entry
        if not entry.final and entry.cloud_name and entry.state not in (State.QUEUED, State.SUBMITTING):
            try:
                site = self.site(entry)
            except DispatchError as error:
                self._unseen([entry], error, report)
            else:
                self._press_cancel(entry, None, site, report)
        return report

    def observe(self, entries: list[Entry]) -> Report:
        """Look at some jobs only."""
        report = Report()
        self._observe([entry for entry in entries if entry.cloud_name and not entry.final], report)
        return report

    # Submitting

    def _submit_from(self, queue: str, report: Report) -> None:
        """Claim and send from the head of one queue until nothing more may go."""
        passed: set[str] = set()
        while (entry := self._next(queue, passed)) is not None:
            name = Submission(entry.id, entry.attempt, entry.slug).name
            try:
                site = self.site(entry)
                request = site.render(entry, Submission(entry.id, entry.attempt, entry.slug))
            except DispatchError as error:
                self._end(entry, State.FAILED, str(error), report, error=error)
                continue
            claimed = self.ledger.claim(
                entry,
                cloud_name=name,
                request_digest=request_digest(request),
                lease=self._lease(),
                now=self._now(),
                caps=site.caps,
                passed=passed,
            )
            if claimed is None:
                return
            if not self._send(claimed, site, request, report):
                passed.add(entry.id)
                if isinstance(report.error_of(entry.id), AuthError | UnreachableError):
                    return

    def _next(self, queue: str, passed: set[str]) -> Entry | None:
        """The first job of a queue that may go now; those whose target holds back are added to `passed`."""
        now = self._now()
        held = {(t.zone, t.hardware, t.spot) for t in self.ledger.targets() if t.not_before > now}
        for entry in self.ledger.waiting(queue):
            if entry.id in passed:
                continue
            if (entry.zone, entry.hardware, entry.spot) in held or (entry.not_before or "") > now:
                passed.add(entry.id)
                continue
            return entry
        return None

    def _send(self, entry: Entry, site: Site, request: Request, report: Report) -> bool:
        """Make the call and record its outcome; False when the job stays queued."""
        try:
            provider_id = self._call(site, request)
        except AlreadyExistsError:
            return self._adopt(entry, site, report)
        except (UnreachableError, AuthError, CapacityError, QuotaError) as error:
            return self._not_sent(entry, error, report)
        except DispatchError as error:
            self._end(entry, State.FAILED, str(error), report, error=error)
            return True
        except BaseException:
            # Unknown outcome: whoever comes next looks the name up before sending again.
            self.ledger.change(entry.id, {"lease_until": self._now()}, token=entry.lease_token)
            raise
        self._sent(entry, provider_id, report)
        return True

    def _call(self, site: Site, request: Request) -> str:
        """Submit; while the zone is young, give a new role or grant time to spread before believing a refusal."""
        waited = 0.0
        while True:
            try:
                return site.backend.submit(request)
            except AuthError as error:
                young = self.clock() - site.updated_at < YOUNG
                if not (error.propagating and young and waited < PATIENCE):
                    raise
                self.sleep(PAUSE)
                waited += PAUSE

    def _sent(self, entry: Entry, provider_id: str, report: Report) -> None:
        columns = {"state": State.PENDING.value, "provider_id": provider_id, **_RELEASED}
        event = self._event(entry, "submitted", provider_id=provider_id, cloud_name=entry.cloud_name)
        if self.ledger.change(entry.id, columns, event, token=entry.lease_token):
            if self._failures(entry):
                self.ledger.release(*_target(entry))
            report.submitted.append(entry.id)

    def _not_sent(self, entry: Entry, error: DispatchError, report: Report) -> bool:
        """The cloud said no, or nothing at all: decide what becomes of the job."""
        report.errors.append((error, (entry.id,)))
        kept = {"last_error": self.clean(error.message), "last_error_at": self._now()}
        if isinstance(error, UnreachableError):
            # It may have gone through. The row stays `submitting`, free to be looked up by the next tick.
            free = {**kept, "lease_until": self._now()}
            self.ledger.change(
                entry.id, free, self._event(entry, "unanswered", **kept), token=entry.lease_token
            )
            return False
        others = [
            other for other in self.ledger.active() if other.id != entry.id and _target(other) == _target(entry)
        ]
        if isinstance(error, QuotaError) and not others:
            # Nothing of ours uses the quota, so nothing that ends here will free it.
            self._end(entry, State.FAILED, str(error), report)
            return False
        columns: dict[str, object] = {"state": State.QUEUED.value, "cloud_name": None, **kept, **_RELEASED}
        self.ledger.change(entry.id, columns, self._event(entry, "refused", **kept), token=entry.lease_token)
        if not isinstance(error, AuthError):
            # Signing in must not be answered with a wait; what is full gets a pause that grows.
            failures = self._failures(entry) + 1
            pause = min(BACKOFF[0] * 2 ** min(failures - 1, 10), BACKOFF[1])
            until = stamp(self.clock() + pause)
            self.ledger.hold_back(Target(*_target(entry), failures, until, str(kept["last_error"])))
        return False

    def _failures(self, entry: Entry) -> int:
        """How often in a row this entry's target has had no room."""
        held = (t.failures for t in self.ledger.targets() if (t.zone, t.hardware, t.spot) == _target(entry))
        return next(held, 0)

    # After a crash, or an answer that never came

    def _recover(self, entry: Entry, report: Report) -> None:
        dead = entry.lease_owner is not None and self.alive(entry.lease_owner) is False
        taken = self.ledger.take_over(entry, self._lease(), self._now(), dead=dead)
        if taken is None:
            return
        try:
            site = self.site(taken)
            if not self._adopt(taken, site, report):
                self._resend(taken, site, report)
        except DispatchError as error:
            self._unseen([taken], error, report)
            self.ledger.change(taken.id, {"lease_until": self._now()}, token=taken.lease_token)

    def _resend(self, entry: Entry, site: Site, report: Report) -> None:
        """The cloud has no job of this name: the call never arrived, so it is made (again)."""
        if entry.cancel_requested_at:
            self._end(entry, State.CANCELLED, "cancelled before it was submitted", report)
            return
        try:
            request = site.render(entry, Submission(entry.id, entry.attempt, entry.slug))
        except DispatchError as error:
            self._end(entry, State.FAILED, str(error), report, error=error)
            return
        self.ledger.change(entry.id, {"request_digest": request_digest(request)}, token=entry.lease_token)
        self._send(entry, site, request, report)

    def _adopt(self, entry: Entry, site: Site, report: Report) -> bool:
        """Take up a job that is on the cloud already; False when the cloud has none of this name."""
        seen = site.backend.adopt(str(entry.cloud_name))
        if seen is None:
            return False
        columns = {"state": State.PENDING.value, "provider_id": seen.provider_id, **_RELEASED}
        event = self._event(entry, "adopted", provider_id=seen.provider_id, cloud_name=entry.cloud_name)
        if self.ledger.change(entry.id, columns, event, token=entry.lease_token):
            report.submitted.append(entry.id)
            fresh = self.ledger.entry(entry.id)
            if fresh is not None:
                self._saw(fresh, seen, report)
        return True

    # Observing

    def _observe(self, entries: list[Entry], report: Report) -> None:
        """Poll many jobs in as few calls as possible: one batch per zone and identity."""
        batches: dict[int, tuple[Site, list[Entry]]] = {}
        for entry in entries:
            try:
                site = self.site(entry)
            except DispatchError as error:
                self._unseen([entry], error, report)
                continue
            batches.setdefault(id(site.backend), (site, []))[1].append(entry)
        for site, batch in batches.values():
            names = [str(entry.cloud_name) for entry in batch]
            try:
                observed = site.backend.poll(names)
            except DispatchError as error:
                self._unseen(batch, error, report)
                continue
            for entry in batch:
                seen = observed.get(str(entry.cloud_name))
                if seen is None:
                    self._vanished(entry)
                else:
                    self._saw(entry, seen, report)
                self._press_cancel(entry, seen, site, report)

    def _saw(self, entry: Entry, seen: Observation, report: Report) -> None:
        """Record an observation; a word of the cloud that our table lacks leaves the state as it is."""
        state = seen.state.value if seen.state is not None else entry.state
        if entry.cancel_requested_at and seen.state is not None and not seen.state.final:
            state = State.STOPPING.value
        columns: dict[str, object] = {
            "state": state,
            "vendor_state": seen.vendor_state,
            "provider_id": seen.provider_id or entry.provider_id,
            "interruptions": max(entry.interruptions, seen.interruptions),
            "last_seen_at": self._now(),
            "last_error": None,
            "last_error_at": None,
        }
        for name in ("created_at", "started_at", "billable_seconds", "model_uri"):
            if getattr(seen, name) is not None:
                columns[name] = getattr(seen, name)
        for name in ("reason", "cause"):
            if getattr(seen, name):
                columns[name] = self.clean(getattr(seen, name))
        if seen.links:
            columns["links"] = json.dumps(dict(seen.links))
        ended = seen.state is not None and seen.state.final
        if ended:
            columns["ended_at"] = seen.ended_at or self._now()
        changed = state != entry.state
        event = (
            self._event(entry, state, vendor_state=seen.vendor_state, reason=columns.get("reason"))
            if changed
            else None
        )
        if self.ledger.change(entry.id, columns, event) and ended:
            report.finished.append(entry.id)

    def _vanished(self, entry: Entry) -> None:
        """The cloud does not list it (yet, or any more): that is no state; say so when it lasts."""
        since = entry.last_seen_at or entry.claimed_at or entry.submitted_at
        if self.clock() - moment(since) > VANISHED:
            words = f"the cloud has not listed the job since {since}"
            self.ledger.change(entry.id, {"last_error": words, "last_error_at": self._now()})

    def _unseen(self, entries: list[Entry], error: DispatchError, report: Report) -> None:
        report.errors.append((error, tuple(entry.id for entry in entries)))
        for entry in entries:
            columns = {"last_error": self.clean(error.message), "last_error_at": self._now()}
            self.ledger.change(entry.id, columns)

    def _press_cancel(self, entry: Entry, seen: Observation | None, site: Site, report: Report) -> None:
        """A cancel that was asked for but never reached the cloud is asked again."""
        ended = seen is not None and seen.state is not None and seen.state.final
        if not entry.cancel_requested_at or entry.state == State.STOPPING or ended:
            return
        try:
            site.backend.cancel(str(entry.cloud_name))
        except DispatchError as error:
            self._unseen([entry], error, report)
            return
        self.ledger.change(entry.id, {"state": State.STOPPING.value}, self._event(entry, "stopping"))

    # Small change

    def _end(
        self, entry: Entry, state: State, reason: str, report: Report, *, error: DispatchError | None = None
    ) -> None:
        columns = {"state": state.value, "reason": self.clean(reason), "ended_at": self._now(), **_RELEASED}
        if error is not None:
            report.errors.append((error, (entry.id,)))
        if self.ledger.change(entry.id, columns, self._event(entry, state.value, reason=self.clean(reason))):
            report.finished.append(entry.id)

    def _lease(self) -> Lease:
        return Lease(self.token(), self.owner, stamp(self.clock() + LEASE))

    def _now(self) -> str:
        return stamp(self.clock())

    def _event(self, entry: Entry, kind: str, **data: object) -> Event:
        given = {name: value for name, value in data.items() if value}
        return Event(entry.id, self._now(), kind, self.owner, json.dumps({"attempt": entry.attempt, **given}))


_RELEASED: dict[str, object] = {"lease_token": None, "lease_owner": None, "lease_until": None}


def _target(entry: Entry) -> tuple[str, str, int]:
    return (entry.zone, entry.hardware, entry.spot)
