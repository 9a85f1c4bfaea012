"""The whole dispatcher on a local cloud: the command line here, each vendor's own rules and real jobs there."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.contract import Contract, Zone, as_json
from tests.backends.sagemaker.landing import Landing, landed
from tests.backends.vertex.landing import VertexLanding, vertex_landed
from tests.dispatcher.test_startup import PROGRAM as MODULES

__all__ = ["landed", "vertex_landed"]
pytestmark = pytest.mark.wire

PROGRAM = """
import os, sys, time
print("epoch 1 rate", sys.argv[2])
os.makedirs(os.environ["DISPATCH_OUTPUT_DIR"], exist_ok=True)
open(os.environ["DISPATCH_OUTPUT_DIR"] + "/weights", "w").write("42")
if "--slow" in sys.argv:
    time.sleep(60)
print("epoch 2")
sys.exit(3 if "--fail" in sys.argv else 0)
"""
ID = re.compile(r"\b[a-z2-7]{8}\b")
Dispatch = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Ground:
    """A zone on a local cloud: which service and operation creates a job there, and what it says on bad days.

    `named` lists the names of the cloud's own jobs.
    """

    landing: Landing | VertexLanding
    instance: str
    service: str
    create: str
    output: str
    failure: str
    sign_in: str
    named: Callable[[], list[str]]

    @property
    def cloud(self) -> Any:
        return self.landing.cloud

    @property
    def zone(self) -> Zone:
        return self.landing.zone


def on_aws(landed: Landing) -> Ground:
    def named() -> list[str]:
        listed = landed.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
        return [job["TrainingJobName"] for job in listed]

    return Ground(
        landed,
        instance="ml.m5.large",
        service="sagemaker",
        create="CreateTrainingJob",
        output="s3://wire-output/",
        failure="AlgorithmError",
        sign_in="aws sso login",
        named=named,
    )


def on_gcp(landed: VertexLanding) -> Ground:
    def named() -> list[str]:
        path = f"aiplatform/v1/projects/{landed.zone.project}/locations/{landed.zone.region}/customJobs"
        return [job["displayName"] for job in landed.call(path)["customJobs"]]

    return Ground(
        landed,
        instance="n2-standard-4",
        service="aiplatform",
        create="CreateCustomJob",
        output="gs://wire-gcs-output/",
        failure="non-zero status of 3",
        sign_in="gcloud auth application-default login",
        named=named,
    )


@pytest.fixture(scope="module", params=["aws", "gcp"])
def ground(request: pytest.FixtureRequest) -> Ground:
    if request.param == "aws":
        return on_aws(request.getfixturevalue("landed"))
    return on_gcp(request.getfixturevalue("vertex_landed"))


@pytest.fixture(scope="module")
def project(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the zone's outputs and a job whose image holds the program."""
    root = tmp_path_factory.mktemp("project")
    zone = dataclasses.replace(ground.zone)
    contract = Contract(1, "2026-11-21T08:00:00Z", "wire", "none", {"wire-zone": zone})
    (root / "outputs.json").write_text(json.dumps({"contract": as_json(contract)}))
    image = ground.landing.folder / "train-image"
    image.mkdir()
    (image / "train.py").write_text(PROGRAM)
    ground.cloud.images.add("train-image", image)
    (root / "job.yaml").write_text(
        "image: train-image\nname: train\ncommand: [python, -u, train.py, --rate, 1e-3]\n"
        f"resources: {{instance: {ground.instance}}}\nmax_runtime: 5m\n"
    )
    (root / "q.yaml").write_text("queues: [{name: wire, zone: wire-zone, max_running: 2}]")
    return root


@pytest.fixture
def environment(ground: Ground, tmp_path: Path) -> dict[str, str]:
    """The local cloud's environment with a ledger of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DISPATCH_"))}
    return {**kept, **ground.cloud.environment, "DISPATCH_LEDGER": str(tmp_path / "ledger.db"), "USER": "ada"}


@pytest.fixture
def dispatch(project: Path, environment: dict[str, str]) -> Dispatch:
    """Run `dispatch` as a process of its own, on a ledger that has been synced."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dispatcher", *words]
        return subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    synced = run("sync", "--outputs", "outputs.json", "--queues", "q.yaml")
    assert synced.returncode == 0, synced.stderr
    return run


def entry(dispatch: Dispatch, text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(dispatch("show", text, "-o", "json").stdout)
    return document


def test_a_job_is_submitted_followed_to_its_end_and_its_model_fetched(
    dispatch: Dispatch, ground: Ground, tmp_path: Path
) -> None:
    done = dispatch("submit", "job.yaml", "--wait", "--follow")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("submitted ")
    assert lines[1:3] == ["epoch 1 rate 1e-3", "epoch 2"]
    assert lines[3].startswith("succeeded ")
    (id,) = set(ID.findall(lines[3].split()[1]))
    assert lines[4].startswith(f"  output: {ground.output}")
    assert dispatch("logs", id).stdout.splitlines() == ["epoch 1 rate 1e-3", "epoch 2"]
    fetched = dispatch("fetch", id, str(tmp_path / "out"))
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout.strip()
    assert all(Path(path).exists() for path in fetched.stdout.split())
    ended = entry(dispatch, id)
    assert ended["state"] == "succeeded"
    assert ended["billable_seconds"] is not None
    assert [row["id"] for row in json.loads(dispatch("history", "-o", "json").stdout)] == [id]
    shown = dispatch("show", id).stdout
    assert "link console" in shown
    assert "link logs" in shown


def test_the_dry_run_s_body_is_what_goes_over_the_wire_but_for_the_submission_id(
    dispatch: Dispatch, ground: Ground
) -> None:
    dry = json.loads(dispatch("submit", "job.yaml", "--dry-run", "-o", "json").stdout)
    id = json.loads(dispatch("submit", "job.yaml", "-o", "json").stdout)["id"]
    (request,) = dry["requests"]
    shown = json.dumps(request["body"]).replace("00000000", id)
    seen = [json.dumps(call["body"]) for call in ground.cloud.requests(ground.service, ground.create)]
    assert request["operation"] == ground.create
    assert shown in seen, "to the order of its keys"


def test_a_program_that_fails_is_exit_9_with_the_reason(dispatch: Dispatch, ground: Ground) -> None:
    done = dispatch("submit", "job.yaml", "--wait", "--", "--fail")
    assert done.returncode == 9
    assert "failed " in done.stdout
    assert ground.failure in done.stdout


def test_ctrl_c_leaves_the_job_running_and_cancel_stops_it(
    dispatch: Dispatch, project: Path, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "dispatcher", "submit", "job.yaml", "--wait", "--follow", "--", "--slow"]
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        id = process.stdout.readline().split()[1].rstrip(":")
        assert process.stdout.readline() == "epoch 1 rate 1e-3\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"job {id} goes on" in said
    assert "Traceback" not in said
    assert json.loads(dispatch("show", id, "--refresh", "-o", "json").stdout)["state"] == "running"
    assert dispatch("cancel", id).stdout == f"{id} stopping\n"
    waited = dispatch("wait", id)
    assert (waited.returncode, waited.stdout.split()[0]) == (9, "cancelled")


def test_a_fault_that_eats_the_answer_leads_to_one_job(dispatch: Dispatch, ground: Ground) -> None:
    ground.cloud.fault("lost", operation=ground.create, times=1)
    done = dispatch("submit", "job.yaml", "--wait")
    ground.cloud.clear()
    assert done.returncode == 0, done.stderr
    id = ID.findall(done.stdout.splitlines()[-2] if "output" in done.stdout else done.stdout)[0]
    assert [name for name in ground.named() if id in name] == [f"train-{id}-1"]


def test_expired_credentials_are_exit_4_with_the_command_to_run_and_the_job_stays(
    dispatch: Dispatch, ground: Ground
) -> None:
    ground.cloud.fault("expired", operation=ground.create, times=100)
    done = dispatch("submit", "job.yaml")
    ground.cloud.clear()
    assert done.returncode == 4
    assert ground.sign_in in done.stderr
    (first, *_) = json.loads(dispatch("list", "-o", "json").stdout)
    assert first["state"] == "queued"
    assert dispatch("cancel", first["id"]).returncode == 0


def test_a_quota_is_exit_5_with_its_name(dispatch: Dispatch, ground: Ground) -> None:
    ground.cloud.fault("quota", service=ground.service, operation=ground.create, times=1)
    done = dispatch("submit", "job.yaml")
    ground.cloud.clear()
    assert done.returncode == 5
    assert "quota of " in done.stderr
    assert "training" in done.stderr


FOREIGN = {
    "sagemaker": ("boto3", "google.auth", "google.protobuf", "requests"),
    "aiplatform": (
        "boto",
        "google.cloud.aiplatform",
        "google.cloud.storage",
        "google.api_core",
        "grpc",
        "vertexai",
    ),
}
"""What submitting to a service has no use for; a name stands for all that begin with it."""
LIGHT = "google.cloud.aiplatform_v1.types."
"""The modules of types, which come without the packages around them (dispatcher/backends/vertex/protos.py)."""


def test_submitting_loads_no_vendor_s_sdk_beyond_what_talks(
    dispatch: Dispatch, ground: Ground, project: Path, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-c", MODULES, "submit", "job.yaml"]
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.rpartition("\0")[2].split()
    useless = FOREIGN[ground.service]
    assert not [name for name in loaded if name.startswith(useless) and not name.startswith(LIGHT)]


def test_doctor_is_content_with_a_working_zone(dispatch: Dispatch) -> None:
    done = dispatch("doctor")
    assert done.returncode == 0, done.stdout
    assert "ok    zone wire-zone" in done.stdout


def test_doctor_says_who_may_not_become_the_agent(dispatch: Dispatch, ground: Ground) -> None:
    service = {"sagemaker": "sts", "aiplatform": "iamcredentials"}[ground.service]
    ground.cloud.fault("denied", service=service, times=100)
    done = dispatch("doctor")
    ground.cloud.clear()
    assert done.returncode == 4
    assert "fail  zone wire-zone: not allowed to become the zone's agent" in done.stdout
    assert "identity: ambient" in done.stdout
