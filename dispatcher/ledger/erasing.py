"""Erasure: the names of people and their machines go out of what has ended; what happened, and when, stays.

A name goes out of every column and event of a submission, whole words only: as who submitted it, as who had a part
in it, and in texts (a path in a command, a label, a cloud's words). Digests, times, states and costs stay, and an
event `erased` is the tombstone for an auditor. The tables themselves let events be changed in no other way
(dispatcher.ledger.migrations).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.ledger.engine import Engine, Transaction
from dispatcher.ledger.migrations import ERASED, UNDER_WAY
from dispatcher.ledger.rows import Entry, Event
from dispatcher.ledger.statements import labelling, marks, names

_BATCH = 200
"""Submissions that are read at once, and changed in one transaction."""
_KEPT = frozenset({"id", "queue", "zone", "cloud", "region", "state", "job_digest", "request_digest", "hardware"})
"""Columns of a submission that are nobody's name, and that others point to."""
_TOMBSTONE = "erased"
_PEOPLE = ("who", "cancelled_by", "lease_owner")


@dataclass(frozen=True, slots=True)
class Erased:
    """How many submissions, events and other rows lost a name; `open` submissions have not ended, and kept it."""

    submissions: int = 0
    events: int = 0
    others: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """Erase everybody, or one `person`, in what ended before `before`. `by` is who orders it, at `now`."""

    before: str
    person: str | None
    by: str
    now: str


def erase(engine: Engine, order: Order) -> Erased:
    """Carry it out; what is done is done for good, also when a later part fails."""
    found = Erased(open=_open(engine, order.person))
    hosts: set[str] = set()
    for part in _ended(engine, order.before):
        changes = [(one, *_changed(one, events, order)) for one, events in part]
        hosts.update(one.host for one, _ in part if one.who == order.person)
        with engine.change() as db:
            for one, entry, events in changes:
                if entry != one or events:
                    _replace(db, one, entry, events, order)
                    found = dataclasses.replace(
                        found, submissions=found.submissions + 1, events=found.events + len(events)
                    )
    with engine.change() as db:
        return dataclasses.replace(found, others=_others(db, order, hosts))


def words(entry: Entry, events: Sequence[Event], person: str | None) -> set[str]:
    """The names in a submission that are to go: everybody's, or those of one person and of that one's machines."""
    found: set[str] = set()
    for text in (*(getattr(entry, column) for column in _PEOPLE), *(event.who for event in events)):
        name, host = _parted(text or "")
        if person is None or name == person:
            found |= {name, host}
    if person is None or entry.who == person:
        found |= {entry.who, entry.host}
    return found - {"", ERASED}


def without(text: str, words: Collection[str]) -> str:
    """The text with each of the words, where it stands by itself, replaced."""
    if not words or text == ERASED:
        return text
    longest = sorted(words, key=len, reverse=True)
    # An owner is one person's process on one machine: nothing of it stays.
    owner = "|".join(rf"{re.escape(word)}@[^\s\"#]+#[\w-]+" for word in longest)
    alone = "|".join(map(re.escape, longest))
    return re.sub(rf"(?<!\w)(?:{owner}|{alone})(?!\w)", ERASED, text)


def _cleaned(text: str, words: Collection[str]) -> str:
    """The same for a column: in a JSON document a name may be spelt with escapes, so that is read first."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict | list):
        return without(text, words)
    cleaned = _walked(document, words)
    return text if cleaned == document else json.dumps(cleaned, ensure_ascii=False)


def _walked(document: Any, words: Collection[str]) -> Any:
    if isinstance(document, dict):
        return {without(key, words): _walked(value, words) for key, value in document.items()}
    if isinstance(document, list):
        return [_walked(value, words) for value in document]
    return without(document, words) if isinstance(document, str) else document


def _changed(entry: Entry, events: Sequence[Event], order: Order) -> tuple[Entry, list[Event]]:
    """The submission, and those of its events that change, without the names.

    Who ordered an erasure stays in its tombstone, unless that one person is to go.
    """
    if order.person is None:
        events = [event for event in events if event.kind != _TOMBSTONE]
    gone = words(entry, events, order.person)
    columns: dict[str, Any] = {
        column: _cleaned(value, gone)
        for column in Entry.__dataclass_fields__
        if column not in _KEPT and isinstance(value := getattr(entry, column), str)
    }
    cleaned = [
        dataclasses.replace(event, who=without(event.who, gone), data=_cleaned(event.data, gone))
        for event in events
    ]
    return dataclasses.replace(entry, **columns), [
        new for old, new in zip(events, cleaned, strict=True) if new != old
    ]


def _parted(text: str) -> tuple[str, str]:
    """The person and the machine in `who@host#process`, or in a plain name."""
    place, found, _ = text.rpartition("#")
    if not found:
        return text, ""
    name, _, host = place.rpartition("@")
    return name, host


def _ended(engine: Engine, before: str) -> Iterator[list[tuple[Entry, list[Event]]]]:
    """Submissions that ended before a moment, with their events, in portions."""
    last = ""
    while True:
        rows = engine.rows(
            f"SELECT {names(Entry)} FROM submissions WHERE id > ? AND ended_at IS NOT NULL AND ended_at < ?"
            " ORDER BY id LIMIT ?",
            (last, before, _BATCH),
        )
        if not rows:
            return
        entries = [Entry(*row) for row in rows]
        last = entries[-1].id
        ids = [entry.id for entry in entries]
        sql = f"SELECT {names(Event)} FROM events WHERE submission IN ({marks(ids)}) ORDER BY seq"
        events: dict[str, list[Event]] = {id: [] for id in ids}
        for row in engine.rows(sql, ids):
            event = Event(*row)
            events[event.submission].append(event)
        yield [(entry, events[entry.id]) for entry in entries]


def _replace(db: Transaction, old: Entry, new: Entry, events: Sequence[Event], order: Order) -> None:
    """Write it. The mark that lets events change is gone when the transaction ends."""
    changed = {
        column: getattr(new, column)
        for column in Entry.__dataclass_fields__
        if getattr(new, column) != getattr(old, column)
    }
    assigned = "".join(f"{column} = ?, " for column in changed)
    db.run(f"UPDATE submissions SET {assigned}erased = ? WHERE id = ?", [*changed.values(), UNDER_WAY, new.id])
    for event in events:
        db.run("UPDATE events SET who = ?, data = ? WHERE seq = ?", (event.who, event.data, event.seq))
    if new.labels != old.labels:
        db.run("DELETE FROM labels WHERE submission = ?", (new.id,))
        db.many(*labelling(new))
    data = json.dumps({"events": len(events), "person": "everybody" if order.person is None else "one"})
    by = ERASED if order.by == order.person else order.by
    db.run(
        "INSERT INTO events (submission, at, kind, who, data) VALUES (?, ?, ?, ?, ?)",
        (new.id, order.now, _TOMBSTONE, by, data),
    )
    db.run("UPDATE submissions SET erased = ? WHERE id = ?", (order.now, new.id))


def _open(engine: Engine, person: str | None) -> int:
    """How many of theirs have not ended, and stay as they are."""
    whose, given = ("", ()) if person is None else (" AND who = ?", (person,))
    found: int = engine.rows(f"SELECT count(*) FROM submissions WHERE ended_at IS NULL{whose}", given)[0][0]
    return found


def _others(db: Transaction, order: Order, hosts: Collection[str]) -> int:
    """Rows of other tables: images, sweeps that ended, agents and turns that are over, why a queue is paused."""
    one, whose = ("", ()) if order.person is None else (" AND who = ?", (order.person,))
    by_owner, theirs = (
        ("", ()) if order.person is None else (" AND owner LIKE ? ESCAPE '!'", (_like(order.person),))
    )
    found = db.run(
        f"UPDATE images SET who = ?, source = ? WHERE recorded_at < ? AND who <> ?{one}",
        (ERASED, ERASED, order.before, ERASED, *whose),
    )
    gone = {*hosts, *whose}
    for id, who, host, document, reason in db.rows(
        f"SELECT id, who, host, document, reason FROM sweeps WHERE ended_at < ? AND who <> ?{one}",
        (order.before, ERASED, *whose),
    ):
        cleaned = [None if text is None else _cleaned(text, {*gone, who, host}) for text in (document, reason)]
        found += db.run(
            "UPDATE sweeps SET who = ?, host = ?, document = ?, reason = ? WHERE id = ?",
            (ERASED, ERASED, *cleaned, id),
        )
    found += db.run(f"DELETE FROM agents WHERE seen_at < ?{by_owner}", (order.before, *theirs))
    found += db.run(f"DELETE FROM turns WHERE until < ?{by_owner}", (order.before, *theirs))
    for name, reason in db.rows("SELECT name, paused_reason FROM queues WHERE paused_reason IS NOT NULL"):
        if (cleaned_reason := without(reason, gone)) != reason:
            found += db.run("UPDATE queues SET paused_reason = ? WHERE name = ?", (cleaned_reason, name))
    return found


def _like(person: str) -> str:
    """The beginning of an owner of this person, for LIKE."""
    escaped = re.sub(r"([!%_])", r"!\1", person)
    return f"{escaped}@%"
