"""`make demo`: a real `pulumi up` of a zone on each local cloud, then one job file that really runs on all."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from localcloud import process
from localcloud.place import Place

CHECKOUT = Path(__file__).parents[1]
STACK = "local"
JOB = "examples/train.yaml"
FETCHED = "build/model"  # where the demo proposes to fetch the models to; git ignores it


METRIC = re.compile(r"\bloss (?P<value>\S+)")  # as the example prints it after every epoch


class StepFailed(Exception):
    """A command of the demo ended with another code than 0; it has said why itself."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(f"`{command}` ended with exit code {code}")
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo or clean up after it; the exit code is that of the first step that failed."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove everything the demo made")
    options = parser.parse_args(arguments)
    place = Place.default()
    try:
        _clean(place) if options.clean else _demo(place)
    except StepFailed as failure:
        print(f"\nthe demo stopped: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130
    return 0


def _demo(place: Place) -> None:
    start = time.monotonic()
    _step(
        "1. AWS, Google Cloud and Azure here: one process on loopback, gone without a trace on `make demo-clean`"
    )
    _run("localcloud", "up")
    _run("localcloud", "image", "add", "train", "examples")
    _step(f"2. A landing zone on each: `pulumi up` of stack {STACK}, on the real engine")
    _local("pulumi", "stack", "select", "--create", STACK, quiet=True)
    _local("pulumi", "up", "--yes", "--suppress-outputs", "--stack", STACK, *_terminal())
    _step("3. Their contract becomes queues in the dispatcher's ledger, one per zone")
    _local("dispatch", "sync", "--stack", STACK)
    queues = [queue["name"] for queue in _answer("dispatch", "queue", "list", "--output", "json") if queue["zone"]]
    _step("4. One job file is an exact request on each; a dry run prints it and sends nothing")
    for queue in queues:
        _local("dispatch", "submit", JOB, "--queue", queue, "--dry-run")
    _step("5. The same file, once for each: the lines below are the jobs' own, as they come")
    jobs = {queue: _submitted(queue) for queue in queues}
    said = _follow(jobs)
    _step("6. What came of it: the same metric everywhere")
    found = [_answer("dispatch", "wait", id, "--output", "json") for id in jobs.values()]
    print(_table(found, [metric(said[queue]) for queue in jobs]))
    print(f"\nthe whole path took {time.monotonic() - start:.0f} s\n")
    print(_next(found))


def _submitted(queue: str) -> str:
    """Submit the job file to a queue; the job's id."""
    job = _answer("dispatch", "submit", JOB, "--queue", queue, "--yes", "--output", "json", shown=True)
    print(f"{job['state']} {job['id']} as {job['cloud_name']} on {job['nodes']} x {job['hardware']}")
    return str(job["id"])


def _follow(jobs: Mapping[str, str]) -> dict[str, list[str]]:
    """Print the lines of all jobs until each has ended, each behind its queue's name; return them by queue."""
    width = max(map(len, jobs))
    said: dict[str, list[str]] = {queue: [] for queue in jobs}

    def follow(queue: str, id: str) -> None:
        command = _resolved(["localcloud", "run", "--", "dispatch", "logs", "--follow", id])
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as lines:
            assert lines.stdout
            for line in lines.stdout:
                said[queue].append(line)
                print(f"{queue:{width}}  {line}", end="", flush=True)
        if lines.returncode:
            raise StepFailed(shlex.join(command[1:]), lines.returncode)

    with ThreadPoolExecutor(len(jobs)) as threads:
        for followed in [threads.submit(follow, queue, id) for queue, id in jobs.items()]:
            followed.result()
    return said


def metric(lines: Sequence[str]) -> str:
    """The last loss that a job printed; `-` when it printed none."""
    found = [match["value"] for line in lines if (match := METRIC.search(line))]
    return found[-1] if found else "-"


def _table(jobs: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> str:
    """What became of each job, a line for each."""
    rows = [["zone", "cloud", "state", "seconds", "loss", "model"]]
    for job, reached in zip(jobs, metrics, strict=True):
        took = datetime.fromisoformat(job["ended_at"]) - datetime.fromisoformat(job["submitted_at"])
        seconds = f"{took.total_seconds():.1f}"
        rows.append([job["zone"], job["cloud"], job["state"], seconds, reached, job["model_uri"]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _next(jobs: Sequence[Mapping[str, Any]]) -> str:
    """What there is to type now, with `localcloud` as this person's shell finds it."""
    found = shutil.which("localcloud")
    activated = found and Path(found).samefile(Path(sys.executable).with_name("localcloud"))
    run = f"{'localcloud' if activated else '.venv/bin/localcloud'} run --"
    fetches = [f"{run} dispatch fetch {job['id']} {FETCHED}/{job['zone']}" for job in jobs]
    last = jobs[-1]
    return "\n  ".join(
        [
            "Go on in the same place:",
            *fetches,
            f"{run} dispatch show {last['id']}",
            f"{run} dispatch submit {JOB} --queue {last['queue']} --follow -- --epochs 50",
            f"{run} pulumi preview --stack {STACK} --expect-no-changes",
            "make demo-clean",
        ]
    )


def _clean(place: Place) -> None:
    if process.living(place) is not None and any(place.pulumi_state.rglob(f"{STACK}.json")):
        _step(f"Destroying stack {STACK}")
        try:
            _local(
                "pulumi",
                "destroy",
                "--yes",
                "--suppress-outputs",
                "--stack",
                STACK,
                *_terminal(),
            )
        except StepFailed as failure:
            # What is left lives in the memory of the server that ends next.
            print(f"going on: {failure}", file=sys.stderr)
    _step("Ending the local clouds")
    _run("localcloud", "down")
    shutil.rmtree(place.root, ignore_errors=True)
    shutil.rmtree(CHECKOUT / FETCHED, ignore_errors=True)
    for parent in (place.root.parent, (CHECKOUT / FETCHED).parent):
        with contextlib.suppress(OSError):
            parent.rmdir()  # only when nothing else is in it
    print(f"removed {place.root}")
    print("kept: .venv, and the built tools that all checkouts share (`make clean-cache` removes those)")


def _step(title: str) -> None:
    print(f"\n== {title}", flush=True)


def _terminal() -> list[str]:
    """On a terminal the engine previews first, with the idle cost of the zone; a log gets the bare steps."""
    return [] if sys.stdout.isatty() else ["--non-interactive", "--suppress-progress", "--skip-preview"]


def _local(*command: str, quiet: bool = False) -> None:
    _run("localcloud", "run", "--", *command, quiet=quiet)


def _run(*command: str, quiet: bool = False) -> None:
    shown = shlex.join(command)
    if not quiet:
        print(f"$ {shown}", flush=True)
    code = subprocess.run(_resolved(command), cwd=CHECKOUT, check=False).returncode
    if code:
        raise StepFailed(shown, code)


def _answer(*command: str, shown: bool = False) -> Any:
    command = ("localcloud", "run", "--", *command)
    if shown:
        print(f"$ {shlex.join(command)}", flush=True)
    answer = subprocess.run(_resolved(command), cwd=CHECKOUT, check=False, stdout=subprocess.PIPE, text=True)
    if answer.returncode:
        raise StepFailed(shlex.join(command), answer.returncode)
    return json.loads(answer.stdout)


def _resolved(command: Sequence[str]) -> list[str]:
    """Our own programs out of the environment this runs in, whether or not it is activated."""
    own = Path(sys.executable).with_name(command[0])
    return [str(own) if os.access(own, os.X_OK) else command[0], *command[1:]]


if __name__ == "__main__":
    sys.exit(main())
