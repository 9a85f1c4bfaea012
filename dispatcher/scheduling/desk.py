"""What the steps of a job's way through the queue need of a dispatcher, whichever step it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.ledger import Entry, Ledger


class Desk(Protocol):
    """A ledger, whose word is recorded there, and what time it is."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def who(self) -> str: ...

    def stamp(self) -> str: ...

    def show(self, text: str) -> Entry: ...
