"""Whatever a job says: render either refuses it or makes a body that the installed protos read strictly."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.backends.vertex.render import literal
from dispatcher.contract import GcpZone
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.job import Job, Resources, Wandb
from dispatcher.placement import catalog
from dispatcher.queue import Queue
from tests.backends.cases import controls
from tests.backends.sagemaker.test_any_job import IMAGES, NAMES, TEXT
from tests.backends.vertex.cases import AGENT_ONLY, PEERED, Case, open_zone, queue, scheduled
from tests.backends.vertex.test_requests import strictly

pytestmark = pytest.mark.oracle

URIS = st.sampled_from(["gs://b/x", "gs://gcp-euw4-data-1a2b3c/y", "gs://", "s3://b", "x", "gs://b/" + "x" * 1020])
RESOURCES = st.builds(
    Resources,
    cpu=st.integers(0, 8),
    gpu=st.integers(0, 2),
    gpu_type=st.sampled_from([None, "L4", "T4", "A100-40GB", "nonsense"]),
    memory=st.integers(0, 64),
    nodes=st.integers(0, 5),
    disk=st.sampled_from([None, 1, 500, 65_000]),
    instance=st.sampled_from([None, *catalog("gcp"), "n1-standard-5"]),
)
JOBS = st.builds(
    Job,
    image=IMAGES,
    command=st.lists(TEXT, max_size=4).map(tuple),
    name=st.none() | st.text(max_size=70),
    env=st.dictionaries(NAMES, TEXT, max_size=3),
    secrets=st.dictionaries(NAMES, st.sampled_from(["gcp-sm://x", "aws-sm://x", "env://X"]), max_size=2),
    resources=RESOURCES,
    max_runtime=st.sampled_from([1, 3600, 604_800, 2_419_200]),
    max_wait=st.sampled_from([None, 1, 3600, 2_592_000]),
    spot=st.booleans(),
    checkpoint=st.booleans(),
    retries=st.integers(0, 3),
    inputs=st.dictionaries(st.sampled_from(["train", "a-b", "a_b"]), URIS, max_size=2),
    wandb=st.none() | st.builds(Wandb, st.text(max_size=5)),
    labels=st.dictionaries(st.sampled_from(["team", "Team", "queue"]) | st.text(max_size=5), TEXT, max_size=2),
)
ZONES = st.sampled_from(
    [
        open_zone(),
        open_zone(network=AGENT_ONLY, controls=controls("online")),
        open_zone(network=PEERED, controls=controls("offline")),
    ]
)
QUEUES = st.sampled_from([queue(), queue(min_warm=1), scheduled(strategy="FLEX_START"), queue(pools=[{}, {}])])


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(job=JOBS, zone=ZONES, line=QUEUES)
def test_any_job_is_refused_or_read_strictly(job: Job, zone: GcpZone, line: Queue) -> None:
    case = Case(job, zone, line)
    try:
        request = case.render()
    except (SpecError, PolicyRefusal):
        return
    strictly(dict(request.operations[0].body))


@given(st.text(alphabet="$(){}AB ", max_size=12).filter(lambda text: "$$" not in text))
def test_a_value_arrives_as_it_was_written_however_the_escape_is_read(text: str) -> None:
    sent = literal(text)
    assert sent.replace("$$(", "$(") == text, "as the documentation has it: an escape before a parenthesis"
    assert sent.replace("$$", "$") == text, "as Kubernetes has it: an escape anywhere"
    assert not re.search(r"(?<!\$)\$\(", sent), "nothing is left that could be expanded"
