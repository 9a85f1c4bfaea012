"""What a database has to do for a ledger: run statements, make a change as a whole, and wait for another's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from dispatcher.clock import Clock
from dispatcher.errors import LedgerError, UnreachableError

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement, or a part of one, with its values."""

    text: str
    values: tuple[object, ...] = ()


class RuleBroken(LedgerError):
    """The schema does not allow such a row: its key is taken, a check fails, what it refers to does not exist."""


class Unsure(UnreachableError):
    """The database went away while it recorded a change: nobody here knows whether it is there."""


class Transaction(Protocol):
    """An open transaction. Statements are written with `?` marks, in the SQL that both engines share."""

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return all of its rows (a SELECT, or anything with RETURNING)."""
        ...

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        ...

    def many(self, sql: str, values: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each list of values."""
        ...


class Engine(Protocol):
    """One database with a ledger in it, at the schema of this release.

    Raises LedgerError and UnreachableError with what to do about them, and RuleBroken where a rule of the schema
    (a key, a check, a reference) does not allow a row.
    """

    @property
    def name(self) -> str:
        """The ledger as the user knows it, without credentials."""
        ...

    @property
    def shareable(self) -> bool: ...

    @property
    def exposed(self) -> bool:
        """True when what is said to it goes over a network in the clear."""
        ...

    @property
    def locking(self) -> str:
        """What follows a SELECT of one row to be claimed, so that claims run side by side; may be empty."""
        ...

    @property
    def guard(self) -> str:
        """The condition under which a statement may be a whole change: that this program knows the schema. Empty
        where there are no such statements, for they take an INSERT of what was changed in the same one."""
        ...

    @property
    def clock(self) -> Clock | None:
        """As Ledger.clock."""
        ...

    def close(self) -> None: ...

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Read, outside of any transaction of ours."""
        ...

    def change(self) -> AbstractContextManager[Transaction]:
        """One transaction, durable at its end, and rolled back when anything in it fails."""
        ...

    def serialise(self, db: Transaction, queue: str) -> None:
        """Keep others from claiming from a queue until the transaction ends, where they could."""
        ...

    def at_once(self, sql: Sql, queue: str | None = None) -> list[Row]:
        """Run one statement that is a whole change and has the guard; with a `queue`, while nobody else claims
        from that. It takes one message to the database and back."""
        ...

    def ring(self, db: Transaction) -> None:
        """Wake those that wait, when the transaction ends: a job was queued, or a job or queue was changed."""
        ...

    def wait(self, seconds: float) -> bool:
        """As Ledger.wait."""
        ...

    # Upkeep of the whole

    def snapshot(self) -> AbstractContextManager[Transaction]:
        """Everything as it is at one moment, to be read; others go on changing it."""
        ...

    def size(self) -> int:
        """Bytes on the disk."""
        ...

    def vacuum(self) -> None:
        """Give back the room of what is no longer there, and look at the tables anew for planning."""
        ...

    def erasing(self) -> None:
        """Get ready to take words out for good. Raises AuthError when this user may not."""
        ...

    def erased(self) -> str | None:
        """Take what was overwritten off the disk, as far as can be; return what is left, and until when."""
        ...

    def alone(self, db: Transaction) -> None:
        """Keep everybody else from writing until the transaction ends."""
        ...

    def count_on(self, db: Transaction, table: str) -> None:
        """Let the numbers that a table gives itself (`seq`) go on behind those that were put into it."""
        ...
