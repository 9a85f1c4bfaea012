"""The whole dispatcher on a local AWS: the command line here, SageMaker's own model and real jobs there."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher.contract import Contract, as_json
from tests.backends.conftest import Landing, landed

__all__ = ["landed"]
pytestmark = pytest.mark.wire

PROGRAM = """
import os, sys, time
print("epoch 1 rate", sys.argv[2])
open(os.environ["DISPATCH_OUTPUT_DIR"] + "/weights", "w").write("42")
if "--slow" in sys.argv:
    time.sleep(60)
print("epoch 2")
sys.exit(3 if "--fail" in sys.argv else 0)
"""
ID = re.compile(r"\b[a-z2-7]{8}\b")
Dispatch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def project(landed: Landing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the zone's outputs and a job whose image holds the program."""
    root = tmp_path_factory.mktemp("project")
    zone = dataclasses.replace(landed.zone)
    contract = Contract(1, "2026-11-21T08:00:00Z", "wire", "none", {"wire-euc1": zone})
    (root / "outputs.json").write_text(json.dumps({"contract": as_json(contract)}))
    image = landed.folder / "train-image"
    image.mkdir()
    (image / "train.py").write_text(PROGRAM)
    landed.cloud.images.add("train-image", image)
    (root / "job.yaml").write_text(
        "image: train-image\nname: train\ncommand: [python, -u, train.py, --rate, 1e-3]\n"
        "resources: {instance: ml.m5.large}\nmax_runtime: 5m\n"
    )
    (root / "q.yaml").write_text("queues: [{name: wire, zone: wire-euc1, max_running: 2}]")
    return root


@pytest.fixture
def environment(landed: Landing, tmp_path: Path) -> dict[str, str]:
    """The local cloud's environment with a ledger of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DISPATCH_"))}
    return {**kept, **landed.cloud.environment, "DISPATCH_LEDGER": str(tmp_path / "ledger.db"), "USER": "ada"}


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
    dispatch: Dispatch, project: Path, tmp_path: Path
) -> None:
    done = dispatch("submit", "job.yaml", "--wait", "--follow")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("submitted ")
    assert lines[1:3] == ["epoch 1 rate 1e-3", "epoch 2"]
    assert lines[3].startswith("succeeded ")
    (id,) = set(ID.findall(lines[3].split()[1]))
    assert lines[4].startswith("  output: s3://wire-output/")
    assert dispatch("logs", id).stdout.splitlines() == ["epoch 1 rate 1e-3", "epoch 2"]
    fetched = dispatch("fetch", id, str(tmp_path / "out"))
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout.strip()
    assert all(Path(path).exists() for path in fetched.stdout.split())
    ended = entry(dispatch, id)
    assert ended["state"] == "succeeded"
    assert ended["billable_seconds"] is not None
    assert [row["id"] for row in json.loads(dispatch("history", "-o", "json").stdout)] == [id]


def test_the_dry_run_s_body_is_what_goes_over_the_wire_but_for_the_submission_id(
    dispatch: Dispatch, landed: Landing
) -> None:
    dry = json.loads(dispatch("submit", "job.yaml", "--dry-run", "-o", "json").stdout)
    id = json.loads(dispatch("submit", "job.yaml", "-o", "json").stdout)["id"]
    (request,) = dry["requests"]
    shown = json.loads(json.dumps(request["body"]).replace("00000000", id))
    (seen,) = [
        call["parameters"]
        for call in landed.cloud.requests("sagemaker", "CreateTrainingJob")
        if call["parameters"]["TrainingJobName"] == f"train-{id}-1"
    ]
    assert request["operation"] == "CreateTrainingJob"
    assert seen == shown


def test_a_program_that_fails_is_exit_9_with_the_reason(dispatch: Dispatch) -> None:
    done = dispatch("submit", "job.yaml", "--wait", "--", "--fail")
    assert done.returncode == 9
    assert "failed " in done.stdout
    assert "AlgorithmError" in done.stdout or "exit" in done.stdout.lower()


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


def test_a_fault_that_eats_the_answer_leads_to_one_job(dispatch: Dispatch, landed: Landing) -> None:
    landed.cloud.fault("lost", operation="CreateTrainingJob", times=1)
    done = dispatch("submit", "job.yaml", "--wait")
    landed.cloud.clear()
    assert done.returncode == 0, done.stderr
    id = ID.findall(done.stdout.splitlines()[-2] if "output" in done.stdout else done.stdout)[0]
    names = [
        job["TrainingJobName"] for job in landed.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    ]
    assert [name for name in names if id in name] == [f"train-{id}-1"]


def test_expired_credentials_are_exit_4_with_the_command_to_run_and_the_job_stays(
    dispatch: Dispatch, landed: Landing
) -> None:
    landed.cloud.fault("expired", operation="CreateTrainingJob", times=1)
    done = dispatch("submit", "job.yaml")
    landed.cloud.clear()
    assert done.returncode == 4
    assert "aws" in done.stderr
    (first, *_) = json.loads(dispatch("list", "-o", "json").stdout)
    assert first["state"] == "queued"
    assert dispatch("cancel", first["id"]).returncode == 0


def test_doctor_is_content_with_a_working_zone(dispatch: Dispatch) -> None:
    done = dispatch("doctor")
    assert done.returncode == 0, done.stdout
    assert "ok    zone wire-euc1" in done.stdout
