"""Spot jobs on a local cloud: machines really go away, and the job resumes from its checkpoint, on all three."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.job import Job, Resources
from dispatcher.ledger import Entry
from tests.backends.azureml.landing import azure_landed, azure_landing
from tests.backends.sagemaker.landing import landed, landing
from tests.backends.vertex.landing import vertex_landed, vertex_landing
from tests.dispatcher.grounds import Ground, ground, opened, put_image

__all__ = ["azure_landed", "azure_landing", "ground", "landed", "landing", "vertex_landed", "vertex_landing"]
pytestmark = pytest.mark.wire

PROGRAM = """
import json, os, pathlib, socket, time

rank, nodes = int(os.environ["DISPATCH_NODE_RANK"]), int(os.environ["DISPATCH_NODES"])
saved = pathlib.Path(os.environ["DISPATCH_CHECKPOINT_DIR"]) / "state.json"
state = json.loads(saved.read_text()) if saved.exists() else {"step": 0, "total": 0}
begun = state["step"]
print("begins at", begun, flush=True)

first = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if rank == 0:
    here = socket.create_server(first, reuse_port=False)
    peers = [here.accept()[0] for _ in range(nodes - 1)]
else:
    while True:
        try:
            peers = [socket.create_connection(first)]
            break
        except OSError:
            time.sleep(0.05)


def summed(value):
    if rank:
        peers[0].sendall(bytes([value]))
        return peers[0].recv(1)[0]
    total = value + sum(peer.recv(1)[0] for peer in peers)
    for peer in peers:
        peer.sendall(bytes([total]))
    return total


while state["step"] < 6:
    state = {"step": state["step"] + 1, "total": state["total"] + summed(rank + 1)}
    if rank == 0:
        part = saved.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.replace(saved)
    print("step", state["step"], flush=True)
    if state["step"] == 3 and not begun:
        time.sleep(40)
print("total", state["total"], flush=True)
"""
"""Adds up over its nodes, as training does; its first life hangs after the third step until its machines go."""


@pytest.fixture
def dispatcher(ground: Ground, tmp_path: Path) -> Iterator[Dispatcher]:
    """A dispatcher that talks to the local cloud."""
    put_image(ground, "train-spot", PROGRAM, tmp_path)
    with opened(ground, tmp_path, "name: wire") as made:
        yield made


def train(ground: Ground, nodes: int = 1, **fields: Any) -> Job:
    return Job(
        image="train-spot",
        name="train",
        command=("python", "-u", "train.py"),
        resources=Resources(instance=ground.instance, nodes=nodes),
        runtime=True,
        max_runtime=120,
        spot=True,
        checkpoint=True,
        **fields,
    )


def said(dispatcher: Dispatcher, entry: Entry, text: str, times: int = 1) -> None:
    """Wait until the job has printed a line so often."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        dispatcher.tick()
        assert not dispatcher.show(entry.id).final, dispatcher.show(entry.id).reason
        if [line.text for line in dispatcher.logs(entry.id)].count(text) >= times:
            return
        time.sleep(0.1)
    raise AssertionError([line.text for line in dispatcher.logs(entry.id)])


@pytest.mark.parametrize("nodes", [1, 2])
def test_an_interrupted_job_resumes_from_its_checkpoint_and_comes_to_the_same_result(
    dispatcher: Dispatcher, ground: Ground, nodes: int
) -> None:
    entry = dispatcher.submit(train(ground, nodes), "wire")
    said(dispatcher, entry, "step 3", nodes)
    ground.cloud.fault("interrupt", match={ground.field: entry.cloud_name})
    ended = dispatcher.wait(entry.id)
    assert ended.state == "succeeded", ended.reason
    assert (ended.attempt, ended.interruptions, ended.retries) == (ground.attempts, ground.told, 0)
    by_node: dict[str, list[str]] = {}
    for line in dispatcher.logs(entry.id):
        by_node.setdefault(line.node, []).append(line.text)
    first = ["begins at 0", "step 1", "step 2", "step 3"]
    second = ["begins at 3", "step 4", "step 5", "step 6", f"total {6 * sum(range(1, nodes + 1))}"]
    own = {node: [text for text in texts if text in first + second] for node, texts in by_node.items()}
    assert [lines for lines in own.values() if lines] == [first + second] * nodes
    assert all(map(ground.spot, bodies(ground, entry)))


@pytest.mark.parametrize("ground", ["azure"], indirect=True)
def test_a_job_that_leaves_at_the_notice_goes_on_though_azure_tells_its_exit_code_only(
    dispatcher: Dispatcher, ground: Ground
) -> None:
    entry = dispatcher.submit(train(ground), "wire")
    said(dispatcher, entry, "step 3")
    ground.cloud.fault("interrupt", match={ground.field: entry.cloud_name}, told="exit")
    ended = dispatcher.wait(entry.id)
    assert (ended.state, ended.attempt, ended.interruptions) == ("succeeded", 2, 1), ended.reason
    (told,) = [json.loads(event.data) for event in dispatcher.events(entry.id) if event.kind == "interrupted"]
    assert "exited with status code 143" in told["reason"]


def test_the_last_attempt_runs_on_demand_where_nobody_takes_the_machines_and_resumes_too(
    dispatcher: Dispatcher, ground: Ground
) -> None:
    limit = {} if ground.operation == "CreateCustomJob" else {"max_interruptions": 0}
    entry = dispatcher.submit(train(ground, last_attempt_on_demand=True, **limit), "wire")
    said(dispatcher, entry, "step 3")
    # Vertex AI gives up when no Spot VM is to be had any more, and tells of nothing before. After how many
    # restarts is not documented: that it is the seventh is localcloud's choice, not what this test shows.
    times = 1 if limit else 7
    # SageMaker starts the job again by itself: not before it was stopped for one interruption too many.
    held = {"seconds": 60} if ground.operation == "CreateTrainingJob" else {}
    ground.cloud.fault("interrupt", match={ground.field: entry.cloud_name}, times=times, **held)
    ended = dispatcher.wait(entry.id)
    assert (ended.state, ended.attempt, ended.spot) == ("succeeded", 2, 0), ended.reason
    assert [line.text for line in dispatcher.logs(entry.id)][-1] == "total 6"
    assert list(map(ground.spot, bodies(ground, entry))) == [True, False]
    told = [json.loads(event.data) for event in dispatcher.events(entry.id) if event.kind == "interrupted"]
    assert [one["next"] for one in told if "next" in one] == ["on demand"]


def bodies(ground: Ground, entry: Entry) -> list[Any]:
    """What created the attempts of a job, in their order."""
    seen = ground.cloud.requests(operation=ground.operation)
    return [call["body"] for call in seen if f"train-{entry.id}-" in json.dumps(call["parameters"])]
