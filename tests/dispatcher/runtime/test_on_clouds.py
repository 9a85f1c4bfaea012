"""dispatch-run in jobs that really run, on a local cloud of each kind: nodes meet, a stop reaches the program."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.backends.base import Observation, State
from dispatcher.job import Job, Resources
from tests.backends.azureml.landing import azure_landed, azure_landing
from tests.backends.sagemaker.landing import landed, landing
from tests.backends.vertex.landing import vertex_landed, vertex_landing

__all__ = ["azure_landed", "azure_landing", "landed", "landing", "vertex_landed", "vertex_landing"]
pytestmark = pytest.mark.wire

MEETING = """
import os, socket
rank, size = int(os.environ["NODE_RANK"]), int(os.environ["WORLD_SIZE"])
place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
if rank == 0:
    with socket.create_server(place) as door:
        for _ in range(size - 1):
            guest, _ = door.accept()
            guest.sendall(b"met by node 0")
            guest.close()
    print("all", size, "are here")
else:
    for _ in range(400):
        try:
            with socket.create_connection(place, timeout=20) as host:
                print("node", rank, host.recv(100).decode())
            break
        except ConnectionRefusedError:
            import time
            time.sleep(0.05)
"""
SAVING = """
import os, pathlib, signal, sys, time
def save(*_):
    pathlib.Path(os.environ["DISPATCH_CHECKPOINT_DIR"], "last").write_text("saved")
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("running", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module", params=["landing", "vertex_landing", "azure_landing"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def zone(name: str, request: pytest.FixtureRequest) -> Any:
    """The landing of one cloud; of three kinds, alike in what is used here."""
    return request.getfixturevalue(name)


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def ended(backend: Any, name: str) -> Observation:
    def look() -> Observation | None:
        seen: Observation | None = backend.poll([name]).get(name)
        return seen if seen and seen.state and seen.state.final else None

    observation: Observation = until(look)
    return observation


def nodes(count: int) -> Callable[[Job], Job]:
    return lambda job: dataclasses.replace(
        job, runtime=True, resources=Resources(instance=job.resources.instance, nodes=count)
    )


def test_nodes_of_a_job_meet_under_the_same_variables(zone: Any) -> None:
    backend = zone.backend()
    request = zone.request(backend, MEETING, job=nodes(3))
    backend.submit(request)
    final = ended(backend, request.name)
    said = sorted(line.text for line in backend.logs(request.name))
    assert said == ["all 3 are here", "node 1 met by node 0", "node 2 met by node 0"], final


def test_a_stop_reaches_the_program_which_saves_before_it_ends(zone: Any) -> None:
    backend = zone.backend()
    request = zone.request(
        backend, SAVING, job=lambda job: dataclasses.replace(job, runtime=True, checkpoint=True)
    )
    backend.submit(request)
    until(lambda: "running" in [line.text for line in backend.logs(request.name)])
    backend.cancel(request.name)
    assert ended(backend, request.name).state is State.CANCELLED
    said = [line.text for line in backend.logs(request.name)]
    assert said[0] == "running"
    assert "saved" in said[1:]
    assert any(line.startswith("dispatch-run: SIGTERM: handed to the command") for line in said)


def test_what_a_program_said_last_is_the_reason_where_the_cloud_reads_one(name: str, zone: Any) -> None:
    backend = zone.backend()
    request = zone.request(
        backend, "raise ValueError('no rows')", job=lambda job: dataclasses.replace(job, runtime=True)
    )
    backend.submit(request)
    final = ended(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "program")
    assert ("ValueError: no rows" in final.reason) == (name == "landing")
    said = [line.text for line in backend.logs(request.name)]
    assert "ValueError: no rows" in said
    assert "dispatch-run: the command ended with exit code 1" in said
