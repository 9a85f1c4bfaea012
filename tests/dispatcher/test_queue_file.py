"""Queue files: the own form and the two forms people bring; every field is applied or refused by name."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import contract
from dispatcher.contract import Zone
from dispatcher.documents import queue_file
from dispatcher.errors import Problem, SpecError
from dispatcher.job import Priority
from dispatcher.queue import Queue

GOLDEN = Path(__file__).parents[1] / "golden" / "contracts"
ZONES: dict[str, Zone] = {
    name: zone
    for cloud in ("aws", "gcp", "azure")
    for name, zone in contract.parse(json.loads((GOLDEN / f"{cloud}.json").read_text())).zones.items()
}
AWS = {"aws-euc1": ZONES["aws-euc1"]}

PROVIDER = """\
# my_queue.yaml
queue_name: gpu-training-queue
provider:
  type: aws
  region: eu-central-1
  instance_type: g5.xlarge # A GPU instance type
  min_instances: 0
  max_instances: 5
"""

LAUNCH = """\
name: production-llm-aws
resource: sagemaker
config:
  ResourceConfig:
    InstanceType: ml.g5.xlarge
    InstanceCount: 4  # nodes
    VolumeSizeInGB: 50
  StoppingCondition:
    MaxRuntimeInSeconds: 86400
priority: high
"""


def parse(text: str | bytes, zones: dict[str, Zone] | None = AWS) -> list[Queue]:
    return queue_file.parse("dev.queues.yaml", text, zones)


def problems(text: str | bytes, zones: dict[str, Zone] | None = AWS) -> list[tuple[int | None, str, str]]:
    with pytest.raises(SpecError) as raised:
        parse(text, zones)
    return [(p.line, p.path, f"{p.rule} | {p.remedy}") for p in raised.value.problems]


def test_every_field_of_a_queue_is_read() -> None:
    text = """
queues:
  - name: gpu
    zone: aws-euc1
    hardware: gpu
    max_running: 4
    max_nodes: 8
    min_warm: 1
    job_types: [train-model]
    spot: required
    max_runtime: 12h
    identity: ambient
    shared: true
    ageing: 6h
    image: train:1
    priority: high
    nodes: 2
    overrides: {EnableNetworkIsolation: true, Tags: [{Key: a, Value: '1'}], X: 1.5, Y: null}
"""
    assert parse(text) == [
        Queue(
            name="gpu",
            zone="aws-euc1",
            hardware="gpu",
            max_running=4,
            max_nodes=8,
            min_warm=1,
            job_types=("train-model",),
            spot="required",
            max_runtime=43_200,
            identity="ambient",
            shared=True,
            ageing=21_600,
            image="train:1",
            priority=Priority.HIGH,
            nodes=2,
            overrides={"EnableNetworkIsolation": True, "Tags": [{"Key": "a", "Value": "1"}], "X": 1.5, "Y": None},
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "queues: [{name: a, zone: aws-euc1}, {name: b, zone: aws-euc1}]",
        "queues: {a: {zone: aws-euc1}, b: {zone: aws-euc1}}",
        "- {name: a, zone: aws-euc1}\n- {name: b, zone: aws-euc1}",
        "name: a\nzone: aws-euc1\n---\nname: b\nzone: aws-euc1",
    ],
)
def test_a_file_holds_queues_as_a_list_a_mapping_or_documents(text: str) -> None:
    assert [queue.name for queue in parse(text)] == ["a", "b"]


def test_the_provider_form_is_applied_field_by_field() -> None:
    assert parse(PROVIDER) == [Queue("gpu-training-queue", "aws-euc1", hardware="gpu", max_nodes=5)]


def test_fields_of_the_provider_form_that_mean_nothing_here_are_refused_by_name() -> None:
    text = (
        PROVIDER.replace("  min_inst", "  ami: ami-0abcdef1234567890\n  min_inst")
        + "agent_image: wandb/agent:latest\n"
    )
    found = problems(text)
    assert [(line, path) for line, path, _ in found] == [(7, "provider.ami"), (10, "agent_image")]
    assert "no agent runs on the workers" in found[1][2]


def test_the_seed_s_provider_queue_names_each_thing_the_zone_lacks() -> None:
    text = PROVIDER.replace("eu-central-1", "us-east-1").replace("g5.xlarge", "g4dn.xlarge")
    ((line, path, words),) = problems(text)
    assert (line, path) == (3, "provider")
    assert "no zone of the stack is on aws us-east-1 | zones: aws-euc1 (aws eu-central-1)" in words
    ((_, path, words),) = problems(PROVIDER.replace("g5.xlarge", "g4dn.xlarge"))
    assert path == "provider.instance_type"
    assert "no compute of type g4dn.xlarge" in words
    assert "gpu (ml.g5.xlarge)" in words


def test_the_launch_form_is_applied_field_by_field_and_what_is_left_stays_raw() -> None:
    assert parse(LAUNCH) == [
        Queue(
            "production-llm-aws",
            "aws-euc1",
            hardware="gpu",
            max_runtime=86_400,
            priority=Priority.HIGH,
            nodes=4,
            overrides={"ResourceConfig": {"VolumeSizeInGB": 50}},
        )
    ]


@pytest.mark.parametrize(
    "field", ["RoleArn: x", "VpcConfig: {}", "EnableManagedSpotTraining: true", "CheckpointConfig: {}"]
)
def test_what_the_zone_or_the_job_decides_is_refused_in_the_launch_form(field: str) -> None:
    ((line, path, words),) = problems(LAUNCH.replace("config:\n", f"config:\n  {field}\n"))
    assert (line, path) == (4, f"config.{field.partition(':')[0]}")
    assert "is not taken from a queue" in words


def test_the_seed_s_misplaced_max_wait_is_explained() -> None:
    ((_, path, words),) = problems(LAUNCH.replace("config:\n", "config:\n  MaxWaitTimeInSeconds: 172800\n"))
    assert path == "config.MaxWaitTimeInSeconds"
    assert "belongs into StoppingCondition" in words


def test_the_launch_form_finds_the_zone_of_its_cloud_and_asks_when_there_are_several() -> None:
    vertex = "name: v\nresource: vertex-ai\nconfig: {spec: {labels: {a: b}}}"
    assert parse(vertex, ZONES)[0].zone == next(name for name, zone in ZONES.items() if zone.cloud == "gcp")
    two = {**AWS, "aws-two": AWS["aws-euc1"]}
    assert "add `zone:` with one of aws-euc1, aws-two" in problems(LAUNCH, two)[0][2]
    assert parse(LAUNCH + "zone: aws-two\n", two)[0].zone == "aws-two"


def test_other_runners_of_the_launch_form_are_named() -> None:
    assert "-q local" in problems("name: x\nresource: local-process")[0][2]
    assert "no Kubernetes zone" in problems("name: x\nresource: kubernetes")[0][2]


def test_all_problems_come_at_once_with_line_key_rule_and_remedy() -> None:
    text = """queues:
  - name: Gpu
    zone: aws-eucl
    hardware: gpu
  - name: cpu
    zone: aws-euc1
    hardware: gpuu
    max_runing: 3
    max_runtime: 27d
  - name: cpu2
  - name: local
    zone: aws-euc1
"""
    found = problems(text)
    assert {(line, path) for line, path, _ in found} == {
        (2, "queues[0].name"),
        (3, "queues[0].zone"),
        (7, "queues[1].hardware"),
        (8, "queues[1].max_runing"),
        (9, "queues[1].max_runtime"),
        (10, "queues[2].zone"),
        (11, "queues[3].name"),
    }
    words = " ".join(word for _, _, word in found)
    assert "did you mean aws-euc1?" in words
    assert "did you mean max_running?" in words
    assert "is the built-in queue of this machine" in words


def test_a_name_is_given_to_one_queue() -> None:
    assert (
        "defined twice | first on line 1"
        in problems("- {name: a, zone: aws-euc1}\n- {name: a, zone: aws-euc1}")[0][2]
    )


def test_secrets_in_overrides_are_refused_and_not_repeated() -> None:
    text = "name: a\nzone: aws-euc1\noverrides: {Environment: {WANDB_API_KEY: 0123456789abcdef}}"
    ((_, path, words),) = problems(text)
    assert path == "overrides.Environment.WANDB_API_KEY"
    assert "0123456789abcdef" not in words


def test_without_zones_only_the_form_is_checked() -> None:
    assert parse("name: a\nzone: nowhere\nhardware: x", None)[0].zone == "nowhere"
    assert problems("name: a\nzone: nowhere\nspot: maybe", None)[0][1] == "spot"


@pytest.mark.parametrize(
    "data", [b"", b"words", b"queues: 3", b"queues: [3]", b"\xff", b"queues: [[{]", b"a: &x b", b"- - - a"]
)
def test_a_malformed_file_is_a_problem_and_never_a_traceback(data: bytes) -> None:
    assert problems(data)


@given(st.one_of(st.binary(max_size=120), st.text(max_size=120)))
def test_no_input_at_all_raises_anything_but_problems(data: bytes | str) -> None:
    with contextlib.suppress(SpecError):
        assert isinstance(parse(data), list)


_names = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True).filter(
    lambda name: name not in ("local", "null", "on")
)
_queues = st.builds(
    Queue,
    name=_names,
    zone=st.just("aws-euc1"),
    hardware=st.sampled_from([None, "gpu", "cpu"]),
    max_running=st.none() | st.integers(1, 99),
    max_nodes=st.none() | st.integers(1, 99),
    min_warm=st.integers(0, 5),
    job_types=st.lists(_names, max_size=2).map(tuple),
    spot=st.sampled_from(["allowed", "required", "forbidden"]),
    max_runtime=st.none() | st.integers(1, 432_000),
    ageing=st.none() | st.integers(60, 432_000),
    identity=st.sampled_from(["agent", "ambient"]),
    image=st.none() | st.just("img@sha256:00"),
    priority=st.none() | st.sampled_from(list(Priority)),
    nodes=st.none() | st.integers(1, 4),
    overrides=st.dictionaries(
        _names,
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "1", "true", "1e3", "null", ""]),
        max_size=3,
    ),
)


@given(st.lists(_queues, min_size=1, max_size=3, unique_by=lambda queue: queue.name))
def test_an_exported_queue_reads_back_as_it_was(queues: list[Queue]) -> None:
    assert parse(queue_file.as_text(queues)) == queues


def test_problem_texts_name_the_file() -> None:
    with pytest.raises(SpecError) as raised:
        parse("name: a")
    assert str(raised.value) == str(Problem("dev.queues.yaml", 1, "zone", "is missing"))
