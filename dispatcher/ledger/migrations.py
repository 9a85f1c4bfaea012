"""The ledger's schema as a list of plain functions; a released one is never edited, only followed by another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable


def _first(connection: sqlite3.Connection) -> None:
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
        """CREATE TRIGGER events_are_kept BEFORE DELETE ON events
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
        """CREATE TRIGGER events_are_final BEFORE UPDATE ON events
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
        """CREATE TABLE targets (
            zone TEXT NOT NULL, hardware TEXT NOT NULL, spot INTEGER NOT NULL, failures INTEGER NOT NULL,
            not_before TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (zone, hardware, spot))""",
    ):
        connection.execute(statement)


def _images(connection: sqlite3.Connection) -> None:
    """Images by zone and name; a digest that is recorded again moves to the end, and is the newest."""
    connection.execute(
        """CREATE TABLE images (
            zone TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, reference TEXT NOT NULL,
            tag TEXT NOT NULL, platform TEXT NOT NULL, recorded_at TEXT NOT NULL, who TEXT NOT NULL,
            source TEXT NOT NULL, pushed INTEGER NOT NULL CHECK (pushed IN (0, 1)),
            entrypoint TEXT, default_command TEXT, runtime TEXT,
            seq INTEGER PRIMARY KEY AUTOINCREMENT, UNIQUE (zone, name, digest))"""
    )


def _interruptions(connection: sqlite3.Connection) -> None:
    """Attempts that follow on interruptions: what came with earlier ones, and that no checkpoint was wanted."""
    for column in (
        "no_checkpoint INTEGER NOT NULL DEFAULT 0 CHECK (no_checkpoint IN (0, 1))",
        "interruptions_before INTEGER NOT NULL DEFAULT 0",
        "billed_before INTEGER NOT NULL DEFAULT 0",
        "stop_reason TEXT",
    ):
        connection.execute(f"ALTER TABLE submissions ADD COLUMN {column}")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _images, _interruptions)
SCHEMA = len(MIGRATIONS)
APPLICATION = 0x6C776179
"""SQLite's application id of a ledger (`lway`), so that another program's database is recognised as such."""
