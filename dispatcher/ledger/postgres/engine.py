"""A PostgreSQL database as a ledger's engine: one connection, made again when it was lost."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import selectors
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from dispatcher.clock import Clock
from dispatcher.errors import AuthError, LedgerError, UnreachableError
from dispatcher.ledger.address import shown
from dispatcher.ledger.engine import Row, Sql, Transaction, Unsure
from dispatcher.ledger.migrations import SCHEMA
from dispatcher.ledger.postgres import schema
from dispatcher.ledger.postgres.clock import SharedClock
from dispatcher.ledger.postgres.failures import translated
from dispatcher.ledger.sql import SqlLedger
from dispatcher.redact import Redactor

_OLDEST = 130000
"""PostgreSQL's oldest release that its makers still repaired in 2025 (www.postgresql.org/support/versioning)."""

# A connection that is dead without saying so is noticed in half a minute (libpq: "Parameter Key Words").
_CONNECTION: dict[str, Any] = {
    "fallback_application_name": "launchway",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}


_TURN = "SELECT 1 FROM pg_advisory_xact_lock(?, hashtext(?))"


class PostgresLedger(SqlLedger):
    """A ledger for any number of machines."""

    def __init__(
        self, url: str, *, readonly: bool = False, patience: float = 5.0, redactor: Redactor | None = None
    ) -> None:
        """Open or make the schema in the database. `patience` is how many seconds an answer, or somebody else's
        lock, is waited for."""
        super().__init__(PostgresEngine(url, readonly=readonly, patience=patience), redactor)


class _Change:
    """The open transaction of a connection. Fills dispatcher.ledger.engine.Transaction."""

    def __init__(self, connection: psycopg.Connection[Row], name: str) -> None:
        self._connection = connection
        self._name = name

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with translated(self._name):
            return self._connection.execute(_marked(sql), _stored(values)).fetchall()

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        with translated(self._name):
            return self._connection.execute(_marked(sql), _stored(values)).rowcount

    def many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        with translated(self._name):
            self._connection.cursor().executemany(_marked(sql), [_stored(row) for row in values])


class PostgresEngine:
    """One PostgreSQL database. Fills dispatcher.ledger.engine.Engine."""

    shareable = True
    locking = "FOR UPDATE SKIP LOCKED"
    guard = f"(SELECT version FROM {schema.NAME}.schema_version) <= {SCHEMA}"

    def __init__(self, url: str, *, readonly: bool, patience: float) -> None:
        self._url = url
        self._readonly = readonly
        self._patience = patience
        self._heard = self._outdated = False
        self._connecting = threading.Lock()
        with translated(self.name):
            self._connection = self._connect()
        self._shared_clock = SharedClock(self._time)

    @property
    def name(self) -> str:
        return shown(self._url)

    @property
    def clock(self) -> Clock:
        """The database's time, which all machines share."""
        return self._shared_clock

    @property
    def exposed(self) -> bool:
        return is_exposed(self._connection.info.host, self._connection.pgconn.ssl_in_use)

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with translated(self.name):
            try:
                return self._ask(sql, values)
            except psycopg.OperationalError:
                if not self._connection.closed:
                    raise
            # A question may be asked twice: the connection was lost, and here is a new one.
            return self._ask(sql, values)

    def _ask(self, sql: str, values: Sequence[object]) -> list[Row]:
        return self._live().execute(_marked(sql), _stored(values)).fetchall()

    @contextlib.contextmanager
    def change(self) -> Iterator[Transaction]:
        with translated(self.name):
            connection = self._begin()
            try:
                yield _Change(connection, self.name)
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise
            self._commit(connection)

    def _begin(self) -> psycopg.Connection[Row]:
        connection = self._live()
        try:
            self._start(connection)
        except psycopg.OperationalError:
            if not connection.closed:
                raise
            connection = self._live()
            self._start(connection)
        return connection

    def _start(self, connection: psycopg.Connection[Row]) -> None:
        """Begin, with the schema that this program knows: nobody changes it while the transaction lasts."""
        try:
            found = connection.execute(
                f"BEGIN; SELECT pg_advisory_xact_lock_shared({schema.LOCK});"
                f" SELECT version FROM {schema.NAME}.schema_version".encode()
            )
            while found.nextset():
                pass
            schema.check(found.fetchall()[0][0], self.name)
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise

    def _commit(self, connection: psycopg.Connection[Row]) -> None:
        with self._recording(connection):
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _recording(self, connection: psycopg.Connection[Row]) -> Iterator[None]:
        try:
            yield
        except psycopg.OperationalError as error:
            if not connection.closed:
                raise
            raise Unsure(
                f"the ledger {self.name} went away while it recorded a change: it may be there or not",
                "look with `dispatch list` before you do it again",
            ) from error

    def at_once(self, sql: Sql, queue: str | None = None) -> list[Row]:
        with translated(self.name):
            connection = self._live()
            with self._recording(connection):
                rows = self._alone(connection, sql, queue) if queue else self._ask(sql.text, sql.values)
            if not rows:  # there was nothing to change, or the guard did not allow it
                schema.version(connection.cursor(), self.name)
            return rows

    def _alone(self, connection: psycopg.Connection[Row], sql: Sql, queue: str) -> list[Row]:
        """Statements of their own, for each sees what was there when it began: here, when the lock was had."""
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute(_marked(_TURN), (schema.LOCK, queue))
                found = connection.execute(_marked(sql.text), _stored(sql.values))
                connection.execute("COMMIT")
            return found.fetchall()
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        with translated(self.name):
            connection = self._live()
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                # Whoever reads page by page on a terminal may take his time: it holds up nobody.
                connection.execute("SET LOCAL idle_in_transaction_session_timeout TO 0")
                yield _Change(connection, self.name)
            finally:
                with contextlib.suppress(psycopg.Error):
                    connection.execute("ROLLBACK")

    def size(self) -> int:
        tables = "SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class WHERE relkind = 'r'"
        return int(self.rows(f"{tables} AND relnamespace = ?::regnamespace", (schema.NAME,))[0][0])

    def vacuum(self) -> None:
        tables = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = ?", (schema.NAME,))
        said: list[str] = []
        with translated(self.name):
            connection = self._live()

            def hear(notice: psycopg.errors.Diagnostic) -> None:
                said.append(notice.message_primary or "")

            connection.add_notice_handler(hear)
            for (table,) in tables:
                connection.execute(f"VACUUM (ANALYZE) {schema.NAME}.{table}".encode())
            connection.remove_notice_handler(hear)
        if said:  # it passes over what is not the user's own, and only mentions it
            raise AuthError(f"the ledger {self.name} was not made compact: {said[0]}", "its owner can do it")

    def erasing(self) -> None:
        owner = "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = 'events'::regclass"
        if not self.rows(owner)[0][0]:
            raise AuthError(f"only the owner of the ledger {self.name} can erase", "ask that one to do it")

    def erased(self) -> str | None:
        with contextlib.suppress(UnreachableError):  # the server does it by itself before long
            self.vacuum()
        return "the server's files have them until their room is used again, its log (WAL) until that is recycled"

    def alone(self, db: Transaction) -> None:
        tables = "meta, zones, queues, submissions, sweeps, targets, images"
        db.run(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")

    def count_on(self, db: Transaction, table: str) -> None:
        mine = "SELECT has_sequence_privilege(pg_get_serial_sequence(?, 'seq'), 'UPDATE')"
        if not db.rows(mine, (f"{schema.NAME}.{table}",))[0][0]:
            raise AuthError(f"only the owner of the ledger {self.name} can restore it", "ask that one to do it")
        last = f"(SELECT coalesce(max(seq), 0) FROM {table})"
        db.rows(f"SELECT setval(pg_get_serial_sequence('{schema.NAME}.{table}', 'seq'), {last} + 1, false)")

    def serialise(self, db: Transaction, queue: str) -> None:
        # An advisory lock ends with its transaction. Two queues may share a number by chance: then they wait for
        # each other, and nothing else happens.
        db.rows(_TURN, (schema.LOCK, queue))

    def ring(self, db: Transaction) -> None:
        db.rows("SELECT 1 FROM pg_notify(?, '')", (schema.CHANNEL,))

    def wait(self, seconds: float) -> bool:
        """Listen; a connection that was lost counts as news, for there may have been some."""
        end = time.monotonic() + seconds
        with translated(self.name):
            while True:
                self._listen()
                if self._heard:
                    self._heard = False
                    return True
                left = end - time.monotonic()
                if left <= 0 or not _readable(self._connection.fileno(), left):
                    return False

    def _listen(self) -> None:
        """Take in the news that the socket has, with an empty question."""
        try:
            self._live().execute("")
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
            self._live()

    def _live(self) -> psycopg.Connection[Row]:
        """The connection, or a new one in place of one that was lost."""
        with self._connecting:  # a thread may ask for the time while another works
            idle = self._connection.info.transaction_status == TransactionStatus.IDLE
            if self._outdated and idle:
                # Somebody's newer program changed the schema: look whether this one still knows it.
                self._connection.close()
            if self._connection.closed:
                self._connection = self._connect()
                self._heard, self._outdated = True, False
            return self._connection

    def _connect(self) -> psycopg.Connection[Row]:
        """Connect, and bring the schema up to date. Raises psycopg.Error, LedgerError."""
        settings = dict(_CONNECTION)
        if "connect_timeout=" not in self._url:
            settings["connect_timeout"] = max(2, int(self._patience))
        connection: psycopg.Connection[Row] = psycopg.connect(self._url, autocommit=True, **settings)
        try:
            if (release := connection.info.server_version) < _OLDEST:
                raise LedgerError(
                    f"the server of the ledger {self.name} is PostgreSQL {release // 10000}",
                    f"a ledger needs {_OLDEST // 10000} or later",
                )
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: psycopg.Connection[Row]) -> None:
        waits = int(self._patience * 1000)
        # One question for all of it. Someone whose laptop sleeps in the middle of a change holds up nobody.
        connection.execute(
            f"SET search_path TO {schema.NAME}; SET lock_timeout TO {waits};"
            " SET idle_in_transaction_session_timeout TO 60000; SET client_min_messages TO warning;"
            # What a change returned from is on the disk, however little else the server keeps there.
            " SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
            "".encode()
        )
        if schema.version(connection.cursor(), self.name) != SCHEMA:
            with connection.transaction():
                schema.migrate(connection.cursor(), self.name)
        if self._readonly:
            connection.execute("SET default_transaction_read_only TO on")
        else:
            # News may come before the connection is in its place here.
            connection.add_notify_handler(functools.partial(self._hear, connection.info.backend_pid))
            connection.execute(f"LISTEN {schema.CHANNEL}".encode())

    def _hear(self, own: int, news: psycopg.Notify) -> None:
        if news.pid != own:
            self._heard = True
            self._outdated = self._outdated or news.payload == schema.CHANGED

    def _time(self) -> float:
        found: float = self.rows("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0]
        return found


def is_exposed(host: str, encrypted: bool) -> bool:
    """Whether what is said to a server goes over a network in the clear. A folder is a socket of this machine."""
    if encrypted or host.startswith("/") or host in ("", "localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def _readable(socket: int, seconds: float) -> bool:
    with selectors.DefaultSelector() as waiting:
        waiting.register(socket, selectors.EVENT_READ)
        return bool(waiting.select(seconds))


@functools.lru_cache(maxsize=512)
def _marked(sql: str) -> bytes:
    """The shared SQL with psycopg's marks; no text in it has a `?` or a `%` of its own."""
    return sql.replace("?", "%s").encode()


def _stored(values: Sequence[object]) -> Sequence[object]:
    """PostgreSQL keeps every character but NUL, which a cloud's words may have."""
    if any(isinstance(value, str) and "\0" in value for value in values):
        return [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values]
    return values
