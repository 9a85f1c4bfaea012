"""Opening a ledger that is a SQLite file, and SQLite's errors in words that say what to do."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from dispatcher.errors import LedgerError, OutdatedError, UnreachableError
from dispatcher.ledger.address import VARIABLE
from dispatcher.ledger.engine import RuleBroken
from dispatcher.ledger.migrations import APPLICATION, MIGRATIONS, SCHEMA, SqliteSchema


def connect(path: Path, *, readonly: bool, patience: float) -> sqlite3.Connection:
    """Open a ledger and bring its schema up to date; a reader of a file that does not exist sees an empty one."""
    with translated(path):
        if readonly and not path.exists():
            connection = _open("file::memory:", patience)
            _migrate(connection, path)
            return connection
        if readonly:
            connection = _open_for_reading(path, patience)
            if schema(connection, path) == SCHEMA:
                return connection
            connection.close()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            reason = f"the ledger's directory {path.parent} cannot be made: {error.strerror}"
            raise LedgerError(reason, f"name another place with --ledger or {VARIABLE}") from error
        new = not path.exists()
        connection = _open(_uri(path), patience)
        if new:
            with contextlib.suppress(OSError):
                path.chmod(0o600)
        _migrate(connection, path)
        return connection


def _uri(path: Path, options: str = "") -> str:
    return f"file:{quote(str(path))}{options}"


def _open(uri: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        if "mode=ro" not in uri:
            connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _open_for_reading(path: Path, patience: float) -> sqlite3.Connection:
    """A read-only connection; where not even the log's index may be made, the file is read as it lies there."""
    connection = _open(_uri(path, "?mode=ro"), patience)
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        unwritable = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
        if error.sqlite_errorcode & 0xFF not in unwritable:
            raise
        connection.close()
        connection = _open(_uri(path, "?mode=ro&immutable=1"), patience)
    return connection


def duplicate(path: Path, copy: Path) -> None:
    """Copy a ledger of whichever schema into a new file; it is not changed, nor need it be writable."""
    with translated(path):
        source = _open_for_reading(path, 5.0)
        try:
            schema(source, path)
            target = _open(_uri(copy), 5.0)
            try:
                source.backup(target)
            finally:
                target.close()
        finally:
            source.close()


def schema(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file that is a ledger; 0 when it is empty. Raises LedgerError for anything else."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION:
        tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables or version:
            raise LedgerError(f"{path} is a database of another program, not a ledger", _ELSEWHERE)
        return 0
    if version > SCHEMA:
        raise OutdatedError(
            f"the ledger {path} was written by a newer launchway (schema {version}, this one knows {SCHEMA})",
            "upgrade this one: pip install -U launchway",
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if schema(connection, path) == SCHEMA:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number, migration in enumerate(MIGRATIONS[schema(connection, path) :], schema(connection, path) + 1):
            migration(SqliteSchema(connection))
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_ROOM = 64 * 1024
"""Bytes: the index of the write-ahead log takes 32 KiB, and the log itself some pages."""

_ELSEWHERE = f"name another file with --ledger or {VARIABLE}"


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ones that name the ledger and the remedy; a failed change left nothing behind."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise UnreachableError(
                f"the ledger {path} is locked by another process", "try again in a moment; no job was changed"
            ) from error
        if primary == sqlite3.SQLITE_CONSTRAINT:
            raise RuleBroken(str(error)) from error
        raise LedgerError(*_words(primary, path, error)) from error


def _full(path: Path) -> bool:
    """True when the disk has less room than SQLite needs beside the file; it calls that an I/O error."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM
    except OSError:
        return False


def _words(code: int | None, path: Path, error: sqlite3.Error) -> tuple[str, str]:
    if path.is_dir():
        return f"the ledger {path} is a directory", _ELSEWHERE
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _full(path)):
        return f"the disk of the ledger {path} is full; nothing was recorded", "free some space, then try again"
    if code == sqlite3.SQLITE_READONLY:
        return f"the ledger {path} is read-only", f"chmod u+w {path} (and its directory), or {_ELSEWHERE}"
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path} is not a ledger", _ELSEWHERE
    if code == sqlite3.SQLITE_CORRUPT:
        return f"the ledger {path} is damaged: {error}", f"restore it from a backup, or {_ELSEWHERE}"
    if code == sqlite3.SQLITE_CANTOPEN:
        writable = os.access(path.parent, os.W_OK | os.X_OK)
        reason = "cannot be opened" if writable else "cannot be opened: its directory is not writable"
        return f"the ledger {path} {reason}", _ELSEWHERE
    return f"the ledger {path} failed: {error}", _ELSEWHERE
