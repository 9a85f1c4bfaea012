"""SIGKILL at every step of a submission: whatever is left, the next tick ends with exactly one job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from tests.dispatcher.conftest import GOLDEN

pytestmark = pytest.mark.crash

# The victim submits one job to a cloud that is a directory and kills itself at the step named on its command line.
VICTIM = """
import os, signal, sys
from pathlib import Path
from dispatcher.api import Dispatcher
from dispatcher.ledger.sqlite import SqliteLedger
from tests.dispatcher.test_crash import FolderCloud
from tests.dispatcher.conftest import job

step, root, unique = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "unique"

def die_at(name, original):
    def wrapped(*arguments, **named):
        if step == f"before {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if step == f"after {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

for name in ("add", "remember", "claim", "change"):
    setattr(SqliteLedger, name, die_at(name, getattr(SqliteLedger, name)))
FolderCloud.submit = die_at("submit", FolderCloud.submit)
cloud = FolderCloud(root / "cloud", unique)
with Dispatcher(root / "ledger.db", open_backend=lambda zone, **_: cloud) as dispatcher:
    dispatcher.submit(job(), "aws-euc1")
"""

STEPS = [
    f"{when} {name}" for name in ("add", "remember", "claim", "submit", "change") for when in ("before", "after")
]


class FolderCloud:
    """A cloud whose jobs are files. Fills what a submission needs.

    A `unique` name exists once, whoever makes it, as on SageMaker; else a name may be taken by many jobs, and is
    looked up before one is made, as on Vertex AI.
    """

    def __init__(self, folder: Path, unique: bool) -> None:
        from tests.dispatcher.doubles import ToyCloud

        self.folder, self.unique = folder, unique
        self.settle_seconds = 0.0 if unique else 120.0
        self.render = ToyCloud().render

    def submit(self, request: object) -> str:
        from dispatcher.errors import AlreadyExistsError

        name = request.name  # type: ignore[attr-defined]  # a Request; imported late for the victim's sake
        if not self.unique and self.jobs(name):
            raise AlreadyExistsError(name)
        id = "1" if self.unique else os.urandom(4).hex()
        try:
            with (self.folder / f"{name}~{id}").open("x") as file:
                os.fsync(file.fileno())
        except FileExistsError:
            raise AlreadyExistsError(name) from None
        return f"folder:{name}~{id}"

    def jobs(self, name: str) -> list[str]:
        return [path.name for path in self.folder.glob(f"{name}~*")]

    def adopt(self, name: str) -> object:
        from dispatcher.backends.base import Observation, State

        found = self.jobs(name)
        return Observation(name, f"folder:{found[0]}", State.RUNNING, "Running") if found else None

    def poll(self, names: list[str]) -> dict[str, object]:
        return {name: found for name in names if (found := self.adopt(name)) is not None}


@pytest.mark.parametrize("names", ["unique", "repeatable"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_ticks_leave_exactly_one_job_on_the_cloud(
    tmp_path: Path, step: str, names: str
) -> None:
    (tmp_path / "cloud").mkdir()
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"contract": json.loads((GOLDEN / "aws.json").read_text())}))
    cloud = FolderCloud(tmp_path / "cloud", names == "unique")
    with Dispatcher(tmp_path / "ledger.db", open_backend=lambda zone, **_: cloud) as dispatcher:
        dispatcher.sync(outputs=[outputs], project=tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, step, str(tmp_path), names], timeout=60, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    later = 0.0
    with Dispatcher(
        tmp_path / "ledger.db", open_backend=lambda zone, **_: cloud, clock=lambda: time.time() + later
    ) as survivor:
        survivor.tick()
        survivor.tick()
        later = cloud.settle_seconds
        survivor.tick()
        survivor.tick()
        entries = survivor.list()
    if step == "before add":
        assert entries == []
        return
    (entry,) = entries
    assert entry.state in ("pending", "running")
    (job,) = (path.name for path in (tmp_path / "cloud").iterdir())
    assert job.startswith(f"{entry.cloud_name}~")
    assert entry.provider_id == f"folder:{job}"
