"""Custom jobs really run: their processes, files, variables, logs and ends are those of Vertex AI."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.localcloud.gcp.stage import NUMBER, PROJECT, REGION, Json, Stage

pytestmark = pytest.mark.wire

SLEEP = "import time\nprint('here')\ntime.sleep(60)"
POOL = "jobSpec__workerPoolSpecs__0__containerSpec"


def environment(stage: Stage, job: Json, task: str = "workerpool0-0") -> dict[str, str]:
    """What a job printed of its environment as one line of JSON."""
    return dict(json.loads(next(line for line in stage.lines(job["name"], task) if line.startswith("{"))))


PRINT = "import json, os; print(json.dumps(dict(os.environ)))"


def seconds(job: Json, start: str, end: str) -> float:
    return (datetime.fromisoformat(job[end]) - datetime.fromisoformat(job[start])).total_seconds()


def test_a_job_goes_from_queued_to_succeeded_with_its_times(stage: Stage) -> None:
    created = stage.create(stage.job("print('hello')", labels={"team": "ml"}))
    assert created["state"] == "JOB_STATE_QUEUED"
    assert created["name"].startswith(f"projects/{NUMBER}/locations/{REGION}/customJobs/")
    job = stage.ended(created["name"])
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert created["createTime"] == job["createTime"] <= job["startTime"] <= job["endTime"] == job["updateTime"]
    assert (job["labels"], "error" in job) == ({"team": "ml"}, False)
    assert stage.lines(job["name"]) == ["hello"]


def test_the_same_request_again_is_another_job(stage: Stage) -> None:
    request = stage.job("pass")
    names = {stage.create(request)["name"] for _ in range(2)}
    assert len(names) == 2
    for name in names:
        stage.ended(name)


def test_what_a_job_writes_under_gcs_is_in_the_bucket_at_once(stage: Stage) -> None:
    stage.put("in/rows.csv", "1,2\n")
    env = [{"name": "PLACE", "value": f"/gcs/{stage.bucket}/written"}]
    job = stage.create(
        stage.job(
            "import os, pathlib, sys, time",
            "place = pathlib.Path(os.environ['PLACE'])",
            "place.mkdir()",
            "(place / 'result.json').write_text('[1]')",
            "print(pathlib.Path(sys.argv[1]).read_text())",
            "time.sleep(60)",
            **{f"{POOL}__args": [f"/gcs/{stage.bucket}/in/rows.csv"], f"{POOL}__env": env},
        )
    )
    stage.said(job["name"], "1,2")
    assert stage.read("written/result.json") == [1]
    assert stage.objects("written/") == {"result.json": 3}
    stage.cancel(job["name"])
    stage.ended(job["name"])


def test_the_environment_is_that_of_the_service_and_of_the_pool(stage: Stage) -> None:
    env = [
        {"name": "FIRST", "value": "one"},
        {"name": "SECOND", "value": "$(FIRST) $(UNKNOWN) $$(FIRST) in $(CLOUD_ML_REGION)"},
    ]
    job = stage.run(PRINT, **{f"{POOL}__env": env})
    seen = environment(stage, job)
    base = job["jobSpec"]["baseOutputDirectory"]["outputUriPrefix"]
    assert seen["AIP_MODEL_DIR"] == f"{base}/model/"
    assert seen["AIP_CHECKPOINT_DIR"] == f"{base}/checkpoints/"
    assert seen["AIP_TENSORBOARD_LOG_DIR"] == f"{base}/logs/"
    assert seen["CLOUD_ML_JOB_ID"] == job["name"].rpartition("/")[2]
    assert (seen["CLOUD_ML_PROJECT_ID"], seen["CLOUD_ML_REGION"]) == (NUMBER, REGION)
    assert seen["SECOND"] == f"one $(UNKNOWN) $(FIRST) in {REGION}"
    assert "TF_CONFIG" not in seen  # only distributed jobs have one
    cluster = json.loads(seen["CLUSTER_SPEC"])
    assert (cluster["environment"], cluster["task"]) == ("cloud", {"type": "workerpool0", "index": 0})
    assert list(cluster["cluster"]) == ["workerpool0"]
    assert cluster["job"]["serviceAccount"] == stage.account


def test_without_an_output_directory_there_are_no_aip_variables(stage: Stage) -> None:
    job = stage.run(PRINT, jobSpec__baseOutputDirectory=None)
    assert not [name for name in environment(stage, job) if name.startswith("AIP_")]


def test_a_job_is_its_service_account_to_google_s_clients(stage: Stage) -> None:
    job = stage.run(
        "import google.auth, os",
        "from google.auth.transport.requests import AuthorizedSession",
        "credentials, project = google.auth.default(scopes=['https://www.googleapis.com/auth/cloud-platform'])",
        "answer = AuthorizedSession(credentials).post(",
        "    os.environ['DISPATCH_GCP_ENDPOINT'] + '/logging/v2/entries:list',",
        "    json={'resourceNames': [f'projects/{project}']})",
        "print(credentials.service_account_email, project, answer.status_code)",
    )
    assert stage.lines(job["name"])[-1] == f"{stage.account} {PROJECT} 200"


def test_replicas_of_two_pools_meet_on_one_port(stage: Stage) -> None:
    job = stage.run(
        "import json, os, socket, time",
        "spec = json.loads(os.environ['CLUSTER_SPEC'])",
        "host, port = spec['cluster']['workerpool0'][0].split(':')",
        "if spec['task']['type'] == 'workerpool0':",
        "    server = socket.create_server((host, int(port)))",
        "    names = sorted(server.accept()[0].recv(99).decode() for _ in range(2))",
        "    print(names)",
        "else:",
        "    for _ in range(200):",
        "        try:",
        "            peer = socket.create_connection((host, int(port)))",
        "            break",
        "        except OSError:",
        "            time.sleep(0.05)",
        "    peer.sendall(f\"{spec['task']['type']}-{spec['task']['index']}\".encode())",
        "    print('sent')",
        "    time.sleep(60)",  # the job ends with its primary replica all the same
        workers=2,
    )
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert stage.lines(job["name"]) == ["['workerpool1-0', 'workerpool1-1']"]
    assert stage.lines(job["name"], "workerpool1-1") == ["sent"]


def test_tensorflow_s_roles_are_those_of_the_pools(stage: Stage) -> None:
    job = stage.run(PRINT, workers=1)
    chief = json.loads(environment(stage, job)["TF_CONFIG"])
    assert chief["task"] == {"type": "chief", "index": 0}
    assert {role: len(addresses) for role, addresses in chief["cluster"].items()} == {"chief": 1, "worker": 1}


def test_each_pool_has_an_environment_of_its_own(stage: Stage) -> None:
    second = "jobSpec__workerPoolSpecs__1__containerSpec__env"
    script = "import os, time; print(os.environ.get('MINE')); time.sleep(1)"
    job = stage.run(
        script,
        workers=1,
        **{f"{POOL}__env": [{"name": "MINE", "value": "a"}], second: [{"name": "MINE", "value": "b"}]},
    )
    assert (stage.lines(job["name"]), stage.lines(job["name"], "workerpool1-0")) == (["a"], ["b"])


def test_a_program_s_error_fails_the_job_with_its_code(stage: Stage) -> None:
    job = stage.run("raise SystemExit(7)")
    assert job["state"] == "JOB_STATE_FAILED"
    assert job["error"]["code"] == 3
    assert job["error"]["message"].startswith("The replica workerpool0-0 exited with a non-zero status of 7.")


def test_a_worker_s_error_fails_the_job_and_ends_the_others(stage: Stage) -> None:
    job = stage.run(
        "import os, sys, time",
        "if 'workerpool1' in os.environ['CLUSTER_SPEC'].rpartition('task')[2][:30]: sys.exit(3)",
        "time.sleep(60)",
        workers=1,
    )
    assert job["error"]["message"].startswith("The replica workerpool1-0 exited with a non-zero status of 3.")


def test_a_crash_starts_the_job_again_up_to_three_times(stage: Stage) -> None:
    crash = "import os; print('start', flush=True); os.kill(os.getpid(), 6)"
    job = stage.run(crash)
    assert "non-zero status of 134" in job["error"]["message"]
    assert stage.lines(job["name"]) == ["start"] * 4
    job = stage.run(crash, jobSpec__scheduling__disableRetries=True)
    assert stage.lines(job["name"]) == ["start"]


def test_a_command_that_is_not_there_fails_like_in_a_container(stage: Stage) -> None:
    job = stage.run("pass", **{f"{POOL}__command": ["no-such-program"]})
    assert "non-zero status of 127" in job["error"]["message"]
    assert stage.lines(job["name"]) == ['exec: "no-such-program": executable file not found in $PATH']


def test_a_cancelled_job_gets_sigterm_and_time_to_save(stage: Stage) -> None:
    job = stage.create(
        stage.job(
            "import pathlib, signal, sys, time",
            "def save(*_):",
            f"    pathlib.Path('/gcs/{stage.bucket}'.replace('/gcs', sys.argv[1]), 'saved').write_text('1')",
            "    sys.exit(143)",
            "signal.signal(signal.SIGTERM, save)",
            "print('here')",
            "time.sleep(60)",
            **{f"{POOL}__args": ["/gcs"]},
        )
    )
    stage.said(job["name"], "here")
    stage.cancel(job["name"])
    assert stage.get(job["name"])["state"] in ("JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED")
    job = stage.ended(job["name"])
    assert (job["state"], "error" in job) == ("JOB_STATE_CANCELLED", False)
    assert stage.read("saved") == 1


def test_a_program_that_ignores_sigterm_is_killed(stage: Stage) -> None:
    job = stage.create(stage.job("import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", SLEEP))
    stage.said(job["name"], "here")
    stage.cancel(job["name"])
    assert stage.ended(job["name"])["state"] == "JOB_STATE_CANCELLED"


def test_a_job_is_cancelled_when_its_timeout_has_passed(stage: Stage) -> None:
    job = stage.run(SLEEP, jobSpec__scheduling__timeout="1.5s")
    assert job["state"] == "JOB_STATE_CANCELLED"
    assert seconds(job, "startTime", "endTime") >= 1.5


def test_a_spot_job_starts_again_after_its_machine_was_taken(stage: Stage) -> None:
    spot: Any = {"strategy": "SPOT", "timeout": "60s", "restartJobOnWorkerRestart": True}
    script = "import os, pathlib, sys\nplace = pathlib.Path(sys.argv[1], 'spot')\n"
    script += "if place.exists(): print('again'); sys.exit()\nplace.write_text('1')\n" + SLEEP
    job = stage.create(stage.job(script, jobSpec__scheduling=spot, **{f"{POOL}__args": [f"/gcs/{stage.bucket}"]}))
    stage.said(job["name"], "here")
    stage.cloud.fault("interrupt", match={"displayName": job["displayName"]}, seconds=0.1)
    job = stage.ended(job["name"])
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert stage.lines(job["name"]) == ["here", "again"]


@pytest.mark.parametrize(("whole", "primary"), [(True, 2), (False, 1)], ids=["whole job", "that worker"])
def test_a_worker_s_restart_restarts_the_whole_job_only_when_asked(
    stage: Stage, whole: bool, primary: int
) -> None:
    spot = {"strategy": "SPOT", "timeout": "60s", "restartJobOnWorkerRestart": whole}
    job = stage.create(stage.job(SLEEP, workers=1, jobSpec__scheduling=spot))
    stage.said(job["name"], "here")
    stage.said(job["name"], "here", "workerpool1-0")
    stage.cloud.fault("interrupt", match={"displayName": job["displayName"]})
    stage.said(job["name"], "here", "workerpool1-0", times=2)
    stage.said(job["name"], "here", times=primary)
    stage.cancel(job["name"])
    stage.ended(job["name"])
    assert len(stage.lines(job["name"])) == primary


def test_a_spot_job_without_retries_fails_when_its_machine_is_taken(stage: Stage) -> None:
    job = stage.create(stage.job(SLEEP, jobSpec__scheduling={"strategy": "SPOT", "disableRetries": True}))
    stage.said(job["name"], "here")
    stage.cloud.fault("interrupt", match={"displayName": job["displayName"]})
    job = stage.ended(job["name"])
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", 8)


def test_a_job_that_waits_for_machines_expires_after_its_wait(stage: Stage) -> None:
    machine = {"machineType": "g2-standard-12", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1}
    request = stage.job(
        "pass",
        jobSpec__scheduling={"strategy": "FLEX_START", "maxWaitDuration": "1s"},
        jobSpec__workerPoolSpecs__0__machineSpec=machine,
    )
    stage.cloud.fault("capacity", seconds=30)
    job = stage.ended(stage.create(request)["name"])
    assert (job["state"], "startTime" in job) == ("JOB_STATE_EXPIRED", False)


def test_entries_have_the_form_that_the_service_gives_them(stage: Stage) -> None:
    job = stage.run("print('line')")
    number = job["name"].rpartition("/")[2]
    (entry,) = stage.entries(job["name"], ' AND resource.labels.task_name="workerpool0-0"')
    assert entry["resource"] == {
        "type": "ml_job",
        "labels": {"job_id": number, "project_id": PROJECT, "task_name": "workerpool0-0"},
    }
    assert entry["logName"] == f"projects/{PROJECT}/logs/workerpool0-0"
    assert entry["jsonPayload"]["message"] == "line"
    assert stage.lines(job["name"], "service")[-1] == "Job completed successfully."
