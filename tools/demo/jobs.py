"""One job file on several clouds at once: submitted, followed, interrupted if that is the point, and compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.demo import commands

METRIC = re.compile(r"\bfinal loss (?P<value>\S+)")  # as the example prints it when it has trained
RESUMED = re.compile(r"\bresuming after (?P<value>epoch \d+)")
PROCESS = re.compile(r"\bprocess (?P<value>\d+) of \d+ on node \d+: done")
SAVED = re.compile(r"\bepoch 2 ")
"""What an interrupted job has printed when its machines are to be taken."""
NAMED = {"aws": "TrainingJobName", "gcp": "displayName", "azure": "name"}
"""Cloud -> the field of the call that creates a job which holds its name, for faults to match."""


@dataclass(frozen=True)
class Ended:
    """A job as `dispatch wait` tells of it, and the lines it printed."""

    job: Mapping[str, Any]
    lines: Sequence[str]

    @property
    def metric(self) -> str:
        """The loss it came to; `-` when it printed none."""
        return metric(self.lines)

    @property
    def notes(self) -> str:
        """Where it resumed, else how many nodes and processes trained it."""
        if resumed := _found(RESUMED, self.lines):
            return f"resumed after {resumed[-1]}"
        nodes, processes = self.job["nodes"], len(set(_found(PROCESS, self.lines)))
        return f"{nodes} x {processes // nodes} processes"


def metric(lines: Sequence[str]) -> str:
    """The last final loss that a job printed; `-` when it printed none."""
    return next(reversed(_found(METRIC, lines)), "-")


def _found(pattern: re.Pattern[str], lines: Sequence[str]) -> list[str]:
    return [match["value"] for line in lines if (match := pattern.search(line))]


def run(file: str, queues: Sequence[str], *, interrupted: bool = False) -> list[Ended]:
    """Submit a job file to each queue, print the jobs' lines as they come, and return how they ended.

    With `interrupted` each job loses its machines once it has saved something to go on from.
    """
    width = max(map(len, queues))

    def one(queue: str) -> Ended:
        asked = ("dispatch", "submit", file, "--queue", queue, "--yes", "--output", "json")
        job = commands.answer(*asked, shown=True)
        said: list[str] = []
        taken = False
        for line in commands.lines("dispatch", "logs", "--follow", job["id"]):
            said.append(line)
            print(f"{queue:{width}}  {line}", flush=True)
            if interrupted and not taken and SAVED.search(line):
                interrupt(job)
                taken = True
        return Ended(commands.answer("dispatch", "wait", job["id"], "--output", "json"), said)

    return commands.together(one, queues)


def interrupt(job: Mapping[str, Any]) -> None:
    """Take the machines of a spot job away, for a second."""
    match = f"{NAMED[job['cloud']]}={job['cloud_name']}"
    commands.run("localcloud", "faults", "add", "interrupt", "--seconds", "1", "--match", match)


def table(ended: Sequence[Ended]) -> str:
    """What became of each job, a line for each."""
    rows = [["zone", "cloud", "state", "seconds", "how", "final loss", "model"]]
    for one in ended:
        job = one.job
        took = datetime.fromisoformat(job["ended_at"]) - datetime.fromisoformat(job["submitted_at"])
        seconds = f"{took.total_seconds():.1f}"
        model = job["model_uri"] or "-"
        rows.append([job["zone"], job["cloud"], job["state"], seconds, one.notes, one.metric, model])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
