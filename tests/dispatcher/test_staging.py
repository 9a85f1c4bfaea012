"""Code that goes along with a job: in the zone before the job is sent, and kept until it is there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Upload
from dispatcher.backends.faults import NotAllowed
from dispatcher.code import keeping
from dispatcher.errors import AuthError, PolicyRefusal, SpecError, UnreachableError
from dispatcher.job import Code, Job
from dispatcher.ledger import Lease
from dispatcher.scheduling.submitting import ELSEWHERE
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


@pytest.fixture
def coded(tmp_path: Path) -> Job:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print()")
    return dataclasses.replace(job(), runtime=True, code=Code(str(tmp_path / "src")))


def test_the_folder_is_in_the_zone_under_its_digest_when_the_job_is_sent(
    lined: Dispatcher, cloud: ToyCloud, coded: Job
) -> None:
    entry = lined.submit(coded, "line")
    assert entry.state == "pending"
    ((uri, content),) = cloud.staged.items()
    digest = hashlib.sha256(content).hexdigest()
    assert uri == f"toy://data/code/{digest}.tar.gz"
    assert json.loads(entry.job)["code"] == {"folder": "src", "sha256": digest, "size": len(content)}


def test_a_job_that_waits_has_its_code_there_already_so_that_anybody_may_send_it(
    lined: Dispatcher, cloud: ToyCloud, coded: Job, tmp_path: Path, clock: ManualClock
) -> None:
    first = lined.submit(job("first"), "line")
    clock.now += 1
    second = lined.submit(job("second"), "line")
    clock.now += 1
    waiting = lined.submit(coded, "line")
    assert (second.state, waiting.state) == ("queued", "queued")
    assert len(cloud.staged) == 1
    lined.cancel(second.id)
    for archive in keeping.beside(tmp_path / "ledger.db").iterdir():
        archive.unlink()  # as on another machine
    cloud.end(str(first.cloud_name))
    lined.tick()
    assert lined.show(waiting.id).state == "pending"


def test_the_job_reads_what_was_submitted_whatever_becomes_of_the_folder(
    lined: Dispatcher, cloud: ToyCloud, coded: Job, tmp_path: Path
) -> None:
    cloud.unstaged += [UnreachableError("no network")]
    entry = lined.submit(coded, "line")
    assert (entry.state, entry.last_error) == ("queued", "no network")
    (tmp_path / "src" / "train.py").write_text("print('changed')")
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    ((uri, content),) = cloud.staged.items()
    assert json.loads(entry.job)["code"]["sha256"] == hashlib.sha256(content).hexdigest() in uri


def test_on_another_machine_a_job_without_its_code_waits_and_lets_others_go(
    lined: Dispatcher, cloud: ToyCloud, coded: Job, tmp_path: Path, clock: ManualClock
) -> None:
    cloud.unstaged += [UnreachableError("no network")]
    entry = lined.submit(coded, "line")
    clock.now += 1
    for archive in keeping.beside(tmp_path / "ledger.db").iterdir():
        archive.unlink()
    other = lined.submit(job("other"), "line")
    assert (lined.show(entry.id).state, other.state) == ("queued", "pending")
    assert "nor on this machine" in str(lined.show(entry.id).last_error)
    cloud.end(str(other.cloud_name))
    for _ in range(3):
        clock.now += ELSEWHERE / 4
        lined.tick()
    tries = ["claimed", "given back"]
    assert [event.kind for event in lined.events(entry.id)] == ["queued", *tries * 2], "not at every tick"
    clock.now += ELSEWHERE / 4
    lined.tick()
    assert [event.kind for event in lined.events(entry.id)] == ["queued", *tries * 3]


def test_a_job_that_cannot_be_staged_is_given_back_and_goes_when_it_can(
    lined: Dispatcher, cloud: ToyCloud, coded: Job
) -> None:
    cloud.unstaged += [AuthError("not signed in")]
    entry = lined.submit(coded, "line")
    assert [event.kind for event in lined.events(entry.id)] == ["queued", "claimed", "given back"]
    assert (entry.cloud_name, entry.lease_token, entry.last_error) == (None, None, "not signed in")
    assert (entry.state, entry.request_digest) == ("queued", None)
    lined.tick()
    assert lined.show(entry.id).state == "pending"


def test_nothing_is_called_before_its_digest_is_recorded_under_a_claim_that_still_holds(
    lined: Dispatcher, cloud: ToyCloud, coded: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = cloud.stage

    def slow(upload: Upload, content: Path) -> None:
        stage(upload, content)
        (row,) = lined.ledger.active()
        assert (row.state, row.request_digest) == ("submitting", None)
        later = Lease("theirs", "bob@elsewhere#1", "9999")
        assert lined.ledger.take_over(row, later, str(row.lease_until), dead=False)

    monkeypatch.setattr(cloud, "stage", slow)
    entry = lined.submit(coded, "line")
    assert (entry.state, entry.lease_token, cloud.sent) == ("submitting", "theirs", [])


def test_a_refusal_that_stays_one_ends_the_job(lined: Dispatcher, cloud: ToyCloud, coded: Job) -> None:
    cloud.unstaged += [PolicyRefusal("the organisation forbids it")]
    entry = lined.submit(coded, "line")
    assert (entry.state, entry.reason) == ("failed", "the organisation forbids it")
    assert cloud.sent == []


def test_a_right_of_a_young_zone_is_given_time_to_spread(
    lined: Dispatcher, cloud: ToyCloud, coded: Job, clock: ManualClock
) -> None:
    clock.now = 1_795_248_000.0 + 60  # the golden contract's updated_at is 08:00:00 of this day
    cloud.unstaged += [NotAllowed("s3:PutObject was denied", "", "s3:PutObject")] * 2
    assert lined.submit(coded, "line").state == "pending"
    assert clock.slept == [5.0, 5.0]


def test_the_zone_is_looked_into_once_for_an_attempt(lined: Dispatcher, cloud: ToyCloud, coded: Job) -> None:
    lined.submit(job(), "line")
    lined.submit(coded, "line")
    for _ in range(3):
        lined.tick()
    assert len(cloud.looked) == 1


def test_a_dry_run_packs_and_leaves_nothing_behind(
    lined: Dispatcher, cloud: ToyCloud, coded: Job, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    first, second = lined.plan(coded, "line"), lined.plan(coded, "line")
    assert first.job.code == second.job.code
    assert first.request.uploads
    assert cloud.looked == []
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_is_not_there_is_named_with_the_line_of_the_job_file(
    lined: Dispatcher, tmp_path: Path
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("image: img:1\nruntime: true\ncode: ./srk\ncommand: [run]\n")
    with pytest.raises(SpecError) as caught:
        lined.plan_file(file, "line")
    (problem,) = caught.value.problems
    assert (problem.source, problem.line, problem.path) == (str(file), 3, "code")
    assert f"{tmp_path / 'srk'} is not a folder" in problem.rule
