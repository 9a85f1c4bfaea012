"""The ledger in one SQLite file: write-ahead log, immediate transactions, a full sync for every change."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dispatcher.clock import Sleep
from dispatcher.errors import UnreachableError
from dispatcher.ledger.engine import Row, Sql, Transaction
from dispatcher.ledger.opening import connect, schema, translated
from dispatcher.ledger.sql import SqlLedger
from dispatcher.redact import Redactor

LOOK = 0.25
"""Seconds between two looks for a change by somebody else; one look is a read of a few bytes of shared memory."""

PATIENCE = 20.0
"""Seconds that a change waits for those of others."""

_PAUSE = 0.001
"""Seconds between two tries for the lock, up to seventeen times as long: about as long as a change takes."""

_BELL = "rung"
"""Where the file remembers how often somebody rang."""


class SqliteLedger(SqlLedger):
    """A ledger for one machine; several processes may use it at once."""

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        patience: float = PATIENCE,
        redactor: Redactor | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        """Open or create the file. `patience` is how many seconds a locked ledger is waited for."""
        super().__init__(
            SqliteEngine(path, connect(path, readonly=readonly, patience=patience), patience, sleep), redactor
        )


class _Change:
    """The open transaction of a connection. Fills dispatcher.ledger.engine.Transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        return self._connection.execute(sql, values).rowcount

    def many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        self._connection.executemany(sql, values)


class SqliteEngine:
    """One SQLite file. Fills dispatcher.ledger.engine.Engine."""

    shareable = False
    exposed = False
    clock = None
    locking = guard = ""

    def __init__(self, path: Path, connection: sqlite3.Connection, patience: float, sleep: Sleep) -> None:
        self.path = path
        self._connection = connection
        self._patience = patience
        self._sleep = sleep
        self._heard: tuple[int, int] | None = None
        self._rung = 0

    @property
    def name(self) -> str:
        return str(self.path)

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def change(self) -> Iterator[Transaction]:
        with translated(self.path):
            self._begin()
            try:
                schema(self._connection, self.path)  # a newer program may have come since it was opened
                yield _Change(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _begin(self) -> None:
        """Wait for the lock in short and uneven pauses.

        SQLite's own pauses grow to a tenth of a second, so that among many who write without a break one may wait
        for ever (sqlite3.c, sqliteDefaultBusyCallback).
        """
        until = time.monotonic() + self._patience
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self._connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                    if not locked or time.monotonic() >= until:
                        raise
                time.sleep(_PAUSE * (1 + os.urandom(1)[0] / 16))
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {int(self._patience * 1000)}")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        with translated(self.path):
            self._connection.execute("BEGIN")
            try:
                yield _Change(self._connection)
            finally:
                self._connection.execute("ROLLBACK")

    def size(self) -> int:
        pages: int = self.rows("PRAGMA page_count")[0][0]
        size: int = self.rows("PRAGMA page_size")[0][0]
        return pages * size

    def vacuum(self) -> None:
        for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA optimize"):
            self.rows(statement)

    def erasing(self) -> None:
        self.rows("PRAGMA secure_delete = ON")  # what is overwritten is zeros then, and no free room

    def erased(self) -> str | None:
        try:
            self.rows("VACUUM")
            busy = bool(self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0])
        except UnreachableError:
            busy = True
        log = f"{self.path}-wal has them until others have read it: then `dispatch ledger vacuum` empties it"
        return log if busy else None

    def alone(self, db: Transaction) -> None:
        """An immediate transaction is alone already."""

    def count_on(self, db: Transaction, table: str) -> None:
        """AUTOINCREMENT sees to it by itself."""

    def serialise(self, db: Transaction, queue: str) -> None:
        """An immediate transaction is alone already."""

    def at_once(self, sql: Sql, queue: str | None = None) -> list[Row]:
        with self.change() as db:
            return db.rows(sql.text, sql.values)

    def ring(self, db: Transaction) -> None:
        count = "CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)"
        db.run(f"INSERT INTO meta VALUES ('{_BELL}', '1') ON CONFLICT (key) DO UPDATE SET value = {count}")
        self._rung += 1

    def wait(self, seconds: float) -> bool:
        """Look for a change by somebody else now and then, and whether it rang.

        Not every change does: two that wait beside each other would else wake one another for ever, because every
        tick remembers when it ran.
        """
        left = seconds
        while True:
            if self._rang():
                return True
            if left <= 0:
                return False
            self._sleep(min(LOOK, left))
            left -= LOOK

    def _rang(self) -> bool:
        version = self.rows("PRAGMA data_version")[0][0]
        if self._heard is not None and version == self._heard[0]:
            return False
        rows = self.rows("SELECT value FROM meta WHERE key = ?", (_BELL,))
        count, own = int(rows[0][0]) if rows else 0, self._rung
        before, self._heard, self._rung = self._heard, (version, count), 0
        return before is not None and count != before[1] + own
