"""A filter of submissions as SQL that walks an index in the order of the list, however long the ledger is."""

from __future__ import annotations

from collections.abc import Collection

from dispatcher.ledger.engine import Sql
from dispatcher.ledger.rows import ACTIVE, ENTRY_COLUMNS, FINAL, QUEUED
from dispatcher.ledger.values import Filter

COLUMNS = ", ".join(ENTRY_COLUMNS)
_OPEN = frozenset({QUEUED, *ACTIVE})


def newest(wanted: Filter, limit: int | None, columns: str = COLUMNS) -> Sql:
    """SELECT what is wanted, newest first; those of one moment by their id."""
    if wanted.labels:
        return _labelled(wanted, limit, columns)
    cut, most = ("", ()) if limit is None else (" LIMIT ?", (limit,))
    parts = []
    values: list[object] = []
    for branch in _branches(wanted):
        where = f" WHERE {branch.text}" if branch.text else ""
        parts.append(f"SELECT {columns} FROM submissions{where} ORDER BY submitted_at DESC, id{cut}")
        values += [*branch.values, *most]
    if len(parts) == 1:
        return Sql(parts[0], tuple(values))
    union = " UNION ALL ".join(f"SELECT * FROM ({part}) AS part{number}" for number, part in enumerate(parts))
    return Sql(f"SELECT * FROM ({union}) AS parts ORDER BY submitted_at DESC, id{cut}", (*values, *most))


def number(wanted: Filter, limit: int | None) -> Sql:
    """SELECT how many there are, counting to `limit` at most."""
    found = newest(wanted, limit, "id, submitted_at")
    return Sql(f"SELECT count(*) FROM ({found.text}) AS found", found.values)


def _labelled(wanted: Filter, limit: int | None, columns: str) -> Sql:
    """Those with a label, in the order of its index; everything else is looked at job by job."""
    (key, value), *more = wanted.labels.items()
    terms = ["first.key = ? AND first.value = ?"]
    values: list[object] = [key, value]
    for another, text in more:
        terms.append("EXISTS (SELECT 1 FROM labels WHERE submission = id AND key = ? AND value = ?)")
        values += [another, text]
    for branch in (_common(wanted, "first.submitted_at", "first.submission"), _states(wanted)):
        if branch.text:
            terms.append(branch.text)
            values += branch.values
    named = ", ".join(f"submissions.{name.strip()}" for name in columns.split(","))
    cut = "" if limit is None else " LIMIT ?"
    return Sql(
        f"SELECT {named} FROM labels AS first JOIN submissions ON submissions.id = first.submission"
        f" WHERE {' AND '.join(terms)} ORDER BY first.submitted_at DESC, first.submission{cut}",
        (*values, *(() if limit is None else (limit,))),
    )


def _branches(wanted: Filter) -> list[Sql]:
    """Conditions that together are the filter, no two of which hold at once, each in the order of one index."""
    common = _common(wanted)
    states = None if wanted.states is None else frozenset(wanted.states)
    if states is None or states >= FINAL | _OPEN:
        return [common]
    ways: list[Sql] = []
    if states & _OPEN:
        ways.append(Sql(f"ended_at IS NULL AND {_in(states & _OPEN)}", tuple(sorted(states & _OPEN))))
    if states >= FINAL:
        ways.append(Sql("ended_at IS NOT NULL"))
    else:
        ways += [Sql("state = ?", (state,)) for state in sorted(states - _OPEN)]
    if not ways:
        return [Sql("1 = 0")]
    return [Sql(" AND ".join(filter(None, (way.text, common.text))), way.values + common.values) for way in ways]


def _states(wanted: Filter) -> Sql:
    if wanted.states is None:
        return Sql("")
    return Sql(_in(wanted.states) if wanted.states else "1 = 0", tuple(sorted(wanted.states)))


def _in(states: Collection[str]) -> str:
    return f"state IN ({', '.join('?' * len(list(states)))})"


def _common(wanted: Filter, at: str = "submitted_at", id: str = "id") -> Sql:
    """Everything but states and labels."""
    terms: list[str] = []
    values: list[object] = []
    for term, value in (
        ("queue = ?", wanted.queue),
        ("who = ?", wanted.who),
        ("priority = ?", wanted.priority),
        ("regime = ?", wanted.regime),
        ("job_type = ?", wanted.job_type),
        ("sweep = ?", wanted.sweep),
        (f"{at} >= ?", wanted.since),
        (f"{at} < ?", wanted.until),
    ):
        if value is not None:
            terms.append(term)
            values.append(value)
    if wanted.after is not None:
        time, last = wanted.after
        terms.append(f"{at} <= ? AND ({at} < ? OR {id} > ?)")
        values += [time, time, last]
    return Sql(" AND ".join(terms), tuple(values))
