"""Whatever a job says: render either refuses it or makes a body that the vendor's model takes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.backends.sagemaker.render import render
from dispatcher.contract import AwsZone
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.job import Job, Resources, Wandb
from dispatcher.placement import catalog
from dispatcher.queue import Queue
from tests.backends.cases import controls
from tests.backends.sagemaker.cases import CLOSED, PUBLIC, Case, open_zone, queue
from tests.backends.sagemaker.vendor_oracle import complaints

pytestmark = pytest.mark.oracle

TEXT = st.text(max_size=20) | st.sampled_from(
    ["x" * 256, "x" * 257, "x" * 512, "x" * 513, "a\nb", "\x00", "é\u2028"]
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True) | TEXT
IMAGES = st.sampled_from(
    ["train", "train:v1", "a/b:c", "docker.io/x", "T", "", "train@sha256:" + "a" * 64, "a:" + "b" * 200]
)
URIS = st.sampled_from(["s3://b/x", "s3://aws-euc1-data-1a2b3c/y", "s3://", "gs://b", "x", "s3://b/" + "x" * 1020])
RESOURCES = st.builds(
    Resources,
    cpu=st.integers(0, 8),
    gpu=st.integers(0, 2),
    gpu_type=st.sampled_from([None, "T4", "A10G", "A100-40GB", "nonsense"]),
    memory=st.integers(0, 64),
    nodes=st.integers(-1, 4),
    disk=st.none() | st.integers(-1, 20_000),
    instance=st.none() | st.sampled_from([*catalog("aws"), "ml.nope"]),
)
JOBS = st.builds(
    Job,
    image=IMAGES,
    command=st.lists(TEXT, max_size=4).map(tuple),
    name=st.none() | st.from_regex(r"[a-z0-9-]{1,70}", fullmatch=True) | TEXT,
    job_type=st.none() | TEXT,
    env=st.dictionaries(NAMES, TEXT, max_size=3),
    secrets=st.dictionaries(NAMES, st.sampled_from(["aws-sm://a", "env://A", "x"]), max_size=2),
    resources=RESOURCES,
    max_runtime=st.sampled_from([-1, 0, 1, 86_400, 2_419_200, 2_419_201]),
    max_wait=st.none() | st.sampled_from([0, 86_400, 2_592_000, 2_592_001]),
    spot=st.booleans(),
    checkpoint=st.booleans(),
    retries=st.integers(-1, 31),
    inputs=st.dictionaries(NAMES, URIS, max_size=2),
    workload=st.none() | TEXT,
    wandb=st.none() | st.builds(Wandb, project=st.none() | TEXT, entity=st.none() | TEXT),
    labels=st.dictionaries(TEXT, TEXT, max_size=2),
)
ZONES = st.sampled_from(
    [
        open_zone(),
        open_zone(network=PUBLIC, controls=controls("online", host="api.wandb.ai")),
        open_zone(network=CLOSED, controls=controls("offline")),
        open_zone(controls=controls(isolated=True)),
    ]
)
QUEUES = st.builds(queue, min_warm=st.integers(0, 2), spot=st.sampled_from(["allowed", "required", "forbidden"]))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(job=JOBS, zone=ZONES, line=QUEUES, user=st.text(max_size=300), regime=st.sampled_from(["none", "gdpr"]))
def test_render_refuses_or_makes_a_valid_body(
    job: Job, zone: AwsZone, line: Queue, user: str, regime: str
) -> None:
    case = Case(job, zone, line, regime, user)
    try:
        request = render(case.job, case.queue, case.submission, case.context)
    except (SpecError, PolicyRefusal):
        return  # what it says is for test_refusals.py and test_mistakes.py
    body = dict(request.operations[0].body)
    assert complaints(body) == []
    assert body["ResourceConfig"]["InstanceCount"] >= 1
    nvme = catalog("aws")[body["ResourceConfig"]["InstanceType"]].local_storage is not False
    assert ("VolumeKmsKeyId" in body["ResourceConfig"]) is not nvme
    assert ("VolumeSizeInGB" in body["ResourceConfig"]) is not nvme
    assert body["EnableManagedSpotTraining"] is ("MaxWaitTimeInSeconds" in body["StoppingCondition"])
    if body["EnableManagedSpotTraining"]:
        assert (
            body["StoppingCondition"]["MaxWaitTimeInSeconds"] >= body["StoppingCondition"]["MaxRuntimeInSeconds"]
        )
        assert "KeepAlivePeriodInSeconds" not in body["ResourceConfig"]


@pytest.mark.parametrize("instance", list(catalog("aws")))
def test_every_type_gets_a_volume_and_its_key_only_without_disks_of_its_own(instance: str) -> None:
    case = Case(Job(image="train", command=("x",), resources=Resources(instance=instance, disk=40)))
    config = render(case.job, case.queue, case.submission, case.context).operations[0].body["ResourceConfig"]
    if catalog("aws")[instance].local_storage is False:
        assert (config["VolumeSizeInGB"], config["VolumeKmsKeyId"]) == (40, case.zone.keys.data)
    else:
        assert config.keys() == {"InstanceType", "InstanceCount"}
