"""Whatever a job says: render either refuses it or makes two bodies that Microsoft's types allow."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.backends.azureml.command import EXPRESSION
from dispatcher.contract import AzureZone
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.job import Job, Resources, Wandb
from dispatcher.placement import catalog
from dispatcher.queue import Queue
from tests.backends.azureml.cases import Case, clusters, golden_zone, open_zone, queue
from tests.backends.azureml.test_requests import judged
from tests.backends.cases import controls
from tests.backends.sagemaker.test_any_job import IMAGES, NAMES, TEXT

pytestmark = pytest.mark.oracle

URIS = st.sampled_from(
    [
        "azureml://datastores/data/paths/x",
        "azureml://datastores/x",
        "https://azureweu1a2b3c.blob.core.windows.net/data/x",
        "https://x.blob.core.windows.net/c",
        "https://",
        "s3://b",
        "x",
    ]
)
RESOURCES = st.builds(
    Resources,
    cpu=st.integers(0, 8),
    gpu=st.integers(0, 2),
    gpu_type=st.sampled_from([None, "T4", "A100-80GB", "nonsense"]),
    memory=st.integers(0, 64),
    nodes=st.integers(0, 5),
    disk=st.sampled_from([None, 1, 500, 65_000]),
    instance=st.sampled_from([None, *catalog("azure"), "Standard_X"]),
)
JOBS = st.builds(
    Job,
    image=IMAGES,
    command=st.lists(TEXT | st.sampled_from(["${{x}}", "$'{'", "a'b"]), max_size=4).map(tuple),
    name=st.none() | st.text(max_size=70),
    env=st.dictionaries(NAMES, TEXT, max_size=3),
    secrets=st.dictionaries(NAMES, st.sampled_from(["azure-kv://x", "aws-sm://x", "env://X"]), max_size=2),
    resources=RESOURCES,
    max_runtime=st.sampled_from([1, 3600, 604_801, 2_419_200]),
    max_wait=st.sampled_from([None, 1]),
    spot=st.booleans(),
    checkpoint=st.booleans(),
    retries=st.integers(0, 3),
    inputs=st.dictionaries(st.sampled_from(["train", "a-b", "a_b"]), URIS, max_size=2),
    wandb=st.none() | st.builds(Wandb, st.text(max_size=5)),
    labels=st.dictionaries(st.sampled_from(["team", "Team", "queue"]) | st.text(max_size=5), TEXT, max_size=2),
)
ZONES = st.sampled_from([open_zone(), clusters(controls=controls("offline")), golden_zone()])
QUEUES = st.sampled_from(
    [
        queue(),
        queue(min_warm=1),
        queue(resources={"shm_size": "9g"}, distribution={"distributionType": "Mpi"}),
        queue(queueSettings={"jobTier": "Standard"}),
    ]
)


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(job=JOBS, zone=ZONES, line=QUEUES)
def test_any_job_is_refused_or_what_the_types_allow(job: Job, zone: AzureZone, line: Queue) -> None:
    case = Case(job, zone, line)
    try:
        request = case.render()
    except (SpecError, PolicyRefusal):
        return
    assert [judged(operation) for operation in request.operations] == [[], []]
    _, _, program = request.operations[1].body["properties"]["command"].partition(" && exec ")
    assert tuple(shlex.split(program)) == job.command
    assert EXPRESSION not in program
