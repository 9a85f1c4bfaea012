"""Claim and send: the three steps that make a crash harmless, and taking up what a crash left behind.

The order is: commit `submitting` with the deterministic cloud name, and the digest of the request once it is
known; call the cloud; commit the provider's id. Whatever is found in `submitting` later is looked up by its name
before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from dispatcher.backends.base import Request, State
from dispatcher.clock import moment, stamp
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    NotHereError,
    NotInstalledError,
    PolicyRefusal,
    QuotaError,
    SpecError,
    UnreachableError,
    UsageError,
)
from dispatcher.ledger import Caps, Entry, Event
from dispatcher.naming import request_digest
from dispatcher.scheduling import admission, preempting, refusals, unexpected
from dispatcher.scheduling.holding import held, kept
from dispatcher.scheduling.observing import Observer
from dispatcher.scheduling.work import RELEASED, YOUNG, Report, Site, Work
from dispatcher.sites import LOCAL, attempt

PAUSE, PATIENCE = 5.0, 120.0
"""Seconds between tries while a role spreads, and of all tries of one call together."""

SETTLED = 60.0
"""Seconds after a call in which its job may exist and not be shown yet, so that "no such job" proves nothing."""

T = TypeVar("T")

_OURS = AuthError | NotInstalledError
"""What stands in the way here and says nothing of the job: it waits for somebody who can send it."""

_LATER = _OURS | NotHereError | UnreachableError | CapacityError | QuotaError
"""What may not stand in the way of a later try, or of one on another machine."""

_NEVER = NotFoundError | SpecError | PolicyRefusal | UsageError
"""What no later try will find otherwise: a queue or zone that is gone, a rule."""

ELSEWHERE = 900.0
"""Seconds until a process tries a job again whose code it does not have: somebody else may have put it there."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Sends jobs of one ledger in one round; `observer` records what an adopted job is found doing.

    A zone that did not answer is not asked again in the round, and nothing more is claimed for it.
    """

    work: Work
    observer: Observer
    _quiet: set[str] = field(default_factory=set)

    def submit_from(self, queue: str, report: Report, more: Callable[[], bool] = lambda: True) -> None:
        """Claim and send from the head of one queue until nothing more may go, or there is no `more` time."""
        skip = {id for _, ids in report.errors for id in ids} | report.held
        while not self.work.stopping() and more() and (claimed := self._claim(queue, skip, report)) is not None:
            entry, site = claimed
            done = False
            with kept(self.work, entry), unexpected.sending(self.work, entry, report):
                done = self._begin(entry, site, report)
            self.work.progress()
            if done:
                continue
            skip.add(entry.id)
            met = report.error_of(entry.id)
            if isinstance(met, _OURS | UnreachableError) or getattr(met, "propagating", False):
                return

    def _claim(self, queue: str, skip: set[str], report: Report) -> tuple[Entry, Site] | None:
        """The first job of a queue that may go now, claimed; None when there is none, or no way to send it."""
        while True:
            host = self.work.host if queue == LOCAL and self.work.ledger.shareable else None
            now, takes = self.work.now(), self.work.takes
            first = self.work.ledger.head(queue, now=now, takes=takes, skip=skip, host=host)
            if first is None:
                return None
            try:
                site = self.work.site(first)
            except DispatchError as error:
                if isinstance(error, NotInstalledError) or not isinstance(error, _NEVER):
                    # It says nothing of the job: a ledger that does not answer for a moment, too, is met here.
                    report.errors.append((error, (first.id,)))
                    return None
                self.work.end(first, State.FAILED, str(error), report, error=error)
                continue
            clock = self.work.clock()
            if first.zone in self._quiet or site.silence.lasts(first.zone, clock):
                return None
            skip |= {id for id, until in site.elsewhere.items() if until > clock}
            entry = self.work.ledger.claim(
                queue,
                lease=self.work.lease(),
                now=now,
                caps=site.caps,
                takes=takes,
                skip=skip,
                ageing=site.ageing,
                host=host,
            )
            if entry is not None:
                return entry, site
            if site.caps == Caps() or any(row.paused for row in self.work.ledger.queues() if row.name == queue):
                return None
            # The first of all is who the room is kept for, though it may be of a type that others send.
            head = self.work.ledger.head(queue, now=now, skip=skip, ageing=site.ageing, host=host)
            if head is None:
                return None
            try:
                admission.check_nodes(queue, head.nodes, site.caps.nodes)
            except DispatchError as error:
                # The queue has shrunk since: it would wait for ever, and all others behind it.
                self.work.end(head, State.FAILED, str(error), report, error=error)
                continue
            preempting.make_room(self.work, self.observer, site.caps, head, report)
            return None

    def _begin(self, entry: Entry, site: Site, report: Report) -> bool:
        """Render, stage and send a claimed job; False when it is queued again, or nobody knows yet."""
        try:
            request = site.render(entry, attempt(entry))
        except NotInstalledError as error:
            self._give_back(entry, error, report)
            return False
        except DispatchError as error:
            self.work.end(entry, State.FAILED, str(error), report, error=error)
            return True
        return self._stage(entry, site, request, report) and self._record_and_send(entry, site, request, report)

    def _stage(self, entry: Entry, site: Site, request: Request, report: Report) -> bool:
        """Put into the zone what the job goes with.

        False when the job is queued again, for somebody who can, or has ended because nobody ever will.
        """
        try:
            self._patiently(site, lambda: site.stage(request), lambda: self._renew(entry))
        except DispatchError as error:
            self._heard(entry, site, error)
            if error.propagating or isinstance(error, _LATER):
                self._give_back(entry, error, report)
                if isinstance(error, NotHereError):
                    site.elsewhere[entry.id] = self.work.clock() + ELSEWHERE
            else:
                self.work.end(entry, State.FAILED, str(error), report, error=error)
            return False
        return True

    def _give_back(self, entry: Entry, error: DispatchError, report: Report) -> None:
        """Queue a claimed job again that was not sent, with what stood in the way here."""
        report.errors.append((error, (entry.id,)))
        kept = {"last_error": error.message, "last_error_at": self.work.now()}
        self._requeue(entry, self.work.event(entry, "given back", **kept), kept, report)

    def _requeue(self, entry: Entry, event: Event, columns: Mapping[str, object], report: Report) -> None:
        """Put a claimed job back where it was; if it was cancelled meanwhile, that is its end."""
        queued = {"state": State.QUEUED.value, "cloud_name": None, "request_digest": None, **RELEASED}
        self.work.ledger.change(entry.id, {**queued, **columns}, event, token=entry.lease_token)
        fresh = self.work.ledger.entry(entry.id)
        if fresh is not None and fresh.state == State.QUEUED and fresh.cancel_requested_at:
            self.work.end(fresh, State.CANCELLED, f"cancelled by {fresh.cancelled_by}", report)

    def _record_and_send(self, entry: Entry, site: Site, request: Request, report: Report) -> bool:
        """Commit what is about to be called, if the claim still holds; then call."""
        called = {"request_digest": request_digest(request), "claimed_at": self.work.now()}
        called["lease_until"] = self.work.lease().until
        if not self.work.ledger.change(entry.id, called, token=entry.lease_token):
            return False
        return self._send(entry, site, request, report)

    def withdraw(self, queues: Collection[str] | None, report: Report) -> None:
        """End waiting jobs that were cancelled while they were being sent, and came back to the queue."""
        for entry in self.work.ledger.withdrawn():
            if queues is None or entry.queue in queues:
                self.work.end(entry, State.CANCELLED, f"cancelled by {entry.cancelled_by}", report)

    def _send(self, entry: Entry, site: Site, request: Request, report: Report) -> bool:
        """Make the call and record its outcome; False when the job stays queued."""
        try:
            provider_id = self._call(entry, site, request)
        except AlreadyExistsError:
            return self._adopt_own(entry, site, report)
        except DispatchError as error:
            self._heard(entry, site, error)
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
        site.silence.broken(entry.zone)
        self._sent(entry, provider_id, site, report)
        return True

    def _heard(self, entry: Entry, site: Site, error: DispatchError) -> None:
        """Note whether a zone that did not do what it was asked to has answered at all."""
        if isinstance(error, UnreachableError):
            self._quiet.add(entry.zone)
            site.silence.met(entry.zone, self.work.clock())
        else:
            site.silence.broken(entry.zone)

    def _left_alone(self, entry: Entry) -> bool:
        """Whether the zone of an entry did not answer in this round, or again and again before."""
        if entry.zone in self._quiet:
            return True
        try:
            return self.work.site(entry).silence.lasts(entry.zone, self.work.clock())
        except DispatchError:
            return False  # whoever takes it up meets and reports it

    def _arrived_earlier(self, entry: Entry, site: Site, report: Report) -> bool:
        """True when the job is there although the cloud said "no room", or when that cannot be known.

        A client that retries by itself may have lost the answer of a first try, whose job then took the room.
        """
        try:
            return self._adopt(entry, site, report)
        except DispatchError as error:
            self._heard(entry, site, error)
            self._look_again(entry, error, report)
            return True

    def _call(self, entry: Entry, site: Site, request: Request) -> str:
        """Submit, and keep the claim for as long as a new role or grant is waited for."""
        return self._patiently(site, lambda: site.backend.submit(request), lambda: self._renew(entry))

    def _renew(self, entry: Entry) -> bool:
        claim = {"claimed_at": self.work.now(), "lease_until": self.work.lease().until}
        return self.work.ledger.change(entry.id, claim, token=entry.lease_token)

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
                if not (error.propagating and young and waited < PATIENCE) or self.work.stopping():
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
            refusals.release(self.work, entry)
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
        if refusals.hopeless(self.work, entry, error):
            self.work.end(entry, State.FAILED, str(error), report)
            return False
        self._requeue(entry, self.work.event(entry, "refused", **kept), kept, report)
        # Signing in must not be answered with a wait; what is full gets a pause that grows.
        refusals.hold_back(self.work, entry, error)
        return False

    def recover(self, entry: Entry, report: Report) -> None:
        """Take up an entry in `submitting` whose submitter is gone."""
        dead = entry.lease_owner is not None and self.work.alive(entry.lease_owner) is False
        # Its own process, and no step at work: one that died over a database that went away left it behind.
        dead = dead or (entry.lease_owner == self.work.owner and not held(entry.lease_token))
        ran_out = entry.lease_until is None or entry.lease_until <= self.work.now()
        if not (dead or (ran_out and self.work.sure())) or self._left_alone(entry):
            return
        taken = self.work.ledger.take_over(entry, self.work.lease(), self.work.now(), dead=dead)
        if taken is None:
            return
        with kept(self.work, taken):
            site = None
            try:
                site = self.work.site(taken)
                if not self._adopt(taken, site, report):
                    self._resend(taken, site, report)
            except DispatchError as error:
                if site is not None:
                    self._heard(taken, site, error)
                self._look_again(taken, error, report)
        self.work.progress()

    def _resend(self, entry: Entry, site: Site, report: Report) -> None:
        """The cloud has no job of this name: the call never arrived, so it is made (again)."""
        if entry.request_digest is None:
            # Whoever claimed it never came to calling: it goes again in its turn.
            self._requeue(entry, self.work.event(entry, "left behind"), {}, report)
            return
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
            request = site.render(entry, attempt(entry))
        except DispatchError as error:
            self.work.end(entry, State.FAILED, str(error), report, error=error)
            return
        self._record_and_send(entry, site, request, report)

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
            return False  # that it answers this does not say that it takes a job
        site.silence.broken(entry.zone)
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
