"""Which submission is meant: by its id, an unambiguous beginning of it, or its name on a cloud."""

from __future__ import annotations

from dispatcher.errors import NotFoundError, UsageError
from dispatcher.ledger import Entry, Ledger


def one(ledger: Ledger, text: str) -> Entry:
    """Return it. Raises UsageError when several are meant, NotFoundError when none is."""
    found = ledger.find(text, 3) if text else []
    exact = [entry for entry in found if text in (entry.id, entry.cloud_name)]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        names = ", ".join(entry.id for entry in found)
        raise UsageError(f"{text} is the beginning of more than one job", f"such as {names}: give more letters")
    raise NotFoundError(f"there is no job {text} in {ledger.name}", "`dispatch list` shows what there is")
