"""Everything that is written into a ledger passes here first, and loses what looks like a secret.

Words (reasons, errors, what a cloud said) are cleaned. Documents that are read back and acted on (a job, a queue)
must be right as they are: one that the redactor would change is not written at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dispatcher import plain
from dispatcher.errors import LedgerError
from dispatcher.ledger.rows import AgentRow, Entry, Event, ImageRow, MetricRow, QueueRow, SweepRow, Target
from dispatcher.redact import Redactor

WORDS = (
    "who", "host", "vendor_state", "reason", "cause", "model_uri", "links", "last_error", "cancelled_by",
    "provider_id",
)  # fmt: skip
"""Columns of a submission that come from people and clouds; the others are made here, or have their own forms."""


def columns(given: Mapping[str, object], redactor: Redactor) -> dict[str, object]:
    """The columns of a change, cleaned. Raises LedgerError for a job that holds a secret."""
    return {name: _column(name, value, redactor) for name, value in given.items()}


def entry(entry: Entry, redactor: Redactor) -> Entry:
    """A new submission, cleaned. Raises LedgerError for a job that holds a secret."""
    changed: dict[str, Any] = {name: _column(name, getattr(entry, name), redactor) for name in WORDS}
    _column("job", entry.job, redactor)
    changed |= {name: _json(getattr(entry, name), redactor) for name in ("labels", "parameters")}
    return replace(entry, **changed)


def event(event: Event, redactor: Redactor) -> Event:
    """An event, cleaned."""
    return replace(event, who=redactor.text(event.who), data=_json(event.data, redactor))


def agent(row: AgentRow, redactor: Redactor) -> AgentRow:
    """An agent, cleaned."""
    words = {name: redactor.text(getattr(row, name)) for name in ("name", "owner", "host")}
    return replace(row, **words, document=_json(row.document, redactor))


def sweep(row: SweepRow, redactor: Redactor) -> SweepRow:
    """A sweep. Raises LedgerError when its document holds a secret: its trials are made from it."""
    for suspect in plain.refused(_read(row.document), redactor):
        raise LedgerError(f"{suspect.path} of the sweep {suspect.rule}", suspect.remedy)
    words = {name: redactor.text(getattr(row, name)) for name in ("name", "who", "host")}
    return replace(row, **words, reason=None if row.reason is None else redactor.text(row.reason))


def metric(row: MetricRow, redactor: Redactor) -> MetricRow:
    """A reported number: its name is the job's own word."""
    return replace(row, name=redactor.text(row.name))


def target(target: Target, redactor: Redactor) -> Target:
    """A back-off, cleaned."""
    return replace(target, reason=redactor.text(target.reason))


def image(row: ImageRow, redactor: Redactor) -> ImageRow:
    """An image, cleaned: its own command is somebody else's text."""
    command = {name: _json(getattr(row, name), redactor) for name in ("entrypoint", "default_command")}
    return replace(row, source=redactor.text(row.source), **command)


def queue(row: QueueRow, redactor: Redactor) -> QueueRow:
    """A queue. Raises LedgerError when its fields hold a secret."""
    document = json.loads(row.document)
    if redactor.document(document) != document:
        raise LedgerError(
            f"queue {row.name} holds what looks like a secret, and none is ever recorded",
            "jobs reference secrets: see docs/secrets.md",
        )
    return row if row.paused_reason is None else replace(row, paused_reason=redactor.text(row.paused_reason))


def _column(name: str, value: Any, redactor: Redactor) -> Any:
    if not isinstance(value, str) or not value:
        return value
    if name == "job":
        for suspect in plain.refused(_read(value), redactor):
            raise LedgerError(f"{suspect.path} of the job {suspect.rule}", suspect.remedy)
        return value
    if name == "links":
        return _json(value, redactor)
    return redactor.text(value) if name in WORDS else value


def _json(text: Any, redactor: Redactor) -> Any:
    """A JSON text with cleaned values; one that needs no cleaning stays as it was written."""
    if text is None:
        return None
    document = _read(text)
    cleaned = redactor.document(document)
    return text if cleaned == document else json.dumps(cleaned, ensure_ascii=False)


def _read(text: str) -> Any:
    """A JSON text; what is none is a text by itself."""
    try:
        return json.loads(text)
    except ValueError:
        return {"": text}
