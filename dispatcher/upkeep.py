"""Care for a ledger: backups, exports, making it compact, and taking names out of it. `dispatcher.upkeep`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.clock import stamp
from dispatcher.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from dispatcher.ledger.engine import Engine
    from dispatcher.ledger.erasing import Erased
    from dispatcher.opened import Opened


@dataclass(frozen=True, slots=True)
class Compacted:
    """The size of a ledger in bytes, before and after."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What is done to a whole ledger. Every method may raise DispatchError (dispatcher.errors)."""

    opened: Opened

    def backup(self, file: Path) -> int:
        """Write all of the ledger, as it is at one moment, into a new SQLite file; return the submissions in it.

        The file is a ledger itself. It appears complete or not at all.
        """
        from dispatcher.ledger import copying
        from dispatcher.ledger.sqlite import SqliteLedger

        if file.exists():
            raise UsageError(f"{file} is there already, and a backup replaces nothing", "name a new file")
        part = file.with_name(f".{file.name}.part")
        part.unlink(missing_ok=True)
        try:
            target = SqliteLedger(part)
            try:
                count = copying.copy(self._engine(write=False), target.engine)
                target.engine.vacuum()
            finally:
                target.close()
            _publish(part, file)
        finally:
            for left in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm"))):
                left.unlink(missing_ok=True)
        return count

    def restore(self, file: Path) -> int:
        """Copy a backup into this ledger, which must have no job yet; return the submissions in it."""
        import tempfile

        from dispatcher.ledger import copying
        from dispatcher.ledger.opening import duplicate
        from dispatcher.ledger.sqlite import SqliteLedger

        if not file.is_file():
            raise UsageError(f"there is no file {file}", "name one that `dispatch ledger backup` wrote")
        with tempfile.TemporaryDirectory() as folder:
            # A backup of an older release is brought up to date there, and stays what it is.
            copied = Path(folder) / "ledger.db"
            duplicate(file, copied)
            source = SqliteLedger(copied)
            try:
                return copying.copy(source.engine, self._engine(write=True))
            finally:
                source.close()

    def export(self) -> Iterator[dict[str, Any]]:
        """Every submission as `-o json` shows it, with its events, by id; a portion in memory at a time."""
        from dispatcher.ledger import copying

        for entry, events in copying.submissions(self._engine(write=False)):
            yield {**entry.as_json(), "events": [event.as_json() for event in events]}

    def vacuum(self) -> Compacted:
        """Give back the room of what is no longer there, and let the database look at its tables anew."""
        engine = self._engine(write=True)
        before = engine.size()
        engine.vacuum()
        return Compacted(before, engine.size())

    def purge(self, older_than: float, person: str | None) -> Erased:
        """Take names and machines out of what ended over `older_than` seconds ago: of one person, or of all."""
        from dispatcher.agent.presence import GONE
        from dispatcher.ledger.erasing import Order, erase

        now = self.opened.clock()
        order = Order(stamp(now - older_than), person, self.opened.who, stamp(now), stamp(now - GONE))
        return erase(self._engine(write=True), order)

    def _engine(self, *, write: bool) -> Engine:
        from dispatcher.ledger.sql import SqlLedger

        ledger = self.opened.ledger if write else self.opened.reading
        if not isinstance(ledger, SqlLedger):
            raise LedgerError(f"the ledger {ledger.name} has no upkeep")
        return ledger.engine


def _publish(part: Path, file: Path) -> None:
    """Give a complete file its name, on the disk as well; a file of that name that came meanwhile stays."""
    import os

    _sync(part)
    try:
        os.link(part, file)
    except FileExistsError:
        raise UsageError(f"{file} is there by now, and a backup replaces nothing", "name a new file") from None
    except OSError:  # a file system without links
        part.rename(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    import os

    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
