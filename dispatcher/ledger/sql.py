"""The ledger on a database that speaks SQL, whichever it is: SQLite and PostgreSQL share every statement here."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence

from dispatcher.clock import Clock
from dispatcher.errors import LedgerError
from dispatcher.ledger import cleaning, fleet, images, listing, picking, queueing, resuming, sweeping
from dispatcher.ledger.engine import Engine, RuleBroken, Transaction, Unsure
from dispatcher.ledger.picking import ACTIVE_STATES, Wanted
from dispatcher.ledger.rows import (
    ENTRY_COLUMNS,
    FINAL,
    QUEUED,
    AgentRow,
    Entry,
    Event,
    ImageRow,
    MetricRow,
    QueueRow,
    SweepRow,
    Target,
    Turn,
    ZoneRow,
)
from dispatcher.ledger.statements import batches, entries, insert, labelling, marks, put, read, values
from dispatcher.ledger.values import Caps, Filter, Lease, Load
from dispatcher.redact import Redactor

_OPEN = f"'{QUEUED}', {ACTIVE_STATES}"

_NEWS = {*FINAL, "attempt", "priority", "cancel_requested_at", "not_before", "spot"}
"""States and columns whose change gives others something to do: a job may go, or room for one is there.

A claim that is given back is none: who cannot send it would be woken by others who cannot, for ever."""


class SqlLedger:
    """A ledger on an engine (dispatcher.ledger.engine). Fills dispatcher.ledger.Ledger."""

    def __init__(self, engine: Engine, redactor: Redactor | None = None) -> None:
        """`redactor` takes secrets out of all that is written; without one, what looks like a secret."""
        self.engine = engine
        self._redactor = redactor or Redactor()

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def shareable(self) -> bool:
        return self.engine.shareable

    @property
    def exposed(self) -> bool:
        return self.engine.exposed

    @property
    def clock(self) -> Clock | None:
        return self.engine.clock

    def close(self) -> None:
        self.engine.close()

    def wait(self, seconds: float) -> bool:
        return self.engine.wait(seconds)

    # What surrounds the jobs

    def meta(self, key: str) -> str | None:
        rows = self.engine.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def remember(self, key: str, value: str) -> None:
        with self.engine.change() as db:
            _remember(db, key, self._redactor.text(value))

    def zones(self) -> list[ZoneRow]:
        return read(self.engine, ZoneRow, "zones ORDER BY name")

    def queues(self) -> list[QueueRow]:
        return read(self.engine, QueueRow, "queues ORDER BY name")

    def synchronise(self, zones: Sequence[ZoneRow], queues: Sequence[QueueRow], environment: str) -> None:
        queues = [cleaning.queue(row, self._redactor) for row in queues]
        with self.engine.change() as db:
            db.run("DELETE FROM queues")
            db.run("DELETE FROM zones")
            db.many(insert("zones", ZoneRow), [values(row) for row in zones])
            db.many(insert("queues", QueueRow), [values(row) for row in queues])
            _remember(db, "environment", environment)
            self.engine.ring(db)

    def pause(self, queue: str, reason: str | None) -> None:
        reason = None if reason is None else self._redactor.text(reason)
        self._mark(queue, {"paused": int(reason is not None), "paused_reason": reason})

    def drain(self, queue: str, on: bool) -> None:
        self._mark(queue, {"draining": int(on)})

    def _mark(self, queue: str, columns: Mapping[str, object]) -> None:
        assigned = ", ".join(f"{name} = ?" for name in columns)
        with self.engine.change() as db:
            db.run(f"UPDATE queues SET {assigned} WHERE name = ?", [*columns.values(), queue])
            self.engine.ring(db)

    def targets(self) -> list[Target]:
        return read(self.engine, Target, "targets ORDER BY zone, hardware, spot")

    def hold_back(self, target: Target) -> None:
        with self.engine.change() as db:
            put(db, "targets", cleaning.target(target, self._redactor), ("zone", "hardware", "spot"))

    def release(self, zone: str, hardware: str, spot: int) -> None:
        with self.engine.change() as db:
            db.run("DELETE FROM targets WHERE zone = ? AND hardware = ? AND spot = ?", (zone, hardware, spot))

    def record_image(self, image: ImageRow) -> None:
        images.record(self.engine, cleaning.image(image, self._redactor))

    def images(self, zone: str | None = None, name: str | None = None) -> list[ImageRow]:
        return images.found(self.engine, zone, name)

    # Looking at jobs

    def entry(self, id: str) -> Entry | None:
        return next(iter(entries(self.engine, "WHERE id = ?", (id,))), None)

    def several(self, ids: Collection[str]) -> dict[str, Entry]:
        found = [
            one for part in batches(ids) for one in entries(self.engine, f"WHERE id IN ({marks(part)})", part)
        ]
        return {one.id: one for one in found}

    def find(self, text: str, limit: int) -> list[Entry]:
        # A range instead of LIKE: it uses the primary key, and `%` and `_` in the text mean nothing.
        return entries(
            self.engine,
            "WHERE (id >= ? AND id < ?) OR cloud_name = ? ORDER BY submitted_at DESC LIMIT ?",
            (text, text + "\U0010ffff", text, limit),
        )

    def entries(self, wanted: Filter, limit: int | None) -> list[Entry]:
        sql = listing.newest(wanted, limit)
        return [Entry(*row) for row in self.engine.rows(sql.text, sql.values)]

    def count(self, wanted: Filter, limit: int | None = None) -> int:
        sql = listing.number(wanted, limit)
        found: int = self.engine.rows(sql.text, sql.values)[0][0]
        return found

    def events(self, id: str) -> list[Event]:
        return read(self.engine, Event, "events WHERE submission = ? ORDER BY seq", (id,))

    def first_events(self, ids: Collection[str], kind: str) -> dict[str, Event]:
        found: list[Event] = []
        for part in batches(ids):
            first = (
                f"SELECT min(seq) FROM events WHERE submission IN ({marks(part)}) AND kind = ? GROUP BY submission"
            )
            found += read(self.engine, Event, f"events WHERE seq IN ({first})", [*part, kind])
        return {event.submission: event for event in found}

    def events_of(self, ids: Collection[str], kind: str) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for part in batches(ids):
            where = f"events WHERE submission IN ({marks(part)}) AND kind = ? ORDER BY seq"
            for event in read(self.engine, Event, where, [*part, kind]):
                found.setdefault(event.submission, []).append(event)
        return found

    def waiting(self, queue: str | None, limit: int | None = None) -> list[Entry]:
        return queueing.waiting(self.engine, queue, limit)

    def waiting_again(self) -> list[Entry]:
        return entries(self.engine, "WHERE state = 'queued' AND spot = 1 AND claimed_at IS NOT NULL")

    def overdue(self, now: str) -> list[Entry]:
        return entries(
            self.engine, "WHERE state = 'queued' AND queue_until IS NOT NULL AND queue_until <= ?", (now,)
        )

    def withdrawn(self) -> list[Entry]:
        return entries(self.engine, "WHERE state = 'queued' AND cancel_requested_at > ''")

    def rivals(self, entry: Entry) -> int:
        return queueing.rivals(self.engine, entry)

    def left(self, entry: Entry, since: str) -> set[tuple[str, str, int]]:
        return queueing.left(self.engine, entry, since)

    def place(self, entry: Entry, now: str, ageing: int | None = None) -> int:
        return queueing.place(self.engine, entry, now, ageing)

    def ahead(self, entry: Entry, limit: int, now: str, ageing: int | None = None) -> list[Entry]:
        return queueing.ahead(self.engine, entry, limit, now, ageing)

    def waiting_queues(self) -> list[str]:
        return [row[0] for row in self.engine.rows(picking.queues())]

    def loads(self) -> dict[str, Load]:
        return queueing.loads(self.engine)

    def active(self, queues: Collection[str] | None = None) -> list[Entry]:
        return queueing.active(self.engine, queues)

    # Changing jobs

    def add(self, entry: Entry, event: Event) -> None:
        entry = cleaning.entry(entry, self._redactor)
        try:
            self._add(entry, event)
        except Unsure:
            # Nobody else has this id: it was recorded, and only the answer was lost.
            if self.entry(entry.id) is None:
                raise

    def _add(self, entry: Entry, event: Event) -> None:
        with self.engine.change() as db:
            if entry.checkpoints_of is not None:
                self.engine.serialise(db, f"checkpoints of {entry.checkpoints_of}")
                resuming.check(db, entry)
            try:
                db.run(insert("submissions", Entry), values(entry))
            except RuleBroken as error:
                raise LedgerError(f"submission {entry.id} cannot be recorded: {error.message}") from error
            db.many(*labelling(entry))
            self._add_event(db, event)
            self.engine.ring(db)

    def head(
        self,
        queue: str,
        *,
        now: str,
        takes: Collection[str] = (),
        skip: Collection[str] = (),
        ageing: int | None = None,
        host: str | None = None,
    ) -> Entry | None:
        first = picking.first(Wanted(queue, now, takes, skip, ageing, host))
        return next(iter(entries(self.engine, f"WHERE id = ({first.text})", first.values)), None)

    def claim(
        self,
        queue: str,
        *,
        lease: Lease,
        now: str,
        caps: Caps,
        takes: Collection[str] = (),
        skip: Collection[str] = (),
        ageing: int | None = None,
        host: str | None = None,
    ) -> Entry | None:
        alone = caps != Caps() or ageing is not None
        wanted = Wanted(queue, now, takes, skip, ageing, host)
        first = picking.first(wanted, "" if alone else self.engine.locking)
        sql = picking.claim(first, picking.fits(wanted, caps), lease, now)
        if self.engine.guard:
            sql = picking.told(sql, self.engine.guard, self._redactor.text(lease.owner), now)
            rows = self.engine.at_once(sql, queue if alone else None)
            return Entry(*rows[0]) if rows else None
        with self.engine.change() as db:
            rows = db.rows(sql.text, sql.values)
            if not rows:
                return None
            claimed = Entry(*rows[0])
            data = json.dumps({"attempt": claimed.attempt, "cloud_name": claimed.cloud_name})
            self._add_event(db, Event(claimed.id, now, "claimed", lease.owner, data))
            return claimed

    def take_over(self, entry: Entry, lease: Lease, now: str, *, dead: bool) -> Entry | None:
        sql = picking.take_over(entry, lease, now, dead=dead)
        with self.engine.change() as db:
            rows = db.rows(sql.text, sql.values)
            return Entry(*rows[0]) if rows else None

    def change(
        self,
        id: str,
        columns: Mapping[str, object],
        event: Event | None = None,
        *,
        token: str | None = None,
        state: str | None = None,
        attempt: int | None = None,
    ) -> bool:
        unknown = set(columns) - set(ENTRY_COLUMNS)
        if unknown:
            raise ValueError(f"no such columns: {', '.join(sorted(unknown))}")
        columns = cleaning.columns(columns, self._redactor)
        assigned = ", ".join(f"{name} = ?" for name in columns)
        given = {"lease_token": token, "state": state, "attempt": attempt}
        guards = {name: value for name, value in given.items() if value is not None}
        held = "".join(f" AND {name} = ?" for name in guards)
        with self.engine.change() as db:
            sql = f"UPDATE submissions SET {assigned} WHERE id = ? AND state IN ({_OPEN}){held}"
            changed = db.run(sql, [*columns.values(), id, *guards.values()]) == 1
            if changed and event is not None:
                self._add_event(db, event)
                if _NEWS & {*columns, columns.get("state")}:
                    self.engine.ring(db)
            return changed

    def reprioritise(self, id: str, priority: int, event: Event) -> bool:
        return self.change(id, {"priority": priority}, event, state=QUEUED)

    def seen(self, ids: Collection[str], now: str) -> None:
        self._change_many(ids, {"last_seen_at": now, "last_error": None, "last_error_at": None})

    def unseen(self, ids: Collection[str], error: str, now: str) -> None:
        self._change_many(ids, {"last_error": self._redactor.text(error), "last_error_at": now})

    def _change_many(self, ids: Collection[str], columns: Mapping[str, object]) -> None:
        assigned = ", ".join(f"{name} = ?" for name in columns)
        with self.engine.change() as db:
            for part in batches(ids):
                where = f"id IN ({marks(part)}) AND state IN ({_OPEN})"
                db.run(f"UPDATE submissions SET {assigned} WHERE {where}", [*columns.values(), *part])

    def _add_event(self, db: Transaction, event: Event) -> None:
        event = cleaning.event(event, self._redactor)
        db.run(
            "INSERT INTO events (submission, at, kind, who, data) VALUES (?, ?, ?, ?, ?)",
            (event.submission, event.at, event.kind, event.who, event.data),
        )

    # Who is at work

    def turn(
        self, name: str, lease: Lease, now: str, alive: Callable[[str], bool | None] = lambda owner: None
    ) -> bool:
        return fleet.turn(self.engine, Turn(name, lease.token, lease.owner, lease.until), now, alive)

    def turns(self) -> list[Turn]:
        return read(self.engine, Turn, "turns ORDER BY name")

    def leave(self, owner: str) -> None:
        with self.engine.change() as db:
            db.run("DELETE FROM turns WHERE owner = ?", (owner,))

    def yield_turn(self, name: str, owner: str) -> None:
        with self.engine.change() as db:
            db.run("DELETE FROM turns WHERE name = ? AND owner = ?", (name, owner))

    def check_in(self, agent: AgentRow, *, stale: str, dead: Collection[str] = ()) -> bool:
        return fleet.check_in(self.engine, cleaning.agent(agent, self._redactor), stale, dead)

    def agents(self) -> list[AgentRow]:
        return read(self.engine, AgentRow, "agents ORDER BY name")

    def check_out(self, name: str, token: str) -> None:
        with self.engine.change() as db:
            db.run("DELETE FROM agents WHERE name = ? AND token = ?", (name, token))

    # Sweeps

    def add_sweep(self, sweep: SweepRow) -> None:
        sweeping.add(self.engine, cleaning.sweep(sweep, self._redactor))

    def sweep(self, id: str) -> SweepRow | None:
        return next(iter(read(self.engine, SweepRow, "sweeps WHERE id = ?", (id,))), None)

    def sweeps(self, states: Collection[str] | None = None) -> list[SweepRow]:
        some = () if states is None else tuple(sorted(states))
        only = f" WHERE state IN ({marks(some)})" if some else ""
        return read(self.engine, SweepRow, f"sweeps{only} ORDER BY submitted_at DESC, id", some)

    def change_sweep(self, id: str, columns: Mapping[str, object], *, state: str | None = None) -> bool:
        return sweeping.change(self.engine, id, cleaning.columns(columns, self._redactor), state)

    def trials(self, sweep: str) -> list[Entry]:
        return entries(self.engine, "WHERE sweep = ? ORDER BY trial, id", (sweep,))

    def record_metrics(self, metrics: Sequence[MetricRow]) -> None:
        sweeping.record(self.engine, [cleaning.metric(one, self._redactor) for one in metrics])

    def metrics(self, ids: Collection[str]) -> list[MetricRow]:
        return sweeping.metrics(self.engine, ids)


def _remember(db: Transaction, key: str, value: str) -> None:
    db.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
