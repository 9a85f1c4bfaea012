"""What `dispatch sweep` does, for programs: `dispatcher.sweeps`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.errors import AuthError, NotFoundError, NotInstalledError, UsageError
from dispatcher.ledger import SweepRow
from dispatcher.sweeps import state
from dispatcher.sweeps.state import State

if TYPE_CHECKING:
    from dispatcher.documents.changes import Changes
    from dispatcher.scheduling.work import Report
    from dispatcher.sweeps.desk import Sweeping
    from dispatcher.sweeps.planning import Start


class Sweeps:
    """The sweeps of one ledger. Methods may raise DispatchError (dispatcher.errors)."""

    def __init__(self, dispatcher: Sweeping) -> None:
        self._dispatcher = dispatcher

    def plan(
        self,
        file: str | Path,
        queue: str | None = None,
        *,
        changes: Changes | None = None,
        prices: str | Path | None = None,
        ask: bool = False,
    ) -> Start:
        """Read a sweep file, and plan all of its trials without recording anything."""
        from dispatcher.sweeps import planning

        return planning.plan(self._dispatcher, file, queue, changes=changes, prices=prices, ask=ask)

    def start(self, start: Start) -> State:
        """Record a planned sweep with its trials, and run a tick for their queue."""
        from dispatcher.sweeps import entering

        row = entering.record(self._dispatcher, start)
        return self._started(row)

    def _started(self, row: SweepRow) -> State:
        """Send what may go of a sweep's trials."""
        found = self._state(row)
        waiting = next((trial.entry for trial in found.trials if trial.entry.state == "queued"), None)
        if waiting is not None:
            self._dispatcher.start(waiting)
        return self._state(row)

    def list(self, limit: int | None = None) -> tuple[Sequence[State], int]:
        """Sweeps, newest first, and how many there are in all."""
        rows = self._dispatcher.reading.sweeps()
        return [self._state(row) for row in rows[:limit]], len(rows)

    def show(self, text: str) -> State:
        """The sweep with this id or name, or an unambiguous beginning of its id; of a name the newest."""
        return self._state(self._row(text))

    def id(self, text: str) -> str:
        """The id of the sweep that `show` would show."""
        return self._row(text).id

    def refresh(self, text: str) -> State:
        """The same after a tick for its queue, which asks its cloud and reads what ended trials reported."""
        found = self.show(text)
        self._dispatcher.tick(queues=[found.queue])
        return self.show(found.row.id)

    def stop(self, text: str, *, running: bool = False) -> State:
        """Let no further trial start; with `running`, those that run are stopped too, as gently as a cancel."""
        from dispatcher.scheduling import tick
        from dispatcher.scheduling.work import Report
        from dispatcher.sweeps import judging

        found, work = self.show(text), self._dispatcher.work()
        judging.stop(work, found.row, f"by {self._dispatcher.who}")
        if running:
            judging.end_running(work, self.show(found.row.id))
        judging.look(work, self.show(found.row.id), Report())
        for trial in self.show(found.row.id).trials:
            if trial.entry.cancel_requested_at and not trial.entry.final:
                tick.press(work, trial.entry)
        return self.show(found.row.id)

    def resume(self, text: str, *, failed: bool = False, prices: str | Path | None = None) -> State:
        """Run the trials that were stopped or never recorded; with `failed`, those that ended badly too."""
        from dispatcher.sweeps import resuming

        found = self.show(text)
        resuming.resume(self._dispatcher, found, failed=failed, prices=prices)
        return self._started(self._row(found.row.id))

    def wait(self, text: str, seen: Callable[[State], None] = lambda found: None) -> State:
        """Run ticks until a sweep has ended, or has been stopped and nothing of it runs any more.

        `seen` is called with every change of a trial. Raises AuthError or NotInstalledError when only that helps.
        """
        from dispatcher.scheduling.following import FIRST, GROWTH, LONGEST

        found, pause = self.show(text), FIRST
        seen(found)
        while found.row.ended_at is None:
            report = self._dispatcher.tick()
            _raise_ours(report, found)
            before, found = found, self.show(found.row.id)
            if _marks(before) != _marks(found):
                pause = FIRST
                seen(found)
            elif found.row.ended_at is None:
                self._dispatcher.sleep(pause)
                pause = min(pause * GROWTH, LONGEST)
        return found

    def _state(self, row: SweepRow) -> State:
        return state.read(self._dispatcher.reading, row, self._dispatcher.clock())

    def _row(self, text: str) -> SweepRow:
        if (row := self._dispatcher.reading.sweep(text)) is not None:
            return row
        rows = self._dispatcher.reading.sweeps()
        named = [row for row in rows if row.name == text]
        begun = [row for row in rows if text and row.id.startswith(text)]
        if named or len(begun) == 1:
            return (named or begun)[0]
        if begun:
            names = ", ".join(row.id for row in begun[:3])
            raise UsageError(
                f"{text} is the beginning of more than one sweep", f"such as {names}: give more letters"
            )
        raise NotFoundError(f"there is no sweep {text}", "`dispatch sweep list` shows what there is")


def _raise_ours(report: Report, found: State) -> None:
    """Raise what keeps this person from sending the sweep's trials, unless it may pass by itself."""
    ids = {trial.entry.id for trial in found.trials}
    for error, concerned in report.errors:
        if isinstance(error, AuthError | NotInstalledError) and not error.propagating and ids & set(concerned):
            raise error


def _marks(found: State) -> list[tuple[str, int, float | None]]:
    return [(trial.entry.state, trial.entry.attempt, trial.value) for trial in found.trials]
