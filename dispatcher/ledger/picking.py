"""Who goes first in a queue, as SQL: the one place that knows the order, with ageing and without.

Ageing turns on moments, not on differences: a job has waited for k steps when it was submitted before `now` less k
steps. So everything is a comparison of texts, and each priority by itself stays in the order of its index.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from dispatcher.clock import moment, stamp
from dispatcher.ledger.engine import Sql
from dispatcher.ledger.rows import ACTIVE, ENTRY_COLUMNS, Entry
from dispatcher.ledger.values import Caps, Lease

CLASSES = range(4)
"""Priorities, the most urgent first (dispatcher.job.Priority)."""

_LAST = "\U0010ffff"
"""Sorts behind every text that is written here."""

ACTIVE_STATES = ", ".join(f"'{state}'" for state in ACTIVE)
"""Written out, as in the partial indexes: a database uses those only where it can see that they fit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which waiting jobs of a queue may go, as Ledger.claim has it."""

    queue: str
    now: str
    takes: Collection[str] = ()
    skip: Collection[str] = ()
    ageing: int | None = None
    host: str | None = None


def first(wanted: Wanted, locking: str = "") -> Sql:
    """SELECT the id of the first that may go. `locking` follows the SELECT; with ageing, a union, it cannot."""
    eligible = _eligible(wanted)
    if wanted.ageing is None:
        text = f"SELECT id FROM submissions WHERE {eligible.text} ORDER BY priority, submitted_at, id LIMIT 1"
        return Sql(f"{text} {locking}".rstrip(), eligible.values)
    # Of each priority only the oldest can be first, so four look-ups in the index are enough.
    heads = " UNION ALL ".join(
        f"SELECT * FROM (SELECT id, priority, submitted_at FROM submissions WHERE {eligible.text}"
        f" AND priority = {number} ORDER BY submitted_at, id LIMIT 1) AS class{number}"
        for number in CLASSES
    )
    aged = _aged(wanted.now, wanted.ageing)
    text = f"SELECT id FROM ({heads}) AS heads ORDER BY {aged.text}, submitted_at, id LIMIT 1"
    return Sql(text, (*eligible.values * len(CLASSES), *aged.values))


def fits(wanted: Wanted, caps: Caps) -> Sql:
    """The condition, for a submission, that its queue is open and has room for it.

    Room is what the caps leave; where the first of the queue is of a job type that is not wanted here, what they
    leave beside that one. Else small jobs of one type would go past a large one of another for ever.
    """
    queue = wanted.queue
    values: list[object] = [queue]
    terms = ["NOT EXISTS (SELECT 1 FROM queues WHERE name = ? AND paused = 1)"]
    room = _room(queue, caps)
    if room is not None:
        terms.append(room.text)
        values += room.values
        if wanted.takes:
            head = first(replace(wanted, takes=()))
            nodes = f"(SELECT before.nodes FROM submissions AS before WHERE before.id = ({head.text}))"
            beside = _room(queue, caps, Sql(nodes, head.values))
            assert beside is not None
            terms.append(f"(id = ({head.text}) OR ({beside.text}))")
            values += [*head.values, *beside.values]
    return Sql(" AND ".join(terms), tuple(values))


def _room(queue: str, caps: Caps, beside: Sql | None = None) -> Sql | None:
    """The condition that the caps of a queue leave room for a submission; `beside` are the nodes of one more."""
    terms: list[str] = []
    values: list[object] = []
    busy = f"FROM submissions AS busy WHERE busy.queue = ? AND busy.state IN ({ACTIVE_STATES})"
    if caps.running is not None:
        terms.append(f"(SELECT count(*) FROM (SELECT 1 {busy} LIMIT ?) AS slots) < ?")
        values += [queue, caps.running, caps.running - (beside is not None)]
    if caps.nodes is not None:
        more = f" + {beside.text}" if beside else ""
        terms.append(f"nodes + (SELECT coalesce(sum(busy.nodes), 0) {busy}){more} <= ?")
        values += [queue, *(beside.values if beside else ()), caps.nodes]
    return Sql(" AND ".join(terms), tuple(values)) if terms else None


def claim(first: Sql, fits: Sql, lease: Lease, now: str) -> Sql:
    """UPDATE that one to `submitting`, if there is room, and return it: one statement, so nobody comes between."""
    return Sql(
        "UPDATE submissions SET state = 'submitting', cloud_name = slug || '-' || id || '-' || attempt,"
        " request_digest = NULL, claimed_at = ?, lease_token = ?, lease_owner = ?, lease_until = ?,"
        " last_error = NULL, last_error_at = NULL"
        f" WHERE id = ({first.text}) AND state = 'queued' AND cancel_requested_at IS NULL AND {fits.text}"
        f" RETURNING {', '.join(ENTRY_COLUMNS)}",
        (now, lease.token, lease.owner, lease.until, *first.values, *fits.values),
    )


def told(claim: Sql, guard: str, owner: str, now: str) -> Sql:
    """The same claim, and its event with it: one statement, where a database takes an INSERT in a WITH.

    `owner` has been cleaned. The cloud name is made of what the row holds: the name in a job's document, which was
    looked at when it was recorded.
    """
    data = """'{"attempt": ' || attempt || ', "cloud_name": ' || to_json(cloud_name) || '}'"""
    guarded = claim.text.replace(" RETURNING ", f" AND {guard} RETURNING ")
    return Sql(
        f"WITH claimed AS ({guarded}), told AS (INSERT INTO events (submission, at, kind, who, data)"
        f" SELECT id, CAST(? AS TEXT), 'claimed', CAST(? AS TEXT), {data} FROM claimed)"
        f" SELECT {', '.join(ENTRY_COLUMNS)} FROM claimed",
        (*claim.values, now, owner),
    )


def take_over(entry: Entry, lease: Lease, now: str, *, dead: bool) -> Sql:
    """UPDATE the lease of an entry as it was read, if it ran out or its owner is `dead`, and return the entry."""
    token = entry.lease_token
    same = Sql("lease_token IS NULL") if token is None else Sql("lease_token = ?", (token,))
    out = Sql("1 = 1") if dead else Sql("(lease_until IS NULL OR lease_until <= ?)", (now,))
    return Sql(
        "UPDATE submissions SET lease_token = ?, lease_owner = ?, lease_until = ?"
        f" WHERE id = ? AND state = 'submitting' AND {same.text} AND {out.text}"
        f" RETURNING {', '.join(ENTRY_COLUMNS)}",
        (lease.token, lease.owner, lease.until, entry.id, *same.values, *out.values),
    )


def queues() -> str:
    """SELECT the names of the queues in which somebody waits: one step in the index for each, however many do."""
    step = "SELECT queue FROM submissions WHERE state = 'queued' AND queue > {} ORDER BY queue LIMIT 1"
    first, then = step.format("''"), step.format("line.name")
    return (
        f"WITH RECURSIVE line(name) AS (SELECT * FROM ({first}) AS first UNION ALL"
        f" SELECT ({then}) FROM line WHERE line.name IS NOT NULL)"
        " SELECT name FROM line WHERE name IS NOT NULL ORDER BY name"
    )


def order(entry: Entry, now: str, ageing: int | None) -> tuple[int, str, str]:
    """What decides when a waiting submission goes: the least goes first."""
    rank = entry.priority if ageing is None else _rank(entry, now, ageing)
    return (rank, entry.submitted_at, entry.id)


def bounds(entry: Entry, now: str, ageing: int | None) -> list[tuple[int, str, str]]:
    """For each priority with jobs ahead of a waiting one: those are ahead that are less than (time, id)."""
    mine = (entry.submitted_at, entry.id)
    if ageing is None:
        ahead = [(number, (_LAST, "")) for number in CLASSES if number < entry.priority]
        return [(number, *bound) for number, bound in [*ahead, (entry.priority, mine)]]
    rank = _rank(entry, now, ageing)
    found = []
    for number in CLASSES:
        better = _reached(number, rank - 1, now, ageing)
        level = _reached(number, rank, now, ageing)
        bound = max(better, min(mine, level))
        if bound > ("", ""):
            found.append((number, *bound))
    return found


def _reached(priority: int, rank: int, now: str, ageing: int) -> tuple[str, str]:
    """The (time, id) below which jobs of a priority have become as urgent as `rank`, or more."""
    if priority <= rank:
        return (_LAST, "")
    if rank < 1:
        return ("", "")
    return (_waited(priority - rank, now, ageing), _LAST)


def _rank(entry: Entry, now: str, ageing: int) -> int:
    steps = sum(entry.submitted_at <= _waited(count, now, ageing) for count in CLASSES[1:])
    return min(entry.priority, max(1, entry.priority - steps))


def _waited(steps: int, now: str, ageing: int) -> str:
    """The last moment of submission of a job that has waited for so many steps."""
    return stamp(moment(now) - steps * ageing)


def _aged(now: str, ageing: int) -> Sql:
    """The priority that a job's waiting has given it; nothing becomes critical."""
    once, twice = _waited(1, now, ageing), _waited(2, now, ageing)
    return Sql(
        "CASE WHEN priority = 2 AND submitted_at <= ? THEN 1 WHEN priority = 3 AND submitted_at <= ? THEN 1"
        " WHEN priority = 3 AND submitted_at <= ? THEN 2 ELSE priority END",
        (once, twice, once),
    )


def _eligible(wanted: Wanted) -> Sql:
    terms = [
        "state = 'queued' AND queue = ? AND cancel_requested_at IS NULL",
        "(not_before IS NULL OR not_before <= ?)",
        "NOT EXISTS (SELECT 1 FROM targets AS held WHERE held.zone = submissions.zone"
        " AND held.hardware = submissions.hardware AND held.spot = submissions.spot AND held.not_before > ?)",
        # Whoever stops a sweep, no trial starts from then on, whichever process would have sent it.
        "(sweep IS NULL OR NOT EXISTS (SELECT 1 FROM sweeps AS over WHERE over.id = submissions.sweep"
        " AND over.state IN ('stopping', 'stopped')))",
    ]
    values: list[object] = [wanted.queue, wanted.now, wanted.now]
    for column, given, word in (("job_type", wanted.takes, "IN"), ("id", wanted.skip, "NOT IN")):
        if given:
            terms.append(f"{column} {word} ({', '.join('?' * len(given))})")
            values += sorted(given)
    if wanted.host is not None:
        terms.append("host = ?")
        values.append(wanted.host)
    return Sql(" AND ".join(terms), tuple(values))
