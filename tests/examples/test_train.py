"""The example's training: one result by any number of processes, interrupted or not, and an end that comes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from dispatcher import __version__
from dispatcher.images import one_file

pytestmark = pytest.mark.process
EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = EXAMPLES / "program" / "train.py"
LOSS = re.compile(r"final loss (\S+)")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Nodes:
    """Two machines, so to say, with a checkpoint directory and an output directory that they share."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "DISPATCH_NODES": "2"}
        self.running: list[subprocess.Popen[str]] = []
        self.python, self.program = sys.executable, (str(PROGRAM),)

    def start(self, *words: str, nodes: int = 2, **environment: str) -> list[subprocess.Popen[str]]:
        for rank in range(nodes):
            own = {
                **self.meeting,
                "DISPATCH_NODES": str(nodes),
                "NODE_RANK": str(rank),
                "DISPATCH_CHECKPOINT_DIR": str(self.folder / "checkpoints"),
                "DISPATCH_OUTPUT_DIR": str(self.folder / "output"),
                "PATH": os.environ["PATH"],
                **environment,
            }
            command = [self.python, *self.program, *words]
            self.running.append(
                subprocess.Popen(command, env=own, stdout=subprocess.PIPE, text=True, start_new_session=True)
            )
        return self.running[-nodes:]

    def run(self, *words: str, nodes: int = 2, **environment: str) -> list[str]:
        """Run to the end and return what each node printed."""
        started = self.start(*words, nodes=nodes, **environment)
        said = [one.communicate(timeout=60)[0] for one in started]
        assert [one.returncode for one in started] == [0] * nodes
        return said

    @property
    def model(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "output" / "model.json").read_text())
        return found


@pytest.fixture
def machines(tmp_path: Path, port: int) -> Iterator[Nodes]:
    made = Nodes(tmp_path, port)
    yield made
    for one in made.running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def test_two_nodes_with_two_processes_come_to_the_result_of_one_process(machines: Nodes, tmp_path: Path) -> None:
    (alone,) = machines.run("--epochs", "5", nodes=1)
    before = machines.model
    (tmp_path / "checkpoints" / "state.json").unlink()
    first, second = machines.run("--epochs", "5", "--processes", "2")
    assert LOSS.findall(first) == LOSS.findall(alone)
    assert machines.model["weights"] == pytest.approx(before["weights"])
    for rank in (2, 3):
        assert f"process {rank} of 4 on node 1: 100 of 400 rows from seed 1, by sockets" in second
    assert "epoch" not in second.replace("done", ""), "the first process tells of epochs, and no other"


def test_a_node_that_is_told_to_stop_stops_all_after_the_same_epoch_and_the_next_start_resumes(
    machines: Nodes,
) -> None:
    (alone,) = machines.run("--epochs", "6", nodes=1)
    (machines.folder / "checkpoints" / "state.json").unlink()
    words = ("--epochs", "6", "--processes", "2", "--pause", "0.3")
    first, second = machines.start(*words)
    assert first.stdout
    for line in first.stdout:
        if "epoch 2 " in line:
            break
    second.send_signal(signal.SIGTERM)
    rest = [one.communicate(timeout=60)[0] for one in (first, second)]
    assert [first.returncode, second.returncode] == [143, 143]
    (stopped,) = set(re.findall(r"stopping after epoch (\d)", "".join(rest)))
    again = machines.run(*words)
    assert f"resuming after epoch {stopped}" in again[0]
    assert "epoch 2 " not in again[0]
    assert LOSS.findall(again[0]) == LOSS.findall(alone)


def test_when_one_process_dies_no_other_waits_for_it(machines: Nodes) -> None:
    first, second = machines.start("--epochs", "100", "--pause", "0.1")
    assert first.stdout
    next(first.stdout)
    children = Path(f"/proc/{second.pid}/task/{second.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert second.wait(timeout=30) == 137
    assert first.wait(timeout=30) == 1


def test_a_node_ends_its_other_processes_when_one_dies_even_those_that_wait_for_the_other_node(
    machines: Nodes,
) -> None:
    (node,) = machines.start("--processes", "2", nodes=1, DISPATCH_NODES="2")
    tasks = Path(f"/proc/{node.pid}/task/{node.pid}/children")
    while len(children := tasks.read_text().split()) < 2:
        time.sleep(0.02)
    os.kill(int(children[1]), signal.SIGKILL)
    assert node.wait(timeout=30) == 137


WITH_TORCH = os.environ.get("LAUNCHWAY_TORCH") or (sys.executable if find_spec("torch") else "")
"""A Python that has torch, which is no dependency of ours: where there is none, a few names stand in for it."""


@pytest.fixture(params=["its few names", *(["torch"] if WITH_TORCH else [])])
def torch(request: pytest.FixtureRequest, machines: Nodes, tmp_path: Path) -> dict[str, str]:
    """The environment in which the example finds torch."""
    if request.param == "torch":
        machines.python = WITH_TORCH
        return {}
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(
        "float64 = 'float64'\ndef tensor(values, dtype): return list(values)\n"
    )
    (tmp_path / "torch" / "distributed.py").write_text(
        textwrap.dedent("""
            from urllib.parse import urlsplit
            import together
            def init_process_group(backend, *, init_method, rank, world_size):
                global group
                assert backend == "gloo"
                place = urlsplit(init_method)
                group = together.Tcp(rank, world_size, (place.hostname, place.port))
            def all_reduce(tensor):
                tensor[:] = group.total(tensor)
            def destroy_process_group(): print("left the group")
        """)
    )
    return {"PYTHONPATH": str(tmp_path)}


def test_torch_connects_the_processes_where_it_is_installed(machines: Nodes, torch: dict[str, str]) -> None:
    (alone,) = machines.run("--epochs", "3", nodes=1)
    (machines.folder / "checkpoints" / "state.json").unlink()
    first, second = machines.run("--epochs", "3", "--processes", "2", **torch)
    assert "process 0 of 4 on node 0: 100 of 400 rows from seed 1, by torch.distributed" in first
    assert "process 3 of 4 on node 1: 100 of 400 rows from seed 1, by torch.distributed" in second
    assert LOSS.findall(first) == LOSS.findall(alone)
    assert first.count("left the group") == (2 if torch else 0), "the stand-in says so, torch itself does not"


if WITH_TORCH:

    def test_torchrun_behind_dispatch_run_starts_the_processes_of_each_node(machines: Nodes) -> None:
        folder = Path(WITH_TORCH).parent
        machines.python = "dispatch-run"
        machines.program = ("torchrun", "--nproc-per-node=2", str(PROGRAM))
        path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        first, second = machines.run("--epochs", "3", PATH=path, DISPATCH_CLOUD="azure", OMP_NUM_THREADS="1")
        assert "process 1 of 4 on node 0: 100 of 400 rows from seed 1, by torch.distributed" in first
        assert "process 3 of 4 on node 1: 100 of 400 rows from seed 1, by torch.distributed" in second
        assert LOSS.findall(first)


def test_under_torchrun_the_processes_are_the_ones_it_started(machines: Nodes) -> None:
    (said,) = machines.run("--epochs", "1", "--processes", "9", nodes=1, TORCHELASTIC_RUN_ID="x", WORLD_SIZE="1")
    assert "process 0 of 1 on node 0" in said


def test_the_example_image_takes_dispatch_run_in_as_we_say_that_images_do() -> None:
    lines = (EXAMPLES / "Dockerfile").read_text().splitlines()
    assert set(one_file.lines(Path("dispatch-run"))) <= set(lines)
    assert __version__ in "".join(lines)
