"""Training jobs that lose their machines, and the checkpoints they resume from."""

from __future__ import annotations

import time

import pytest

from tests.localcloud.aws.stage import REGION, Stage, history

pytestmark = pytest.mark.wire


def test_a_spot_job_resumes_from_its_checkpoint_after_an_interruption(stage: Stage) -> None:
    request = stage.job(
        "import os, pathlib, sys, time",
        "step = pathlib.Path(os.environ['CKPT']) / 'step'",
        "done = step.exists()",
        "print('resumed at', step.read_text() if done else 'nothing')",
        "step.write_text('7')",
        "time.sleep(0 if done else 60)",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": f"s3://{stage.bucket}/ckpt/resume"},
        Environment={"CKPT": "/opt/ml/checkpoints"},
    )
    stage.client("sagemaker").create_training_job(**request)
    name = request["TrainingJobName"]
    stage.said(name, "resumed at nothing")
    stage.cloud.fault("interrupt", match={"TrainingJobName": name})
    job = stage.ended(name)
    assert job["TrainingJobStatus"] == "Completed"
    steps = history(job)
    assert steps[steps.index("Interrupted") :] == [
        "Interrupted",
        "Restarting",
        "Downloading",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert stage.lines(name) == ["resumed at nothing", "resumed at 7"]


def test_machines_taken_without_notice_leave_no_time_to_save(stage: Stage) -> None:
    request = stage.job(
        "import os, pathlib, signal, sys, time",
        "saved = pathlib.Path(os.environ['CKPT']) / 'saved'",
        "if saved.exists(): sys.exit(print('found', saved.read_text()))",
        "starts = pathlib.Path(os.environ['CKPT']) / 'starts'",
        "begun = starts.exists()",
        "starts.write_text('1')",
        "signal.signal(15, lambda *_: sys.exit(saved.write_text('in time' if begun else 'too early')))",
        "print('second' if begun else 'first')",
        "time.sleep(60)",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": f"s3://{stage.bucket}/ckpt/abrupt"},
        Environment={"CKPT": "/opt/ml/checkpoints"},
    )
    stage.client("sagemaker").create_training_job(**request)
    name = request["TrainingJobName"]
    deadline = time.monotonic() + 20
    while not stage.objects("ckpt/abrupt/") and time.monotonic() < deadline:
        time.sleep(0.1)
    for start, notice in {"first": 0, "second": None}.items():
        stage.said(name, start)
        stage.cloud.fault("interrupt", match={"TrainingJobName": name}, notice=notice)
    assert stage.ended(name)["TrainingJobStatus"] == "Completed"
    assert stage.lines(name) == ["first", "second", "found in time"]


def test_a_spot_job_that_waits_too_long_for_machines_is_given_up(stage: Stage) -> None:
    request = stage.job(
        "import time",
        "print('ready')",
        "time.sleep(60)",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 3, "MaxWaitTimeInSeconds": 3},
    )
    stage.client("sagemaker").create_training_job(**request)
    stage.cloud.fault("interrupt", match={"TrainingJobName": request["TrainingJobName"]}, seconds=60)
    job = stage.ended(request["TrainingJobName"])
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_checkpoints_reach_the_bucket_while_the_job_runs_and_deletions_follow(stage: Stage) -> None:
    request = stage.job(
        "import os, time",
        "d = os.environ['CKPT']",
        "open(d + '/a', 'w').write('1')",
        "print('written')",
        "[time.sleep(0.05) for _ in range(600) if not os.path.exists(d + '/b')]",
        "os.unlink(d + '/a')",
        CheckpointConfig={"S3Uri": f"s3://{stage.bucket}/ckpt/live", "LocalPath": "/opt/ml/keep"},
        Environment={"CKPT": "/opt/ml/keep"},
    )
    stage.client("sagemaker").create_training_job(**request)
    deadline = time.monotonic() + 20
    while stage.objects("ckpt/live/") != {"a": b"1"} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert stage.objects("ckpt/live/") == {"a": b"1"}
    home = stage.cloud.place.jobs / REGION / request["TrainingJobName"] / "0" / "algo-1"
    (home / "opt" / "ml" / "keep" / "b").write_text("2")
    assert stage.ended(request["TrainingJobName"])["TrainingJobStatus"] == "Completed"
    assert stage.objects("ckpt/live/") == {"b": b"2"}
