"""Queues as they stand, in the ledger's database: who waits there and in which order, and what runs."""

from __future__ import annotations

from collections.abc import Collection

from dispatcher.ledger import picking
from dispatcher.ledger.engine import Engine
from dispatcher.ledger.picking import ACTIVE_STATES
from dispatcher.ledger.rows import Entry
from dispatcher.ledger.statements import entries, marks
from dispatcher.ledger.values import Load

_NEWEST = 10_000
"""So many of those that ended are looked through for who ended lately."""


def waiting(engine: Engine, queue: str | None, limit: int | None) -> list[Entry]:
    """As Ledger.waiting."""
    where, given = ("AND queue = ?", [queue]) if queue is not None else ("", [])
    cut, most = ("", []) if limit is None else ("LIMIT ?", [limit])
    order = f"ORDER BY priority, submitted_at, id {cut}"
    return entries(engine, f"WHERE state = 'queued' {where} {order}", [*given, *most])


def place(engine: Engine, entry: Entry, now: str, ageing: int | None) -> int:
    """As Ledger.place."""
    sql = "SELECT count(*) FROM submissions WHERE state = 'queued' AND queue = ? AND priority = ?"
    before = picking.bounds(entry, now, ageing)
    counts = [engine.rows(f"{sql} AND (submitted_at, id) < (?, ?)", (entry.queue, *bound)) for bound in before]
    return sum(rows[0][0] for rows in counts)


def ahead(engine: Engine, entry: Entry, limit: int, now: str, ageing: int | None) -> list[Entry]:
    """As Ledger.ahead."""
    found: list[Entry] = []
    for bound in picking.bounds(entry, now, ageing):
        found += entries(
            engine,
            "WHERE state = 'queued' AND queue = ? AND priority = ? AND (submitted_at, id) < (?, ?)"
            " ORDER BY submitted_at, id LIMIT ?",
            (entry.queue, *bound, limit),
        )
    return sorted(found, key=lambda one: picking.order(one, now, ageing))[:limit]


def rivals(engine: Engine, entry: Entry) -> int:
    """As Ledger.rivals."""
    where = f"state IN ({ACTIVE_STATES}) AND id <> ? AND zone = ?"
    found: int = engine.rows(f"SELECT count(*) FROM submissions WHERE {where}", (entry.id, entry.zone))[0][0]
    return found


def left(engine: Engine, entry: Entry, since: str) -> set[tuple[str, str, int]]:
    """As Ledger.left; it looks at the newest that ended, for a ledger keeps all of them for ever."""
    what, mine = "zone, hardware, spot", "zone = ? AND id <> ?"
    ended = (
        f"SELECT id, {what}, ended_at FROM submissions WHERE ended_at IS NOT NULL"
        " ORDER BY submitted_at DESC, id LIMIT ?"
    )
    back = "state = 'queued' AND claimed_at IS NOT NULL AND attempt > 1 AND queued_at > ?"
    rows = engine.rows(
        f"SELECT {what} FROM ({ended}) AS ended WHERE {mine} AND ended_at > ?"
        f" UNION SELECT {what} FROM submissions WHERE {mine} AND {back}",
        (_NEWEST, *(entry.zone, entry.id, since) * 2),
    )
    return {(str(zone), str(hardware), int(spot)) for zone, hardware, spot in rows}


def loads(engine: Engine) -> dict[str, Load]:
    """As Ledger.loads."""
    queued = "SELECT queue, count(*), min(submitted_at) FROM submissions WHERE state = 'queued' GROUP BY queue"
    active = "SELECT queue, count(*), sum(nodes) FROM submissions"
    active += f" WHERE state IN ({ACTIVE_STATES}) GROUP BY queue"
    waiting = {queue: (count, since) for queue, count, since in engine.rows(queued)}
    running = {queue: (count, int(nodes)) for queue, count, nodes in engine.rows(active)}
    found = sorted({*waiting, *running})
    return {name: Load(*waiting.get(name, (0, None)), *running.get(name, (0, 0))) for name in found}


def active(engine: Engine, queues: Collection[str] | None) -> list[Entry]:
    """As Ledger.active."""
    only, given = ("", ()) if queues is None else (f" AND queue IN ({marks(queues)})", tuple(sorted(queues)))
    if queues is not None and not queues:
        return []
    return entries(engine, f"WHERE state IN ({ACTIVE_STATES}){only} ORDER BY priority, submitted_at, id", given)
