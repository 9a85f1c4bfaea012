"""A process that dies where it is told: at a commit of its ledger, or beside a call to its cloud.

Points have names such as `claim: before its commit`, `claim: committed`, `submit: before the call`, and
`submit: answered`. They are found by being passed, so that none has to be listed here. What order and money are
judged by is noted in the journal on the way.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatcher.ledger.rows import Entry
from tests.chaos.journal import Journal

CALLS = ("submit", "adopt", "poll", "cancel", "stage")
"""Verbs of a backend that reach the network."""

NOTED = ("add", "claim", "change", "hold_back", "release")
"""Changes of a ledger that decide who may go when."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a process dies: the `nth` time it passes a point from the moment it hears of it."""

    point: str
    nth: int = 1

    def tell(self, folder: Path, process: str, pid: int) -> None:
        """Let a process know; it dies soon, or never passes the point again."""
        folder.mkdir(exist_ok=True)
        (folder / process).write_text(json.dumps([self.point, self.nth]))
        os.kill(pid, signal.SIGUSR1)

    @classmethod
    def heard(cls, folder: Path, process: str) -> Fate:
        """What this process was told."""
        return cls(*json.loads((folder / process).read_text()))


class _Doing(threading.local):
    """Which method of its ledger a thread is in, and whether that has committed anything."""

    method = ""
    committed = False


@dataclass
class Dying:
    """Watches the points that this process passes."""

    journal: Journal
    _passed: set[str] = field(default_factory=set)
    _point: str = ""
    _left: int = 0
    _doing: _Doing = field(default_factory=lambda: _Doing())

    def at(self, point: str) -> None:
        """Pass a point, or die there."""
        if point not in self._passed:
            self._passed.add(point)
            self.journal.note("point", point=point)
        if point == self._point:
            self._left -= 1
            if self._left <= 0:
                self.journal.note("died", point=point)
                os.kill(os.getpid(), signal.SIGKILL)

    def doom(self, fate: Fate) -> None:
        """From now on this fate holds."""
        self._point, self._left = fate.point, fate.nth

    def commit(self) -> None:
        """The open transaction is about to be committed."""
        if self._doing.method:
            self._doing.committed = True
            self.at(f"{self._doing.method}: before its commit")

    def ledger(self, kind: type[Any]) -> None:
        """Watch every method of a ledger's class."""
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_") and name != "close":
                setattr(kind, name, self._watched(name, method))

    def backend(self, kind: type[Any]) -> None:
        """Watch the calls of a backend's class."""
        for name in CALLS:
            setattr(kind, name, self._called(name, getattr(kind, name)))

    def _watched(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def watched(*arguments: Any, **named: Any) -> Any:
            outer, self._doing.method, self._doing.committed = self._doing.method, name, False
            given = signature.bind(*arguments, **named).arguments if name in NOTED else {}
            if given:
                self.journal.note(f"{name}?", **_told(name, given))
            try:
                result = method(*arguments, **named)
            except BaseException as error:
                if given:
                    self.journal.note(f"{name}!", error=str(error))
                raise
            finally:
                self._doing.method = outer
            if given:
                self.journal.note(f"{name}.", **_answered(result))
            if self._doing.committed:
                self.at(f"{name}: committed")
            return result

        return watched

    def _called(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def called(*arguments: Any, **named: Any) -> Any:
            self.at(f"{name}: before the call")
            result = method(*arguments, **named)
            self.at(f"{name}: answered")
            return result

        return called


def watch_sqlite(dying: Dying) -> None:
    """Make every SQLite connection tell when a transaction is about to be committed."""
    connect = sqlite3.connect

    @functools.wraps(connect)
    def watched(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)

        def seen(statement: str) -> None:
            if statement.startswith("COMMIT"):
                dying.commit()

        connection.set_trace_callback(seen)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment] # the very same signature


def watch_postgres(dying: Dying) -> None:
    """Make every PostgreSQL connection tell the same."""
    import psycopg

    execute = psycopg.Connection.execute

    @functools.wraps(execute)
    def watched(self: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        if query == "COMMIT":
            dying.commit()
        return execute(self, query, *arguments, **named)

    psycopg.Connection.execute = watched  # type: ignore[method-assign] # the very same signature


def _told(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What the oracle needs of a call."""
    if name == "add":
        return _named(given["entry"])
    if name == "claim":
        return {
            "queue": given["queue"],
            "now": given["now"],
            "skip": sorted(given.get("skip", ())),
            "takes": sorted(given.get("takes", ())),
            "owner": given["lease"].owner,
        }
    if name == "change":
        columns = given["columns"]
        kept = ("state", "priority", "not_before", "cancel_requested_at", "spot", "attempt")
        return {"id": given["id"], **{key: columns[key] for key in kept if key in columns}}
    if name == "hold_back":
        target = given["target"]
        return {"target": [target.zone, target.hardware, target.spot], "until": target.not_before}
    return {"target": [given["zone"], given["hardware"], given["spot"]]}


def _answered(result: Any) -> dict[str, Any]:
    if isinstance(result, Entry):
        return _named(result)
    return {"done": result} if isinstance(result, bool) else {}


def _named(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "slug": entry.slug,
        "queue": entry.queue,
        "order": list(entry.order),
        "target": [entry.zone, entry.hardware, entry.spot],
        "job_type": entry.job_type,
    }
