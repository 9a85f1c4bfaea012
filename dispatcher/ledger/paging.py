"""Many submissions one after another, read in pages: a long history is never in memory as a whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from dispatcher.ledger import Entry, Filter, Ledger

PAGE = 500
"""Submissions that are read at a time."""


def each(ledger: Ledger, wanted: Filter, limit: int | None = None, page: int = PAGE) -> Iterator[Entry]:
    """Submissions, newest first; one that is added meanwhile is not among them."""
    left = limit
    while left is None or left > 0:
        size = page if left is None else min(page, left)
        found = ledger.entries(wanted, size)
        yield from found
        if len(found) < size:
            return
        wanted = dataclasses.replace(wanted, after=(found[-1].submitted_at, found[-1].id))
        left = None if left is None else left - size
