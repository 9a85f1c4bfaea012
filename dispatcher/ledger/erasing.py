"""Erasure: the names of people and their machines go out of what has ended; what happened, and when, stays.

A name goes out of every text about a submission, whosever it is, whole words only: as who submitted it, as who had
a part in it, and in texts (a path in a command, a label, a cloud's words). Digests, times, states and costs stay,
and an event `erased` is the tombstone for an auditor. The tables themselves let events be changed in no other way
(dispatcher.ledger.migrations).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dispatcher.ledger.engine import Engine, Row, Transaction
from dispatcher.ledger.migrations import ERASED, UNDER_WAY
from dispatcher.ledger.rows import Entry, Event, MetricRow
from dispatcher.ledger.statements import labelling, marks, names

_BATCH = 200
"""Submissions that are read at once, and changed in one transaction."""
_IDENTITIES = ("who", "host", "cancelled_by", "lease_owner")
_TEXTS = ("slug", "cloud_name", "provider_id", "reason", "model_uri", "last_error")
_DOCUMENTS = ("job", "labels", "links", "parameters")
_FACTS = frozenset(Entry.__dataclass_fields__) - {*_IDENTITIES, *_TEXTS, *_DOCUMENTS}
"""What happened, what others point to, and what others measure by: never changed, whoever is called like that."""
_OUR_KEYS = ("job", "data", "document")
"""Documents whose outermost keys are words of ours; all other keys are words of somebody's."""
_TOMBSTONE = "erased"
_SEEN = (
    ("submissions", ("who", "cancelled_by", "lease_owner"), "host", ""),
    ("events", ("who",), None, f" WHERE kind <> '{_TOMBSTONE}'"),
    ("sweeps", ("who",), "host", ""),
    ("images", ("who",), None, ""),
    ("agents", ("owner",), "host", ""),
    ("turns", ("owner",), None, ""),
)
"""Tables, with where in them people stand, and their machines."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many submissions, events and other rows lost a name; `open` submissions have not ended, and kept it.
    `left` says where on the disk names still are, when that is known."""

    submissions: int = 0
    events: int = 0
    others: int = 0
    open: int = 0
    left: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Erase everybody, or one `person`, in what ended before `before`. `by` is who orders it, at `now`. Agents
    that were last seen before `unseen` are over."""

    before: str
    person: str | None
    by: str
    now: str
    unseen: str | None = None


@dataclass(frozen=True)
class Names:
    """The names of people, and of their machines, that are to go; however they are capitalised."""

    people: frozenset[str]
    hosts: frozenset[str]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest = sorted(self.people | self.hosts, key=lambda word: (-len(word), word))
        # An owner is one person's process on one machine: nothing of it stays.
        owner = "|".join(rf"{re.escape(word)}@[^\s\"#]+#[\w-]+" for word in longest)
        alone = "|".join(map(re.escape, longest))
        return re.compile(rf"(?<!\w)(?:{owner}|{alone})(?!\w)", re.IGNORECASE)

    def identity(self, text: str) -> str:
        """A column that says who, on which machine, or both: as a whole, or not at all."""
        name, host = parted(text)
        of_them = name.lower() in self.people or {name.lower(), host.lower()} & self.hosts
        return ERASED if of_them else text

    def text(self, text: str) -> str:
        """The text with each of the names, where it stands by itself, replaced."""
        return self._pattern.sub(ERASED, text) if self.people | self.hosts else text

    def document(self, text: str, column: str) -> str:
        """The same in a JSON document: a name may be spelt with escapes in it, so that is read first."""
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict | list):
            return self.text(text)
        ours = isinstance(document, dict) and column in _OUR_KEYS
        cleaned = self._ours(dict(document), column) if ours else self._walked(document)
        return text if cleaned == document else json.dumps(cleaned, ensure_ascii=False)

    def column(self, name: str, text: str) -> str:
        """A column by its name."""
        if name in _IDENTITIES:
            return self.identity(text)
        return self.text(text) if name in _TEXTS else self.document(text, name)

    def _ours(self, document: Mapping[str, Any], column: str) -> dict[str, Any]:
        kept = _FACTS if column == "data" else ()
        return {key: value if key in kept else self._walked(value) for key, value in document.items()}

    def _walked(self, document: Any) -> Any:
        if isinstance(document, dict):
            return {self.text(key): self._walked(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self._walked(value) for value in document]
        return self.text(document) if isinstance(document, str) else document


def erase(engine: Engine, order: Order) -> Erased:
    """Carry it out; what is done is done for good, also when a later part fails.

    Raises AuthError, before anything is changed, when this user of the database may not.
    """
    engine.erasing()
    gone = seen(engine, order.person)
    found = Erased(open=_open(engine, order.person))
    for part in _ended(engine, order.before):
        changes = [(one, *_changed(one, events, gone, order), metrics) for one, events, metrics in part]
        with engine.change() as db:
            for one, entry, events, metrics in changes:
                renamed = [(id, gone.text(name), *rest) for id, name, *rest in metrics]
                if entry != one or events or renamed != metrics:
                    _replace(db, one, entry, events, order)
                    found = dataclasses.replace(
                        found, submissions=found.submissions + 1, events=found.events + len(events)
                    )
                if renamed != metrics:
                    _measure(db, one.id, renamed)
    with engine.change() as db:
        found = dataclasses.replace(found, others=_others(db, order, gone))
    return dataclasses.replace(found, left=engine.erased())


def seen(engine: Engine, person: str | None) -> Names:
    """All people and machines that the ledger knows of, or one person with the machines that this one used."""
    people: set[str] = set()
    hosts: set[str] = set()
    for table, columns, host, where in _SEEN:
        for column in columns:
            other = host if column in ("who", "owner") and host else "''"
            for text, machine in engine.rows(f"SELECT DISTINCT {column}, {other} FROM {table}{where}"):
                name, place = parted(text or "")
                if person is None or name.lower() == person.lower():
                    people.add(name.lower())
                    hosts.update((place.lower(), machine.lower()))
    people |= set() if person is None else {person.lower()}
    return Names(frozenset(people - {"", ERASED}), frozenset(hosts - {"", ERASED}))


def _changed(entry: Entry, events: Sequence[Event], gone: Names, order: Order) -> tuple[Entry, list[Event]]:
    """The submission, and those of its events that change, without the names.

    Who ordered an erasure stays in its tombstone, unless that one person is to go.
    """
    if order.person is None:
        events = [event for event in events if event.kind != _TOMBSTONE]
    columns: dict[str, Any] = {
        column: gone.column(column, value)
        for column in (*_IDENTITIES, *_TEXTS, *_DOCUMENTS)
        if isinstance(value := getattr(entry, column), str)
    }
    cleaned = [
        dataclasses.replace(event, who=gone.identity(event.who), data=gone.document(event.data, "data"))
        for event in events
    ]
    return dataclasses.replace(entry, **columns), [
        new for old, new in zip(events, cleaned, strict=True) if new != old
    ]


def parted(text: str) -> tuple[str, str]:
    """The person and the machine in `who@host#process`, or in a plain name."""
    place, found, _ = text.rpartition("#")
    if not found:
        return text, ""
    name, _, host = place.rpartition("@")
    return name, host


def _ended(engine: Engine, before: str) -> Iterator[list[tuple[Entry, list[Event], list[Row]]]]:
    """Submissions that ended before a moment, with their events and metrics, in portions."""
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
        metrics: dict[str, list[Row]] = {id: [] for id in ids}
        sql = (
            f"SELECT {names(MetricRow)} FROM metrics WHERE submission IN ({marks(ids)}) ORDER BY submission, name"
        )
        for row in engine.rows(sql, ids):
            metrics[row[0]].append(tuple(row))
        yield [(entry, events[entry.id], metrics[entry.id]) for entry in entries]


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


def _measure(db: Transaction, id: str, metrics: Sequence[Row]) -> None:
    """Put a submission's metrics in place of what they were; of two that have one name now, the first stays."""
    db.run("DELETE FROM metrics WHERE submission = ?", (id,))
    sql = f"INSERT INTO metrics ({names(MetricRow)}) VALUES ({marks(names(MetricRow).split(','))})"
    db.many(f"{sql} ON CONFLICT DO NOTHING", metrics)


def _others(db: Transaction, order: Order, gone: Names) -> int:
    """Rows of other tables: images, sweeps that ended, agents and turns that are over, why something waits."""
    found = 0
    for table, key, identities, texts, where, values in (
        ("sweeps", ("id",), ("who", "host"), ("name", "document", "reason"), "ended_at < ?", (order.before,)),
        ("images", ("seq",), ("who",), ("source", "entrypoint", "default_command"), "recorded_at < ?",
         (order.before,)),
        ("targets", ("zone", "hardware", "spot"), (), ("reason",), "reason <> ''", ()),
        ("queues", ("name",), (), ("paused_reason",), "paused_reason IS NOT NULL", ()),
    ):  # fmt: skip
        columns = (*identities, *texts)
        for row in db.rows(f"SELECT {', '.join((*key, *columns))} FROM {table} WHERE {where}", values):
            its, old = row[: len(key)], row[len(key) :]
            new = [
                text if text is None else gone.identity(text) if name in identities else gone.document(text, name)
                for name, text in zip(columns, old, strict=True)
            ]
            if new != list(old):
                assigned = ", ".join(f"{name} = ?" for name in columns)
                condition = " AND ".join(f"{name} = ?" for name in key)
                found += db.run(f"UPDATE {table} SET {assigned} WHERE {condition}", [*new, *its])
    over = min(order.before, order.unseen or order.before)
    for table, last, limit in (("agents", "seen_at", over), ("turns", "until", order.before)):
        for name, owner in db.rows(f"SELECT name, owner FROM {table} WHERE {last} < ?", (limit,)):
            if gone.text(name) != name or gone.identity(owner) != owner:
                sql = f"DELETE FROM {table} WHERE name = ? AND owner = ? AND {last} < ?"
                found += db.run(sql, (name, owner, limit))
    return found
