"""A filter of submissions as SQL that walks an index in the order of the list, however long the ledger is."""

from __future__ import annotations

from collections.abc import Collection

from dispatcher.ledger.engine import Sql
from dispatcher.ledger.picking import ACTIVE_STATES
from dispatcher.ledger.rows import ACTIVE, ENTRY_COLUMNS, FINAL, QUEUED
from dispatcher.ledger.statements import marks
from dispatcher.ledger.values import Filter

COLUMNS = ", ".join(ENTRY_COLUMNS)
_OPEN = frozenset({QUEUED, *ACTIVE})


def newest(wanted: Filter, limit: int | None, columns: str = COLUMNS) -> Sql:
    """SELECT what is wanted, newest first; those of one moment by their id."""
    found = parts(wanted, limit, columns)
    if len(found) == 1:
        return found[0]
    union = " UNION ALL ".join(f"SELECT * FROM ({part.text}) AS part{n}" for n, part in enumerate(found))
    values = [value for part in found for value in part.values]
    return Sql(f"SELECT * FROM ({union}) AS parts ORDER BY submitted_at DESC, id{_cut(limit)}", tuple(values))


def parts(wanted: Filter, limit: int | None, columns: str = COLUMNS) -> list[Sql]:
    """The lists, each in its order and cut, of which the first so many are what is wanted."""
    if wanted.labels:
        return [_labelled(wanted, limit, columns)]
    found = []
    for branch in _branches(wanted):
        where = f" WHERE {branch.text}" if branch.text else ""
        text = f"SELECT {columns} FROM submissions{where} ORDER BY submitted_at DESC, id{_cut(limit)}"
        found.append(Sql(text, branch.values))
    return found


def _cut(limit: int | None) -> str:
    """A limit, written out: PostgreSQL takes one that it does not see for a tenth of all, and plans every time."""
    return "" if limit is None else f" LIMIT {limit:d}"


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
    common = _common(wanted, "first.submitted_at", "first.submission")
    for part in (common, Sql("") if wanted.states is None else _in(wanted.states)):
        if part.text:
            terms.append(part.text)
            values += part.values
    named = ", ".join(f"submissions.{name.strip()}" for name in columns.split(","))
    return Sql(
        f"SELECT {named} FROM labels AS first JOIN submissions ON submissions.id = first.submission"
        f" WHERE {' AND '.join(terms)} ORDER BY first.submitted_at DESC, first.submission{_cut(limit)}",
        tuple(values),
    )


def _branches(wanted: Filter) -> list[Sql]:
    """Conditions that together are the filter, no two of which hold at once, each in the order of one index.

    Those indexes are partial (dispatcher.ledger.migrations), so each condition repeats that of its index.
    """
    common = _common(wanted)
    every = FINAL | _OPEN
    states = every if wanted.states is None else frozenset(wanted.states) & every
    column = any(value is not None for value in (wanted.queue, wanted.who, wanted.priority, wanted.regime)) or (
        wanted.job_type is not None
    )
    if wanted.sweep is not None or (states == every and not column):
        ways = [Sql("") if states == every else _in(states)]
    elif not states:
        ways = [Sql("1 = 0")]
    else:
        ways = _ways(states, column)
    return [Sql(" AND ".join(filter(None, (way.text, common.text))), way.values + common.values) for way in ways]


def _ways(states: frozenset[str], column: bool) -> list[Sql]:
    ways = [Sql("state = 'queued'")] if QUEUED in states else []
    active, ended = states & frozenset(ACTIVE), states & FINAL
    if active:
        some = _in(active)
        whole = Sql(f"state IN ({ACTIVE_STATES})")
        ways.append(whole if len(active) == len(ACTIVE) else Sql(f"{whole.text} AND {some.text}", some.values))
    if ended == FINAL and not column:
        return [*ways, Sql("ended_at IS NOT NULL")]
    return [*ways, *(Sql(f"ended_at IS NOT NULL AND state = '{state}'") for state in sorted(ended))]


def _in(states: Collection[str]) -> Sql:
    if not states:
        return Sql("1 = 0")
    return Sql(f"state IN ({marks(states)})", tuple(sorted(states)))


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
