"""A training job on localcloud really runs, from the request to its model file, seen through boto3."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import tarfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from localcloud import process, running
from localcloud.jobs import nodes
from localcloud.place import Place
from tests.localcloud.aws.stage import REGION, TRUST, Stage, history

pytestmark = pytest.mark.wire


def test_a_job_runs_from_start_to_model_file(stage: Stage) -> None:
    stage.client("s3").put_object(Bucket=stage.bucket, Key="data/a/one.txt", Body=b"1")
    job = stage.run(
        "import os, sys",
        "print('reads', open(os.environ['DATA'] + '/a/one.txt').read())",
        "print('complains', file=sys.stderr)",
        "open(sys.argv[1] + '/weights', 'w').write('42')",
        AlgorithmSpecification__ContainerArguments=["/opt/ml/model"],
        Environment={"DATA": "/opt/ml/input/data/train"},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{stage.bucket}/data/"}},
            }
        ],
    )
    assert job["TrainingJobStatus"] == "Completed"
    assert history(job) == [
        "Starting",
        "Pending",
        "Downloading",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert stage.lines(job["TrainingJobName"]) == ["reads 1", "complains"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == (
        f"s3://{stage.bucket}/out/{job['TrainingJobName']}/output/model.tar.gz"
    )
    files = stage.objects(f"out/{job['TrainingJobName']}/output/")
    with tarfile.open(fileobj=io.BytesIO(files["model.tar.gz"])) as tar:
        member = tar.extractfile("weights")
        assert member is not None
        assert member.read() == b"42"
    assert job["BillableTimeInSeconds"] >= 1
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]


def test_describe_gives_the_request_back(stage: Stage) -> None:
    request = stage.job(
        HyperParameters={"lr": "0.1"},
        Environment={"A": "b"},
        RetryStrategy={"MaximumRetryAttempts": 2},
        VpcConfig={"Subnets": [stage.subnet], "SecurityGroupIds": [stage.group]},
        EnableInterContainerTrafficEncryption=True,
        ResourceConfig__VolumeKmsKeyId=stage.key,
        OutputDataConfig__KmsKeyId=stage.key,
    )
    stage.client("sagemaker").create_training_job(**request)
    job = stage.ended(request["TrainingJobName"])
    assert {name: job[name] for name in request} == request


def test_a_program_that_fails_leaves_its_reason_and_its_output(stage: Stage) -> None:
    job = stage.run(
        "import os, pathlib",
        "out = pathlib.Path(os.environ['SM_OUTPUT_DATA_DIR'])",
        "(out / 'report').write_text('half')",
        "(out.parent / 'failure').write_text('loss is nan ' + 'x' * 2000)",
        "raise SystemExit(3)",
    )
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: loss is nan xxx")
    assert job["FailureReason"].endswith(", exit code: 3")
    assert len(job["FailureReason"]) == 1024
    assert set(stage.objects(f"out/{job['TrainingJobName']}/output/")) == {"output.tar.gz"}


def test_a_command_that_is_not_there_fails_as_in_a_container(stage: Stage) -> None:
    job = stage.run(AlgorithmSpecification__ContainerEntrypoint=["no-such-program"])
    assert job["FailureReason"] == "AlgorithmError: , exit code: 127"
    assert stage.lines(job["TrainingJobName"]) == ['exec: "no-such-program": executable file not found in $PATH']


def test_without_an_entry_point_the_program_is_train(stage: Stage) -> None:
    job = stage.run(AlgorithmSpecification__ContainerEntrypoint=None)
    assert stage.lines(job["TrainingJobName"]) == ['exec: "train": executable file not found in $PATH']


def test_stop_ends_the_program_politely_and_keeps_its_model(stage: Stage) -> None:
    request = stage.job(
        "import os, signal, sys, time",
        "save = lambda *_: (open(os.environ['SM_MODEL_DIR'] + '/m', 'w').close(), sys.exit(0))",
        "signal.signal(signal.SIGTERM, save)",
        "print('ready')",
        "time.sleep(60)",
    )
    sagemaker = stage.client("sagemaker")
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    stage.said(name, "ready")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = stage.ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert history(job)[-2:] == ["Stopping", "Stopped"]
    assert "model.tar.gz" in stage.objects(f"out/{name}/output/")
    with pytest.raises(botocore.exceptions.ClientError, match="in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_program_deaf_to_stop_is_killed_after_the_grace_with_all_it_started(
    stage: Stage, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    child = (
        f"import pathlib, time; [(pathlib.Path({str(alive)!r}).touch(), time.sleep(0.05)) for _ in range(2000)]"
    )
    request = stage.job(
        "import signal, subprocess, sys, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        f"subprocess.Popen([sys.executable, '-c', {child!r}])",
        "print('ready')",
        "time.sleep(60)",
    )
    stage.client("sagemaker").create_training_job(**request)
    stage.said(request["TrainingJobName"], "ready")
    stage.cloud.settings(stop_seconds=0.2)
    stage.client("sagemaker").stop_training_job(TrainingJobName=request["TrainingJobName"])
    assert stage.ended(request["TrainingJobName"])["SecondaryStatus"] == "Stopped"
    stage.cloud.settings(stop_seconds=2)
    alive.unlink(missing_ok=True)
    time.sleep(0.2)
    assert not alive.exists()


def test_a_job_that_runs_too_long_is_stopped_as_a_timeout(stage: Stage) -> None:
    job = stage.run("import time", "time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_two_nodes_are_two_processes_that_reach_each_other(stage: Stage) -> None:
    job = stage.run(
        "import json, os, socket, time",
        "c = json.load(open(os.environ['SM_INPUT_CONFIG_DIR'] + '/resourceconfig.json'))",
        "hosts, me = sorted(c['hosts']), c['current_host']",
        "rank = hosts.index(me)",
        "s = socket.create_server((hosts[0], int(os.environ['PORT']))) if rank == 0 else None",
        "talk = s.accept()[0] if s else None",
        "while not talk:",
        "    try: talk = socket.create_connection((hosts[0], int(os.environ['PORT'])))",
        "    except OSError: time.sleep(0.05)",
        "talk.sendall(b'from %d' % rank)",
        "print('heard', talk.recv(20).decode())",
        "open(os.environ['SM_MODEL_DIR'] + f'/part-{rank}', 'w').close()",
        ResourceConfig__InstanceCount=2,
        Environment={"PORT": "23456"},
    )
    name = job["TrainingJobName"]
    assert job["TrainingJobStatus"] == "Completed"
    assert stage.lines(name, "algo-1") == ["heard from 1"]
    assert stage.lines(name, "algo-2") == ["heard from 0"]
    with tarfile.open(fileobj=io.BytesIO(stage.objects(f"out/{name}/output/")["model.tar.gz"])) as tar:
        assert sorted(tar.getnames()) == ["part-0", "part-1"]


def test_one_failed_node_ends_the_others_and_fails_the_job(stage: Stage) -> None:
    job = stage.run(
        "import os, sys, time",
        "second = os.environ['SM_CURRENT_HOST'] != __import__('json').loads(os.environ['SM_HOSTS'])[0]",
        "sys.exit(9) if second else time.sleep(60)",
        ResourceConfig__InstanceCount=2,
    )
    assert job["FailureReason"] == "AlgorithmError: , exit code: 9"


def test_channels_are_sharded_by_key_and_read_from_manifests(stage: Stage) -> None:
    s3 = stage.client("s3")
    for name in "abcd":
        s3.put_object(Bucket=stage.bucket, Key=f"shard/{name}", Body=name.encode())
    manifest = json.dumps([{"prefix": f"s3://{stage.bucket}/shard/"}, "a", "d"])
    s3.put_object(Bucket=stage.bucket, Key="lists/some.manifest", Body=manifest.encode())

    def channel(name: str, kind: str, key: str, **more: str) -> dict[str, Any]:
        source = {"S3DataType": kind, "S3Uri": f"s3://{stage.bucket}/{key}", **more}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}

    job = stage.run(
        "import os",
        "print(*(sorted(os.listdir(os.environ[f'SM_CHANNEL_{name}'])) for name in ('PART', 'LIST')))",
        ResourceConfig__InstanceCount=2,
        InputDataConfig=[
            channel("part", "S3Prefix", "shard/", S3DataDistributionType="ShardedByS3Key"),
            channel("list", "ManifestFile", "lists/some.manifest"),
        ],
    )
    assert stage.lines(job["TrainingJobName"], "algo-1") == ["['a', 'c'] ['a', 'd']"]
    assert stage.lines(job["TrainingJobName"], "algo-2") == ["['b', 'd'] ['a', 'd']"]


def test_a_registered_folder_is_the_image_and_stays_untouched(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import helper; print(helper.word); open('made', 'w').close()")
    (tmp_path / "helper.py").write_text("word = 'imported'")
    stage.cloud.images.add("train", tmp_path)
    try:
        job = stage.run(
            AlgorithmSpecification__TrainingImage=f"{stage.image}:train",
        )
    finally:
        stage.cloud.images.remove("train")
    assert stage.lines(job["TrainingJobName"]) == ["imported"]
    assert not (tmp_path / "made").exists()


def test_a_job_is_its_execution_role_and_under_isolation_nobody(stage: Stage) -> None:
    who = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    job = stage.run(who)
    assert stage.lines(job["TrainingJobName"]) == ["arn:aws:sts::123456789012:assumed-role/execution/SageMaker"]
    job = stage.run(who, EnableNetworkIsolation=True)
    assert job["TrainingJobStatus"] == "Failed"
    assert "NoCredentialsError" in stage.lines(job["TrainingJobName"])[-1]


def test_nothing_of_the_servers_environment_reaches_a_job(stage: Stage) -> None:
    job = stage.run("import os", "print(sorted(os.environ))")
    names = set(re.findall(r"'(\w+)'", stage.lines(job["TrainingJobName"])[0]))
    assert {"TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "AWS_REGION"} <= names
    assert not names & {"LOCALCLOUD_HOME", "PULUMI_HOME", "PYTEST_CURRENT_TEST", "USER", "VIRTUAL_ENV"}


def test_no_job_finds_the_credentials_of_the_machine_it_runs_on(stage: Stage) -> None:
    show = (
        "import os; print(os.environ['AWS_EC2_METADATA_DISABLED'], os.path.exists(os.path.expanduser('~/.aws')))"
    )
    for isolated in (True, False):
        job = stage.run(show, EnableNetworkIsolation=isolated)
        assert stage.lines(job["TrainingJobName"]) == ["true False"]


def test_a_broken_aws_configuration_of_the_user_harms_no_job(
    tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default\nregion")
    monkeypatch.setenv("HOME", str(tmp_path))
    with running(tmp_path / "cloud") as cloud:
        own = replace(stage, cloud=cloud, role="arn:aws:iam::123456789012:role/r", bucket="other")
        cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=_trust())
        cloud.client("s3").create_bucket(Bucket="other")
        cloud.settings(check_images=False)
        assert own.run("print('done')")["TrainingJobStatus"] == "Completed"


def test_uncompressed_output_is_a_folder(stage: Stage) -> None:
    job = stage.run(
        "import os",
        "os.makedirs(os.environ['SM_MODEL_DIR'] + '/d')",
        "open(os.environ['SM_MODEL_DIR'] + '/d/f', 'w').write('x')",
        OutputDataConfig__CompressionType="NONE",
    )
    assert stage.objects(f"out/{job['TrainingJobName']}/output/") == {"model/d/f": b"x"}
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model/")


def test_many_jobs_at_once_each_have_their_own_place(stage: Stage) -> None:
    requests = [stage.job("import os", "print(os.environ['TRAINING_JOB_NAME'])") for _ in range(6)]
    sagemaker = stage.client("sagemaker")
    threads = [threading.Thread(target=sagemaker.create_training_job, kwargs=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for request in requests:
        name = request["TrainingJobName"]
        assert stage.ended(name)["TrainingJobStatus"] == "Completed"
        assert stage.lines(name) == [name]


def test_a_stop_before_any_machine_came_is_a_stop(stage: Stage) -> None:
    stage.cloud.fault("capacity", seconds=60)
    request = stage.job()
    sagemaker = stage.client("sagemaker")
    sagemaker.create_training_job(**request)
    sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])
    assert stage.ended(request["TrainingJobName"])["SecondaryStatus"] == "Stopped"


def test_a_bucket_that_goes_away_fails_the_job_and_names_the_upload(stage: Stage) -> None:
    s3 = stage.client("s3")
    s3.create_bucket(Bucket="short-lived")
    request = stage.job(
        "import boto3; boto3.client('s3').delete_bucket(Bucket='short-lived')",
        OutputDataConfig__S3OutputPath="s3://short-lived/out",
    )
    stage.client("sagemaker").create_training_job(**request)
    reason = stage.ended(request["TrainingJobName"])["FailureReason"]
    assert reason == "ClientError: Artifact upload failed:NoSuchBucket (404): The specified bucket does not exist"


def test_a_job_left_by_a_killed_server_is_ended_by_the_next(tmp_path: Path) -> None:
    place = Place(tmp_path)
    home = place.jobs / REGION / "left" / "0" / "algo-1"
    home.mkdir(parents=True)
    over = threading.Event()
    left = nodes.start(["sleep", "60"], home, {"PATH": "/bin:/usr/bin"}, nodes.record(home), over.set)
    stranger = nodes.start(["sleep", "60"], home, {"PATH": "/bin:/usr/bin"}, tmp_path / "s", over.set)
    reused = place.jobs / REGION / "old" / "0" / "algo-1"
    reused.mkdir(parents=True)
    assert stranger.child is not None
    nodes.record(reused).write_text(f"{stranger.child.pid} 1")
    with running(tmp_path):
        assert over.wait(10)
    assert left.code == 128 + 9
    assert stranger.code is None
    stranger.kill()


@pytest.mark.parametrize("how", ["down", "SIGTERM", "SIGKILL"])
def test_jobs_end_with_their_server(tmp_path: Path, stage: Stage, how: str) -> None:
    mark = tmp_path / "mark"
    with running(tmp_path / "cloud") as cloud:
        cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=_trust())
        cloud.client("s3").create_bucket(Bucket="other")
        cloud.settings(check_images=False)
        request = stage.job(
            "import pathlib, time",
            f"[(pathlib.Path({str(mark)!r}).touch(), time.sleep(0.05)) for _ in range(2000)]",
            RoleArn="arn:aws:iam::123456789012:role/r",
            OutputDataConfig__S3OutputPath="s3://other/out",
        )
        cloud.images.add("images", Path(stage.cloud.images.all()[request["TrainingJobName"]]))
        cloud.client("sagemaker").create_training_job(**request)
        deadline = time.monotonic() + 20
        while not mark.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        health = process.health(cloud.server)
        assert health is not None
        assert health["jobs"] == [request["TrainingJobName"]]
        if how != "down":
            os.kill(cloud.server.pid, signal.Signals[how])
            os.waitpid(cloud.server.pid, 0)
            assert _stays_away(mark)
    assert _stays_away(mark)


def _stays_away(mark: Path) -> bool:
    """Whether nobody makes a file again within 0.3 s of its removal; a killed server's watch gets 10 s for it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        mark.unlink(missing_ok=True)
        time.sleep(0.3)
        if not mark.exists():
            return True
    return False


def _trust() -> str:
    return json.dumps(TRUST)
