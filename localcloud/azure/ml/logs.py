"""What processes of a job print, as blobs of its workspace, where run history points to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from localcloud.azure.ml import data
from localcloud.azure.ml.record import CommandJob
from localcloud.azure.state import State
from localcloud.jobs.logs import Line, Stream


def folder(state: State, job: CommandJob) -> data.Folder:
    """Where a run keeps its logs and ./outputs: its output `default`, in the workspace's own container."""
    return data.resolve(state, job.workspace, str(job.properties["outputs"]["default"]["uri"]))


def where(state: State, job: CommandJob, name: str) -> Path:
    """The file of a log, in a folder that is made when it is first written to."""
    path = folder(state, job).directory(state) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(state: State, job: CommandJob, name: str, lines: Sequence[str]) -> None:
    """Append lines to a log, which run history lists from then on."""
    with state.lock:
        path = where(state, job, name)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    with job.lock:
        if name not in job.logs:
            job.logs.append(name)


def stream(state: State, job: CommandJob, name: str) -> Stream:
    """Where a process's output goes: as it is, without times. The log is there before anything is printed."""
    write(state, job, name, [])

    def send(lines: Sequence[Line]) -> None:
        write(state, job, name, [text for _, text in lines])

    return Stream(send)


def say(state: State, job: CommandJob, text: str) -> None:
    """A line of the service's own, with the time."""
    now = datetime.fromtimestamp(state.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    write(state, job, "system_logs/lifecycler/lifecycler.log", [f"{now} {text}"])
