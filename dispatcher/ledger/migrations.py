"""The ledger's schema as a list of plain functions; a released one is never edited, only followed by another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Protocol


class Schema(Protocol):
    """What a migration changes. Statements are in SQLite's words; another engine translates their types."""

    def execute(self, sql: str) -> object: ...

    def keep(self, table: str, exception: str | None = None) -> None:
        """Refuse, in the database itself, to delete rows of a table, or to change one other than by `exception`:
        a condition on the row as it is (OLD) and as it would be (NEW). Where a database has several users, the
        exception is its owner's alone."""
        ...

    def watch(self, table: str, column: str, condition: str) -> None:
        """Refuse, in the database itself, a change of a column for which a condition does not hold."""
        ...


class SqliteSchema:
    """The schema of a SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str) -> object:
        return self._connection.execute(sql)

    def keep(self, table: str, exception: str | None = None) -> None:
        unless = f" WHEN NOT ({exception})" if exception else ""
        for name, verb, condition in (("are_kept", "DELETE", ""), ("are_final", "UPDATE", unless)):
            self.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")
            self.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {verb} ON {table} FOR EACH ROW{condition}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )

    def watch(self, table: str, column: str, condition: str) -> None:
        self.execute(
            f"CREATE TRIGGER {table}_{column} BEFORE UPDATE OF {column} ON {table} FOR EACH ROW"
            f" WHEN OLD.{column} IS NOT NEW.{column} AND NOT ({condition})"
            f" BEGIN SELECT RAISE(ABORT, 'nothing but an erasure changes {column}'); END"
        )


def _first(schema: Schema) -> None:
    """Submissions and their events, zones, queues, and back-off per target."""
    for statement in (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE zones (
            name TEXT PRIMARY KEY, cloud TEXT NOT NULL, region TEXT NOT NULL, environment TEXT NOT NULL,
            regime TEXT NOT NULL, source TEXT NOT NULL, contract_version INTEGER NOT NULL,
            updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, document TEXT NOT NULL)""",
        """CREATE TABLE queues (
            name TEXT PRIMARY KEY, zone TEXT NOT NULL REFERENCES zones(name), document TEXT NOT NULL,
            synced_at TEXT NOT NULL, paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
            paused_reason TEXT, retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)))""",
        # A submission outlives its queue and zone, so it names them without a foreign key.
        """CREATE TABLE submissions (
            id TEXT PRIMARY KEY, queue TEXT NOT NULL, zone TEXT NOT NULL, cloud TEXT NOT NULL,
            region TEXT NOT NULL, slug TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'submitting', 'pending', 'running', 'interrupted',
                'stopping', 'succeeded', 'failed', 'cancelled', 'timed_out')),
            priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
            attempt INTEGER NOT NULL CHECK (attempt >= 1),
            submitted_at TEXT NOT NULL, who TEXT NOT NULL, host TEXT NOT NULL,
            job TEXT NOT NULL, job_digest TEXT NOT NULL, nodes INTEGER NOT NULL CHECK (nodes >= 1),
            hardware TEXT NOT NULL, spot INTEGER NOT NULL DEFAULT 0, preemptible INTEGER NOT NULL DEFAULT 0,
            max_runtime INTEGER NOT NULL DEFAULT 0, job_type TEXT, workload TEXT, environment TEXT, regime TEXT,
            policy_version TEXT, request_digest TEXT, unit_price TEXT, currency TEXT, price_source TEXT,
            price_as_of TEXT, billable_seconds INTEGER, retries INTEGER NOT NULL DEFAULT 0,
            preemptions INTEGER NOT NULL DEFAULT 0, interruptions INTEGER NOT NULL DEFAULT 0,
            cloud_name TEXT, provider_id TEXT, vendor_state TEXT, reason TEXT, cause TEXT, model_uri TEXT,
            links TEXT, claimed_at TEXT, created_at TEXT, started_at TEXT, ended_at TEXT, last_seen_at TEXT,
            last_error TEXT, last_error_at TEXT, not_before TEXT, cancel_requested_at TEXT, cancelled_by TEXT,
            lease_token TEXT, lease_owner TEXT, lease_until TEXT,
            CHECK ((ended_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled', 'timed_out'))),
            CHECK (state IN ('queued', 'cancelled', 'failed') OR cloud_name IS NOT NULL))""",
        "CREATE UNIQUE INDEX submissions_cloud_name ON submissions (cloud_name) WHERE cloud_name IS NOT NULL",
        """CREATE INDEX submissions_waiting ON submissions (queue, priority, submitted_at, id)
            WHERE state = 'queued'""",
        """CREATE INDEX submissions_active ON submissions (state, queue)
            WHERE state IN ('submitting', 'pending', 'running', 'interrupted', 'stopping')""",
        "CREATE INDEX submissions_recent ON submissions (submitted_at DESC, id)",
        "CREATE INDEX submissions_by_queue ON submissions (queue, submitted_at DESC, id)",
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, submission TEXT NOT NULL REFERENCES submissions(id),
            at TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, data TEXT NOT NULL DEFAULT '{}')""",
        "CREATE INDEX events_of ON events (submission, seq)",
        """CREATE TABLE targets (
            zone TEXT NOT NULL, hardware TEXT NOT NULL, spot INTEGER NOT NULL, failures INTEGER NOT NULL,
            not_before TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (zone, hardware, spot))""",
    ):
        schema.execute(statement)
    schema.keep("events")


def _images(schema: Schema) -> None:
    """Images by zone and name; a digest that is recorded again moves to the end, and is the newest."""
    schema.execute(
        """CREATE TABLE images (
            zone TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, reference TEXT NOT NULL,
            tag TEXT NOT NULL, platform TEXT NOT NULL, recorded_at TEXT NOT NULL, who TEXT NOT NULL,
            source TEXT NOT NULL, pushed INTEGER NOT NULL CHECK (pushed IN (0, 1)),
            entrypoint TEXT, default_command TEXT, runtime TEXT,
            seq INTEGER PRIMARY KEY AUTOINCREMENT, UNIQUE (zone, name, digest))"""
    )


def _interruptions(schema: Schema) -> None:
    """Attempts that follow on interruptions: what came with earlier ones, and that no checkpoint was wanted."""
    for column in (
        "no_checkpoint INTEGER NOT NULL DEFAULT 0 CHECK (no_checkpoint IN (0, 1))",
        "interruptions_before INTEGER NOT NULL DEFAULT 0",
        "billed_before INTEGER NOT NULL DEFAULT 0",
        "stop_reason TEXT",
    ):
        schema.execute(f"ALTER TABLE submissions ADD COLUMN {column}")


def _fleet(schema: Schema) -> None:
    """What a shared fleet needs: who gives way to whom, labels, sweeps, agents, and lists that stay flat."""
    for column in (
        "labels TEXT", "max_preemptions INTEGER", "preempted_by TEXT", "max_queue_time INTEGER", "queued_at TEXT",
        "retry_of TEXT", "checkpoints_of TEXT", "sweep TEXT", "trial INTEGER", "parameters TEXT", "erased TEXT",
        "queue_until TEXT", "billed_at_retry INTEGER NOT NULL DEFAULT 0",
    ):  # fmt: skip
        schema.execute(f"ALTER TABLE submissions ADD COLUMN {column}")
    for statement in (
        "UPDATE submissions SET queued_at = submitted_at WHERE state = 'queued'",
        "ALTER TABLE queues ADD COLUMN draining INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1))",
        # With the time of submission, so that those with a label are found newest first, however many there are.
        """CREATE TABLE labels (
            submission TEXT NOT NULL REFERENCES submissions(id), key TEXT NOT NULL, value TEXT NOT NULL,
            submitted_at TEXT NOT NULL, PRIMARY KEY (submission, key))""",
        "CREATE INDEX labels_recent ON labels (key, value, submitted_at DESC, submission)",
        """CREATE TABLE sweeps (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, who TEXT NOT NULL, host TEXT NOT NULL,
            submitted_at TEXT NOT NULL, document TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
            reason TEXT, ended_at TEXT)""",
        "CREATE INDEX sweeps_recent ON sweeps (submitted_at DESC, id)",
        """CREATE TABLE metrics (
            submission TEXT NOT NULL REFERENCES submissions(id), name TEXT NOT NULL, step INTEGER,
            value DOUBLE PRECISION, at TEXT NOT NULL, PRIMARY KEY (submission, name))""",
        """CREATE TABLE agents (
            name TEXT PRIMARY KEY, token TEXT NOT NULL, owner TEXT NOT NULL, host TEXT NOT NULL,
            started_at TEXT NOT NULL, seen_at TEXT NOT NULL, document TEXT NOT NULL)""",
        """CREATE TABLE turns (
            name TEXT PRIMARY KEY, token TEXT NOT NULL, owner TEXT NOT NULL, until TEXT NOT NULL)""",
        *_indexes(),
    ):
        schema.execute(statement)
    # An erasure takes out who it was and what was said; what happened, and when, stays for the auditor.
    unchanged = " AND ".join(f"NEW.{name} = OLD.{name}" for name in ("seq", "submission", "at", "kind"))
    who = f"NEW.who IN (OLD.who, '{ERASED}')"
    marked = f"SELECT 1 FROM submissions WHERE id = OLD.submission AND erased = '{UNDER_WAY}'"
    schema.keep("events", f"{unchanged} AND {who} AND EXISTS ({marked})")
    # The mark is set on what has ended only, and comes off for a tombstone only: an erasure leaves a trace.
    tombstone = f"SELECT 1 FROM events WHERE submission = NEW.id AND kind = '{ERASED}' AND at = NEW.erased"
    over = f"coalesce(NEW.erased, '') = '{UNDER_WAY}' AND NEW.ended_at IS NOT NULL"
    schema.watch("submissions", "erased", f"({over}) OR EXISTS ({tombstone})")


def _indexes() -> Iterator[str]:
    """Indexes that keep every list flat: for each part of a submission's life those of its own.

    What waits and runs is little and changes often; what has ended is much and never changes. So the columns that
    a history is searched by are indexed from the end on, together with how it ended.
    """
    newest = "submitted_at DESC, id"
    # Behind the order, so that a filter reads no row that it does not want.
    filters = ("queue", "who", "priority", "regime", "job_type")
    waiting = f"{newest}, {', '.join(filters)}"
    yield "DROP INDEX submissions_by_queue"
    yield "DROP INDEX submissions_active"
    yield "DROP INDEX submissions_waiting"
    active = "state IN ('submitting', 'pending', 'running', 'interrupted', 'stopping')"
    # Whatever may keep a job from going is behind the order: those that may not go are passed over in the index.
    held = "zone, hardware, spot, not_before, cancel_requested_at, sweep, job_type, host, state"
    for name, columns, condition in (
        ("waiting", f"queue, priority, submitted_at, id, {held}", "state = 'queued'"),
        ("queued", waiting, "state = 'queued'"),
        ("queued_by_queue", f"queue, {waiting.replace(' queue,', '')}", "state = 'queued'"),
        ("queued_by_who", f"who, {waiting.replace(' who,', '')}", "state = 'queued'"),
        ("overdue", "queue_until", "state = 'queued' AND queue_until IS NOT NULL"),
        ("waiting_again", "spot", "state = 'queued' AND claimed_at IS NOT NULL"),
        ("withdrawn", "cancel_requested_at", "state = 'queued' AND cancel_requested_at IS NOT NULL"),
        ("active", f"{waiting}, state", active),
        ("load", f"queue, {newest}, nodes, state, zone, hardware, spot", active),
        ("ended", newest, "ended_at IS NOT NULL"),
        ("ended_by_state", f"state, {newest}", "ended_at IS NOT NULL"),
        *((f"ended_by_{column}", f"{column}, state, {newest}", "ended_at IS NOT NULL") for column in filters),
        ("of_sweep", "sweep, trial", "sweep IS NOT NULL"),
    ):
        yield f"CREATE INDEX submissions_{name} ON submissions ({columns}) WHERE {condition}"


ERASED = "erased"
"""In place of a name that was erased."""
UNDER_WAY = "under way"
"""A submission's mark while its names are taken out, in one transaction; afterwards it is the time of that."""

MIGRATIONS: tuple[Callable[[Schema], None], ...] = (_first, _images, _interruptions, _fleet)
SCHEMA = len(MIGRATIONS)
APPLICATION = 0x6C776179
"""SQLite's application id of a ledger (`lway`), so that another program's database is recognised as such."""
