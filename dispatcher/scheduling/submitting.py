"""Claim and send: the three steps that make a crash harmless, and taking up what a crash left behind.

The order is: commit `submitting` with the deterministic cloud name and the digest of the request; call the
cloud; commit the provider's id. Whatever is found in `submitting` later is looked up by its name before
anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dispatcher.backends.base import Request, State, Submission
from dispatcher.clock import moment, stamp
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotHereError,
    NotInstalledError,
    QuotaError,
    UnreachableError,
)
from dispatcher.ledger import Entry, Target
from dispatcher.naming import request_digest
from dispatcher.scheduling.observing import Observer
from dispatcher.scheduling.work import RELEASED, YOUNG, Report, Site, Work, target

PAUSE, PATIENCE = 5.0, 120.0
"""Seconds between tries while a role spreads, and of all tries of one call together."""

BACKOFF = (30.0, 900.0)
"""First and longest pause, in seconds, of a target that had no capacity; it doubles in between."""

SETTLED = 60.0
"""Seconds after a call in which its job may exist and not be shown yet, so that "no such job" proves nothing."""

T = TypeVar("T")

_OURS = AuthError | NotInstalledError
"""What stands in the way here and says nothing of the job: it waits for somebody who can send it."""

_LATER = _OURS | NotHereError | UnreachableError | CapacityError | QuotaError
"""What may not stand in the way of a later try, or of one on another machine."""

_PAGE = 16
"""Waiting jobs that are read at a time: the first may nearly always go."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Sends jobs of one ledger; `observer` records what an adopted job is found doing."""

    work: Work
    observer: Observer

    def submit_from(self, queue: str, report: Report) -> None:
        """Claim and send from the head of one queue until nothing more may go."""
        passed: set[str] = set()
        while (entry := self._next(queue, passed, report)) is not None:
            name = Submission(entry.id, entry.attempt, entry.slug).name
            try:
                site = self.work.site(entry)
                request = site.render(entry, Submission(entry.id, entry.attempt, entry.slug))
            except NotInstalledError as error:
                report.errors.append((error, (entry.id,)))
                return
            except DispatchError as error:
                self.work.end(entry, State.FAILED, str(error), report, error=error)
                continue
            if self._stage(entry, site, request, report):
                claimed = self.work.ledger.claim(
                    entry,
                    cloud_name=name,
                    request_digest=request_digest(request),
                    lease=self.work.lease(),
                    now=self.work.now(),
                    caps=site.caps,
                    passed=passed,
                )
                if claimed is None:
                    return
                if self._send(claimed, site, request, report):
                    continue
            passed.add(entry.id)
            error_met = report.error_of(entry.id)
            if isinstance(error_met, _OURS | UnreachableError) or getattr(error_met, "propagating", False):
                return

    def _next(self, queue: str, passed: set[str], report: Report) -> Entry | None:
        """The first job of a queue that may go now; those whose target holds back are added to `passed`."""
        now = self.work.now()
        held = {(t.zone, t.hardware, t.spot) for t in self.work.ledger.targets() if t.not_before > now}
        page = len(passed) + _PAGE
        while True:
            entries = self.work.ledger.waiting(queue, page)
            for entry in entries:
                if entry.id in passed:
                    continue
                if entry.cancel_requested_at:
                    self._withdraw(entry, report)
                    continue
                if target(entry) in held or (entry.not_before or "") > now:
                    passed.add(entry.id)
                    continue
                return entry
            if len(entries) < page:
                return None
            page *= 2

    def _stage(self, entry: Entry, site: Site, request: Request, report: Report) -> bool:
        """Put into the zone what the job goes with, before anybody claims it: a long upload holds no lease.

        False when the job stays queued, for somebody who can, or has ended because nobody ever will.
        """
        try:
            self._patiently(site, lambda: site.stage(request))
        except DispatchError as error:
            if error.propagating or isinstance(error, _LATER):
                self.work.unseen([entry], error, report)
            else:
                self.work.end(entry, State.FAILED, str(error), report, error=error)
            return False
        return True

    def _send(self, entry: Entry, site: Site, request: Request, report: Report) -> bool:
        """Make the call and record its outcome; False when the job stays queued."""
        try:
            provider_id = self._call(entry, site, request)
        except AlreadyExistsError:
            return self._adopt_own(entry, site, report)
        except DispatchError as error:
            if isinstance(error, CapacityError | QuotaError) and self._arrived_earlier(entry, site, report):
                return report.error_of(entry.id) is None
            if error.propagating or isinstance(error, _OURS | UnreachableError | CapacityError | QuotaError):
                return self._not_sent(entry, error, report)
            self.work.end(entry, State.FAILED, str(error), report, error=error)
            return True
        except BaseException:
            # Unknown outcome: whoever comes next looks the name up before sending again.
            self.work.ledger.change(entry.id, {"lease_until": self.work.now()}, token=entry.lease_token)
            raise
        self._sent(entry, provider_id, site, report)
        return True

    def _arrived_earlier(self, entry: Entry, site: Site, report: Report) -> bool:
        """True when the job is there although the cloud said "no room", or when that cannot be known.

        A client that retries by itself may have lost the answer of a first try, whose job then took the room.
        """
        try:
            return self._adopt(entry, site, report)
        except DispatchError as error:
            self._look_again(entry, error, report)
            return True

    def _call(self, entry: Entry, site: Site, request: Request) -> str:
        """Submit, and keep the claim for as long as a new role or grant is waited for."""

        def renew() -> bool:
            claim = {"claimed_at": self.work.now(), "lease_until": self.work.lease().until}
            return self.work.ledger.change(entry.id, claim, token=entry.lease_token)

        return self._patiently(site, lambda: site.backend.submit(request), renew)

    def _patiently(self, site: Site, step: Callable[[], T], renew: Callable[[], bool] = lambda: True) -> T:
        """Take a step; while the zone is young, give a new role or grant time to spread before believing a no.

        `renew` is called before each further try, and its False ends them.
        """
        waited = 0.0
        while True:
            try:
                return step()
            except DispatchError as error:
                young = self.work.clock() - site.updated_at < YOUNG
                if not (error.propagating and young and waited < PATIENCE):
                    raise
                if not waited:
                    self.work.notice(
                        f"  not yet: {error}\n  trying again for {PATIENCE:.0f} s, since the zone is new"
                    )
                self.work.sleep(PAUSE)
                waited += PAUSE
                if not renew():
                    raise

    def _sent(self, entry: Entry, provider_id: str, site: Site, report: Report) -> None:
        columns = {"state": State.PENDING.value, "provider_id": provider_id, **RELEASED}
        event = self.work.event(entry, "submitted", provider_id=provider_id, cloud_name=entry.cloud_name)
        if self.work.ledger.change(entry.id, columns, event, token=entry.lease_token):
            if self._failures(entry):
                self.work.ledger.release(*target(entry))
            report.submitted.append(entry.id)
            self._heed_cancel(entry, site, report)

    def _not_sent(self, entry: Entry, error: DispatchError, report: Report) -> bool:
        """The cloud said no, or nothing at all: decide what becomes of the job."""
        report.errors.append((error, (entry.id,)))
        kept = {"last_error": error.message, "last_error_at": self.work.now()}
        if isinstance(error, UnreachableError):
            # It may have gone through. The row stays `submitting`, free to be looked up by the next tick.
            free = {**kept, "lease_until": self.work.now()}
            self.work.ledger.change(
                entry.id, free, self.work.event(entry, "unanswered", **kept), token=entry.lease_token
            )
            return False
        others = [
            other for other in self.work.ledger.active() if other.id != entry.id and target(other) == target(entry)
        ]
        if isinstance(error, QuotaError) and not others:
            # Nothing of ours uses the quota, so nothing that ends here will free it.
            self.work.end(entry, State.FAILED, str(error), report)
            return False
        columns: dict[str, object] = {"state": State.QUEUED.value, "cloud_name": None, **kept, **RELEASED}
        self.work.ledger.change(
            entry.id, columns, self.work.event(entry, "refused", **kept), token=entry.lease_token
        )
        fresh = self.work.ledger.entry(entry.id)
        if fresh is not None and fresh.cancel_requested_at:
            self._withdraw(fresh, report)
        if isinstance(error, CapacityError | QuotaError):
            # Signing in must not be answered with a wait; what is full gets a pause that grows.
            failures = self._failures(entry) + 1
            pause = min(BACKOFF[0] * 2 ** min(failures - 1, 10), BACKOFF[1])
            until = stamp(self.work.clock() + pause)
            self.work.ledger.hold_back(Target(*target(entry), failures, until, str(kept["last_error"])))
        return False

    def _withdraw(self, entry: Entry, report: Report) -> None:
        """End a waiting job that was cancelled while it was being sent, and came back to the queue."""
        if entry.state == State.QUEUED:
            self.work.end(entry, State.CANCELLED, f"cancelled by {entry.cancelled_by}", report)

    def _failures(self, entry: Entry) -> int:
        """How often in a row this entry's target has had no room."""
        held = (t.failures for t in self.work.ledger.targets() if (t.zone, t.hardware, t.spot) == target(entry))
        return next(held, 0)

    def recover(self, entry: Entry, report: Report) -> None:
        """Take up an entry in `submitting` whose submitter is gone."""
        dead = entry.lease_owner is not None and self.work.alive(entry.lease_owner) is False
        taken = self.work.ledger.take_over(entry, self.work.lease(), self.work.now(), dead=dead)
        if taken is None:
            return
        try:
            site = self.work.site(taken)
            if not self._adopt(taken, site, report):
                self._resend(taken, site, report)
        except DispatchError as error:
            self._look_again(taken, error, report)

    def _resend(self, entry: Entry, site: Site, report: Report) -> None:
        """The cloud has no job of this name: the call never arrived, so it is made (again)."""
        called = moment(entry.claimed_at or entry.submitted_at)
        settled = max(site.backend.settle_seconds, SETTLED if entry.cancel_requested_at else 0.0)
        if self.work.clock() - called < settled:
            # It may exist and not be shown yet; nothing is sent, and the next tick looks again.
            columns: dict[str, object] = {"lease_until": self.work.now()}
            if entry.last_error is None:
                again = stamp(called + settled)
                words = f"a call of unknown outcome may have made the job: nothing is sent again before {again}"
                columns |= {"last_error": words, "last_error_at": self.work.now()}
            self.work.ledger.change(entry.id, columns, token=entry.lease_token)
            return
        if entry.cancel_requested_at:
            self.work.end(entry, State.CANCELLED, "cancelled before it was submitted", report)
            return
        try:
            request = site.render(entry, Submission(entry.id, entry.attempt, entry.slug))
        except DispatchError as error:
            self.work.end(entry, State.FAILED, str(error), report, error=error)
            return
        called_again = {"request_digest": request_digest(request), "claimed_at": self.work.now()}
        if self.work.ledger.change(entry.id, called_again, token=entry.lease_token):
            self._send(entry, site, request, report)

    def _adopt_own(self, entry: Entry, site: Site, report: Report) -> bool:
        """The name is taken, and only this submission may have taken it: an earlier call did arrive."""
        try:
            if self._adopt(entry, site, report):
                return True
            error: DispatchError = UnreachableError(f"the cloud has {entry.cloud_name} but does not show it yet")
        except DispatchError as caught:
            error = caught
        self._look_again(entry, error, report)
        return False

    def _look_again(self, entry: Entry, error: DispatchError, report: Report) -> None:
        """Leave an entry `submitting` for the next tick, with what stood in the way."""
        self.work.unseen([entry], error, report)
        self.work.ledger.change(entry.id, {"lease_until": self.work.now()}, token=entry.lease_token)

    def _adopt(self, entry: Entry, site: Site, report: Report) -> bool:
        """Take up a job that is on the cloud already; False when the cloud has none of this name."""
        seen = site.backend.adopt(str(entry.cloud_name))
        if seen is None:
            return False
        columns = {"state": State.PENDING.value, "provider_id": seen.provider_id, **RELEASED}
        event = self.work.event(entry, "adopted", provider_id=seen.provider_id, cloud_name=entry.cloud_name)
        if self.work.ledger.change(entry.id, columns, event, token=entry.lease_token):
            report.submitted.append(entry.id)
            fresh = self.work.ledger.entry(entry.id)
            if fresh is not None:
                self.observer.saw(fresh, seen, report)
            self._heed_cancel(entry, site, report)
        return True

    def _heed_cancel(self, entry: Entry, site: Site, report: Report) -> None:
        """Carry out a cancel that came while the job was on its way and could reach nothing; now it can."""
        fresh = self.work.ledger.entry(entry.id)
        if fresh is not None and not fresh.final:
            self.observer.press_cancel(fresh, None, site, report)
