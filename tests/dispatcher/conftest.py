"""A synced ledger in a temporary directory, a manual clock, and a toy cloud behind every queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.job import Job, Priority, Resources
from tests.dispatcher.command_line import line, run
from tests.dispatcher.doubles import ManualClock, ToyCloud

__all__ = ["line", "run"]  # fixtures

GOLDEN = Path(__file__).parents[1] / "golden" / "contracts"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cloud() -> ToyCloud:
    return ToyCloud()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """What `pulumi stack output --json` prints for the golden AWS stack."""
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({"contract": json.loads((GOLDEN / "aws.json").read_text()), "registryUrl": "x"}))
    return path


@pytest.fixture
def dispatcher(tmp_path: Path, clock: ManualClock, cloud: ToyCloud) -> Iterator[Dispatcher]:
    """A dispatcher on an empty ledger; every zone is the toy cloud."""
    environment = {"USER": "ada", "HOME": str(tmp_path), "PATH": ""}
    opened = Dispatcher(
        tmp_path / "ledger.db",
        environment=environment,
        clock=clock,
        sleep=clock.sleep,
        open_backend=lambda zone, **_: cloud,
    )
    yield opened
    opened.close()


@pytest.fixture
def synced(dispatcher: Dispatcher, outputs: Path, tmp_path: Path) -> Callable[[str], Dispatcher]:
    """Sync the golden zone with a queue file given as text."""

    def sync(queues: str) -> Dispatcher:
        file = tmp_path / "golden.queues.yaml"
        file.write_text(queues)
        dispatcher.sync(outputs=[outputs], queues=file, project=tmp_path)
        return dispatcher

    return sync


@pytest.fixture
def lined(synced: Callable[[str], Dispatcher]) -> Dispatcher:
    """One queue `line` that runs one job at a time."""
    return synced("queues: [{name: line, zone: aws-euc1, max_running: 1}]")


def job(name: str = "train", priority: Priority = Priority.MEDIUM, nodes: int = 1) -> Job:
    """A small job."""
    return Job(image="img:1", command=("run",), name=name, priority=priority, resources=Resources(nodes=nodes))
