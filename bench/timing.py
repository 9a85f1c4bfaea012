"""Times commands side by side: every round runs each one once, so that a busy moment hits all alike."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A command to time: `against` names the case its ratio is to, `budget` what that ratio may be.

    `words` may be a function that makes a new command for every run.
    """

    name: str
    words: Sequence[str] | Callable[[], Sequence[str]]
    against: str = ""
    budget: float | None = None


@dataclass(frozen=True)
class Timing:
    """One line of the table; seconds of wall clock, `ratio` to the case it is compared with."""

    case: Case
    seconds: float
    ratio: float | None

    @property
    def kept(self) -> bool:
        """Whether it stays within its budget."""
        return self.ratio is None or self.case.budget is None or self.ratio <= self.case.budget


def measure(cases: Sequence[Case], rounds: int, environment: Mapping[str, str], folder: Path) -> list[Timing]:
    """Run every case `rounds` times, after one run that is not counted, and compare the medians."""
    taken: dict[str, list[float]] = {case.name: [] for case in cases}
    for round_ in range(rounds + 1):
        for case in cases:
            words = case.words() if callable(case.words) else case.words
            start = time.perf_counter()
            done = subprocess.run(
                words, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            passed = time.perf_counter() - start
            if done.returncode:
                sys.exit(f"{case.name}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
            if round_:
                taken[case.name].append(passed)
    seconds = {name: statistics.median(times) for name, times in taken.items()}
    return [
        Timing(case, seconds[case.name], seconds[case.name] / seconds[case.against] if case.against else None)
        for case in cases
    ]


def table(title: str, timings: Sequence[Timing]) -> str:
    """The measurements as text."""
    width = max(len(one.case.name) for one in timings)
    lines = [title, f"{'':{width}}  {'median':>8}  {'ratio':>7}  {'budget':>7}"]
    for one in timings:
        ratio = f"{one.ratio:.2f} x" if one.ratio is not None else "1"
        budget = f"{one.case.budget:g} x" if one.case.budget is not None else ""
        verdict = "" if one.kept else "  over budget"
        versus = f"  to {one.case.against}" if one.case.against else ""
        line = f"{one.case.name:{width}}  {one.seconds * 1000:6.0f} ms  {ratio:>7}  {budget:>7}{versus}{verdict}"
        lines.append(line.rstrip())
    return "\n".join(lines)
