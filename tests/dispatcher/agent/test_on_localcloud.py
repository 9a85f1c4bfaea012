"""The ledger beside a local cloud: planted orphans and doubles are found on all three, and nobody else's jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.job import Job, Resources
from dispatcher.ledger import Entry
from tests.backends.azureml.landing import azure_landed, azure_landing
from tests.backends.sagemaker.landing import landed, landing
from tests.backends.vertex.landing import VertexLanding, vertex_landed, vertex_landing
from tests.dispatcher.grounds import GROUNDS, Ground, ground, opened, put_image

__all__ = ["azure_landed", "azure_landing", "ground", "landed", "landing", "vertex_landed", "vertex_landing"]
pytestmark = pytest.mark.wire

PROGRAM = "import sys, time\ntime.sleep(float(sys.argv[1]))\n"


class Opener:
    """Opens ledgers that know the same zone."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground, self.folder = ground, folder
        put_image(ground, "train-compared", PROGRAM, folder)
        self.opened: list[Dispatcher] = []

    def __call__(self, name: str, environment: str = "wire") -> Dispatcher:
        place = self.folder / name
        place.mkdir()
        self.opened.append(opened(self.ground, place, "name: wire", who=name, environment=environment))
        return self.opened[-1]

    def submit(self, dispatcher: Dispatcher, name: str, seconds: float = 0.0) -> Entry:
        resources = Resources(instance=self.ground.instance)
        command = ("python", "train.py", str(seconds))
        job = Job(image="train-compared", name=name, command=command, resources=resources, max_runtime=120)
        entry = dispatcher.submit(job, "wire")
        assert entry.started, entry.last_error
        return entry


@pytest.fixture
def opener(ground: Ground, tmp_path: Path) -> Iterator[Opener]:
    made = Opener(ground, tmp_path)
    yield made
    for one in made.opened:
        one.close()


def test_planted_orphans_are_found_and_nothing_else(opener: Opener) -> None:
    ours, lost = opener("ada"), opener("grace")
    known = opener.submit(ours, "known")
    ended = opener.submit(ours, "ended")
    ours.wait(ended.id)
    orphan = opener.submit(lost, "orphan", seconds=60)
    left = opener.submit(ours, "left", seconds=60)
    ours.ledger.change(left.id, {"state": "failed", "ended_at": ours.stamp()})
    result = ours.agents.reconcile()
    assert not result.errors
    found = {one.name: one for one in result.differences if one.zone == "wire-zone"}
    names = {str(orphan.cloud_name): "orphan", str(left.cloud_name): "left running"}
    # Other tests of the module use the zone too.
    ids = {one.id for one in (known, ended, orphan, left)}
    assert {name: one.kind for name, one in found.items() if one.job in ids} == names
    assert found[str(orphan.cloud_name)].owner in ("", "grace"), "SageMaker's list has no tags"
    assert all(found[name].costs and found[name].provider_id for name in names)
    # Stopped by whoever started it, it is an orphan that costs nothing.
    lost.cancel(orphan.id)
    ours.backend(ours.queue("wire")).cancel(str(left.cloud_name))
    assert lost.wait(orphan.id).state == "cancelled"
    again = {one.name: one for one in ours.agents.reconcile().differences}
    assert not again[str(orphan.cloud_name)].costs


@pytest.mark.parametrize("ground", ["gcp", "azure"], indirect=True)
def test_another_environment_of_the_account_is_not_looked_into(opener: Opener) -> None:
    ours, theirs = opener("ada"), opener("grace", environment="elsewhere")
    entry = opener.submit(theirs, "theirs")
    assert entry.cloud_name not in {one.name for one in ours.agents.reconcile(["wire"]).differences}
    assert theirs.agents.reconcile(["wire"]).compared["wire-zone"] >= 1
    theirs.wait(entry.id)


def test_a_second_job_of_one_name_is_found_on_vertex(vertex_landing: VertexLanding, tmp_path: Path) -> None:
    opener = Opener(GROUNDS["gcp"][1](vertex_landing), tmp_path)
    ours = opener("ada")
    entry = opener.submit(ours, "twice", seconds=60)
    sent = [call["body"] for call in vertex_landing.cloud.requests("aiplatform", "CreateCustomJob")]
    (body,) = (body for body in sent if body["displayName"] == entry.cloud_name)
    zone = vertex_landing.zone
    vertex_landing.call(f"aiplatform/v1/projects/{zone.project}/locations/{zone.region}/customJobs", body)
    doubles = [one for one in ours.agents.reconcile(["wire"]).differences if one.name == entry.cloud_name]
    assert [one.kind for one in doubles] == ["double", "double"]
    assert len({one.provider_id for one in doubles}) == 2
    ours.cancel(entry.id)
    assert ours.wait(entry.id).state == "cancelled"
    ours.close()
