"""The ledger in one SQLite file: write-ahead log, immediate transactions, a full sync for every change."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dispatcher.errors import LedgerError
from dispatcher.ledger import Caps, Filter, Lease, Load, cleaning
from dispatcher.ledger.opening import connect, translated
from dispatcher.ledger.rows import ACTIVE, ENTRY_COLUMNS, Entry, Event, ImageRow, QueueRow, Target, ZoneRow
from dispatcher.redact import Redactor

_COLUMNS = ", ".join(ENTRY_COLUMNS)
_ACTIVE = ", ".join(f"'{state}'" for state in ACTIVE)
_OPEN = f"'queued', {_ACTIVE}"


class SqliteLedger:
    """A ledger for one machine; several processes may use it at once. Fills dispatcher.ledger.Ledger."""

    shareable = False

    def __init__(
        self, path: Path, *, readonly: bool = False, patience: float = 5.0, redactor: Redactor | None = None
    ) -> None:
        """Open or create the file. `patience` is how many seconds a locked ledger is waited for.

        `redactor` takes secrets out of all that is written; without one, what looks like a secret.
        """
        self.path = path
        self._redactor = redactor or Redactor()
        self._connection = connect(path, readonly=readonly, patience=patience)

    @property
    def name(self) -> str:
        return str(self.path)

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One immediate transaction, rolled back when anything in it fails."""
        with translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _entries(self, where: str, values: Sequence[Any] = ()) -> list[Entry]:
        return [Entry(*row) for row in self._rows(f"SELECT {_COLUMNS} FROM submissions {where}", values)]

    def meta(self, key: str) -> str | None:
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def remember(self, key: str, value: str) -> None:
        with self._change() as db:
            db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, self._redactor.text(value)),
            )

    def zones(self) -> list[ZoneRow]:
        return [ZoneRow(*row) for row in self._rows(f"SELECT {_names(ZoneRow)} FROM zones ORDER BY name")]

    def queues(self) -> list[QueueRow]:
        return [QueueRow(*row) for row in self._rows(f"SELECT {_names(QueueRow)} FROM queues ORDER BY name")]

    def synchronise(self, zones: Sequence[ZoneRow], queues: Sequence[QueueRow], environment: str) -> None:
        queues = [cleaning.queue(row, self._redactor) for row in queues]
        with self._change() as db:
            db.execute("PRAGMA defer_foreign_keys = ON")
            db.execute("DELETE FROM queues")
            db.execute("DELETE FROM zones")
            db.executemany(
                f"INSERT INTO zones ({_names(ZoneRow)}) VALUES ({_marks(ZoneRow)})", map(_values, zones)
            )
            db.executemany(
                f"INSERT INTO queues ({_names(QueueRow)}) VALUES ({_marks(QueueRow)})", map(_values, queues)
            )
            db.execute("INSERT OR REPLACE INTO meta VALUES ('environment', ?)", (environment,))

    def pause(self, queue: str, reason: str | None) -> None:
        reason = None if reason is None else self._redactor.text(reason)
        with self._change() as db:
            db.execute(
                "UPDATE queues SET paused = ?, paused_reason = ? WHERE name = ?",
                (int(reason is not None), reason, queue),
            )

    def add(self, entry: Entry, event: Event) -> None:
        entry = cleaning.entry(entry, self._redactor)
        with self._change() as db:
            marks = ", ".join("?" * len(ENTRY_COLUMNS))
            try:
                db.execute(f"INSERT INTO submissions ({_COLUMNS}) VALUES ({marks})", _values(entry))
            except sqlite3.IntegrityError as error:
                raise LedgerError(f"submission {entry.id} cannot be recorded: {error}") from error
            self._add_event(db, event)

    def entry(self, id: str) -> Entry | None:
        return next(iter(self._entries("WHERE id = ?", (id,))), None)

    def find(self, text: str, limit: int) -> list[Entry]:
        # A range instead of LIKE: it uses the primary key, and `%` and `_` in the text mean nothing.
        return self._entries(
            "WHERE (id >= ? AND id < ?) OR cloud_name = ? ORDER BY submitted_at DESC LIMIT ?",
            (text, text + "\U0010ffff", text, limit),
        )

    def entries(self, wanted: Filter, limit: int | None) -> list[Entry]:
        where, values = _where(wanted)
        return self._entries(
            f"{where} ORDER BY submitted_at DESC, id LIMIT ?", [*values, -1 if limit is None else limit]
        )

    def count(self, wanted: Filter) -> int:
        where, values = _where(wanted)
        found: int = self._rows(f"SELECT count(*) FROM submissions {where}", values)[0][0]
        return found

    def waiting(self, queue: str | None, limit: int | None = None) -> list[Entry]:
        where, values = ("AND queue = ?", [queue]) if queue is not None else ("", [])
        order = "ORDER BY priority, submitted_at, id LIMIT ?"
        return self._entries(f"WHERE state = 'queued' {where} {order}", [*values, -1 if limit is None else limit])

    def waiting_again(self) -> list[Entry]:
        return self._entries("WHERE state = 'queued' AND spot AND claimed_at IS NOT NULL")

    def loads(self) -> dict[str, Load]:
        queued = "SELECT queue, count(*), min(submitted_at) FROM submissions WHERE state = 'queued' GROUP BY queue"
        active = f"SELECT queue, count(*), sum(nodes) FROM submissions WHERE state IN ({_ACTIVE}) GROUP BY queue"
        waiting = {queue: (count, since) for queue, count, since in self._rows(queued)}
        running = {queue: (count, nodes) for queue, count, nodes in self._rows(active)}
        names = sorted({*waiting, *running})
        return {name: Load(*waiting.get(name, (0, None)), *running.get(name, (0, 0))) for name in names}

    def active(self) -> list[Entry]:
        return self._entries(f"WHERE state IN ({_ACTIVE}) ORDER BY priority, submitted_at, id")

    def claim(
        self,
        entry: Entry,
        *,
        cloud_name: str,
        request_digest: str,
        lease: Lease,
        now: str,
        caps: Caps,
        passed: Collection[str],
    ) -> Entry | None:
        with self._change() as db:
            ahead = db.execute(
                "SELECT id FROM submissions WHERE state = 'queued' AND queue = ? AND (priority, submitted_at, id)"
                " < (?, ?, ?) AND (not_before IS NULL OR not_before <= ?) ORDER BY priority, submitted_at, id",
                (entry.queue, *entry.order, now),
            )
            if any(row[0] not in passed for row in ahead):
                return None
            if db.execute("SELECT 1 FROM queues WHERE name = ? AND paused", (entry.queue,)).fetchone():
                return None
            running, nodes = db.execute(
                "SELECT count(*), coalesce(sum(nodes), 0) FROM submissions"
                f" WHERE queue = ? AND state IN ({_ACTIVE})",
                (entry.queue,),
            ).fetchone()
            if caps.running is not None and running >= caps.running:
                return None
            if caps.nodes is not None and nodes + entry.nodes > caps.nodes:
                return None
            rows = db.execute(
                "UPDATE submissions SET state = 'submitting', cloud_name = ?, request_digest = ?, claimed_at = ?,"
                " lease_token = ?, lease_owner = ?, lease_until = ?, last_error = NULL, last_error_at = NULL"
                " WHERE id = ? AND state = 'queued' AND attempt = ? AND spot = ? AND cancel_requested_at IS NULL"
                f" RETURNING {_COLUMNS}",
                (
                    *(cloud_name, request_digest, now, lease.token, lease.owner, lease.until),
                    *(entry.id, entry.attempt, entry.spot),
                ),
            ).fetchall()
            if not rows:
                return None
            data = json.dumps({"cloud_name": cloud_name, "request_digest": request_digest})
            self._add_event(db, Event(entry.id, now, "claimed", lease.owner, data))
            return Entry(*rows[0])

    def take_over(self, entry: Entry, lease: Lease, now: str, *, dead: bool) -> Entry | None:
        with self._change() as db:
            rows = db.execute(
                "UPDATE submissions SET lease_token = ?, lease_owner = ?, lease_until = ?"
                " WHERE id = ? AND state = 'submitting' AND lease_token IS ? AND (? OR lease_until IS NULL"
                f" OR lease_until <= ?) RETURNING {_COLUMNS}",
                (lease.token, lease.owner, lease.until, entry.id, entry.lease_token, int(dead), now),
            ).fetchall()
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
        with self._change() as db:
            sql = f"UPDATE submissions SET {assigned} WHERE id = ? AND state IN ({_OPEN}){held}"
            changed = db.execute(sql, [*columns.values(), id, *guards.values()]).rowcount == 1
            if changed and event is not None:
                self._add_event(db, event)
            return changed

    def events(self, id: str) -> list[Event]:
        return [
            Event(*row)
            for row in self._rows(f"SELECT {_names(Event)} FROM events WHERE submission = ? ORDER BY seq", (id,))
        ]

    def targets(self) -> list[Target]:
        return [
            Target(*row)
            for row in self._rows(f"SELECT {_names(Target)} FROM targets ORDER BY zone, hardware, spot")
        ]

    def hold_back(self, target: Target) -> None:
        target = cleaning.target(target, self._redactor)
        with self._change() as db:
            db.execute(
                f"INSERT OR REPLACE INTO targets ({_names(Target)}) VALUES ({_marks(Target)})", _values(target)
            )

    def release(self, zone: str, hardware: str, spot: int) -> None:
        with self._change() as db:
            db.execute("DELETE FROM targets WHERE zone = ? AND hardware = ? AND spot = ?", (zone, hardware, spot))

    def record_image(self, image: ImageRow) -> None:
        image = cleaning.image(image, self._redactor)
        same = (image.zone, image.name, image.digest)
        with self._change() as db:
            pushed = db.execute(
                "DELETE FROM images WHERE zone = ? AND name = ? AND digest = ? RETURNING pushed", same
            ).fetchall()
            kept = dataclasses.replace(image, pushed=1) if (1,) in pushed else image
            db.execute(f"INSERT INTO images ({_names(ImageRow)}) VALUES ({_marks(ImageRow)})", _values(kept))

    def images(self, zone: str | None = None, name: str | None = None) -> list[ImageRow]:
        given = {"zone": zone, "name": name}
        wanted = {column: value for column, value in given.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in wanted)
        sql = f"SELECT {_names(ImageRow)} FROM images {'WHERE ' + where if where else ''} ORDER BY seq DESC"
        return [ImageRow(*row) for row in self._rows(sql, list(wanted.values()))]

    def _add_event(self, db: sqlite3.Connection, event: Event) -> None:
        event = cleaning.event(event, self._redactor)
        db.execute(
            "INSERT INTO events (submission, at, kind, who, data) VALUES (?, ?, ?, ?, ?)",
            (event.submission, event.at, event.kind, event.who, event.data),
        )


def _where(wanted: Filter) -> tuple[str, list[object]]:
    terms: list[str] = []
    values: list[object] = []
    for column, value in (
        ("queue = ?", wanted.queue),
        ("who = ?", wanted.who),
        ("submitted_at >= ?", wanted.since),
    ):
        if value is not None:
            terms.append(column)
            values.append(value)
    if wanted.states is not None:
        terms.append(f"state IN ({', '.join('?' * len(wanted.states))})")
        values.extend(sorted(wanted.states))
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), values


def _names(kind: Any) -> str:
    return ", ".join(kind.__dataclass_fields__)


def _marks(kind: Any) -> str:
    return ", ".join("?" * len(kind.__dataclass_fields__))


def _values(row: Any) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in row.__dataclass_fields__)
