"""Looking at a log again and again: often while lines come, seldom while none do, and a little past the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dispatcher.backends.base import LogLine

QUIET_ROUNDS = 2
"""Looks without a line, after the job has ended, until it is taken that nothing follows (lines arrive late)."""


def follow(
    look: Callable[[], Sequence[LogLine]],
    done: Callable[[], bool],
    sleep: Callable[[float], None],
    *,
    shortest: float,
    longest: float,
) -> Iterator[LogLine]:
    """Yield what each `look` finds, until `done()` and two quiet looks.

    `shortest` and `longest` are the seconds between two looks: while lines arrive, and when none have for a while.
    """
    pause, quiet = shortest, 0
    while True:
        ended = done()
        lines = look()
        yield from lines
        quiet = 0 if lines or not ended else quiet + 1
        if quiet >= QUIET_ROUNDS:
            return
        pause = shortest if lines or ended else min(pause * 1.5, longest)
        sleep(pause)
