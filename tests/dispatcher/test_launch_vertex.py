"""Queues for Vertex AI as W&B Launch and its guides write them: applied, corrected with a note, or refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dispatcher.contract import Compute, GcpNetworkIds, GcpZone
from dispatcher.documents import queue_file
from dispatcher.errors import SpecError
from dispatcher.job import Priority
from dispatcher.queue import Queue
from tests.backends.vertex.doubles import golden_zone

MACHINES = (
    "n1-standard-4", "n1-standard-4+1xV100", "n1-standard-8+1xT4", "a2-highgpu-2g", "a2-highgpu-4g",
    "a2-highgpu-8g", "g2-standard-8",
)  # fmt: skip


def zone(**changes: Any) -> GcpZone:
    """Return the golden zone with an entry of compute for every machine of the tests."""
    compute = tuple(Compute(f"c{index}", name, max=8) for index, name in enumerate(MACHINES))
    return dataclasses.replace(golden_zone(), **{"compute": compute, **changes})


def named(machine: str) -> str:
    """Return the name of the compute entry of a machine."""
    return f"c{MACHINES.index(machine)}"


def config(spec: Any = None, run: Any = None, **rest: Any) -> str:
    """Return a queue file in the Launch form."""
    given = {**({} if spec is None else {"spec": spec}), **({} if run is None else {"run": run}), **rest}
    return json.dumps({"name": "q", "resource": "gcp-vertex", "config": given})  # YAML all the same


def read(text: str, found: GcpZone | None = None) -> tuple[Queue, list[str]]:
    """Return the one queue of a file, and the notes."""
    notes: list[str] = []
    (queue,) = queue_file.parse("q.yaml", text, {"gcp-euw4": found or zone()}, notes)
    return queue, notes


def wrong(text: str, found: GcpZone | None = None) -> list[tuple[str, str]]:
    """Return path and words of every problem."""
    with pytest.raises(SpecError) as raised:
        read(text, found)
    return [(problem.path, f"{problem.rule} ({problem.remedy})") for problem in raised.value.problems]


def pool(**fields: Any) -> dict[str, Any]:
    """Return a worker pool of one g2-standard-8, with `fields` changed."""
    spec = {"machine_type": "g2-standard-8", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1}
    return {"machine_spec": spec, "replica_count": 1, **fields}


DEFAULT = """
name: vertex-ai-gpu-queue
resource: gcp-vertex
config:
  spec:
    worker_pool_specs:
      - machine_spec:
          machine_type: n1-standard-4
          accelerator_type: NVIDIA_TESLA_V100
          accelerator_count: 1
        replica_count: 1
        container_spec:
          image_uri: ${image_uri}
    staging_bucket: gs://gcp-euw4-staging-1a2b3c
  run:
    restart_job_on_worker_restart: false
"""


def test_the_default_queue_of_the_guide_is_applied_field_by_field() -> None:
    queue, notes = read(DEFAULT)
    assert queue == Queue(
        "vertex-ai-gpu-queue",
        "gcp-euw4",
        hardware=named("n1-standard-4+1xV100"),
        nodes=1,
        overrides={"jobSpec": {"scheduling": {"restartJobOnWorkerRestart": False}}},
    )
    (note,) = notes
    assert note.startswith(
        "q.yaml:14: config.spec.staging_bucket is left out: outputs go to gs://gcp-euw4-output-"
    )


def test_eight_replicas_in_the_first_pool_become_one_and_seven() -> None:
    machine = {"machine_type": "a2-highgpu-8g", "accelerator_type": "NVIDIA_TESLA_A100", "accelerator_count": 8}
    queue, (note,) = read(config({"worker_pool_specs": [pool(machine_spec=machine, replica_count=8)]}))
    assert (queue.hardware, queue.nodes) == (named("a2-highgpu-8g"), 8)
    assert "takes one replica in the first pool: it is sent as 1 + 7 in two pools" in note


def test_one_and_seven_are_eight_nodes_and_nothing_is_said() -> None:
    queue, notes = read(config({"worker_pool_specs": [pool(), pool(replica_count=7)]}))
    assert (queue.hardware, queue.nodes, queue.overrides, notes) == (named("g2-standard-8"), 8, {}, [])


def test_an_accelerator_count_without_its_type_takes_the_machine_s_own() -> None:
    text = """
name: experimental-vlm-gcp
resource: vertex-ai
config:
  spec:
    worker_pool_specs:
      - machine_spec:
          machine_type: a2-highgpu-2g
          accelerator_count: 2  # 2xA100
priority: medium
"""
    queue, (note,) = read(text)
    assert (queue.hardware, queue.priority) == (named("a2-highgpu-2g"), Priority.MEDIUM)
    assert note.startswith("q.yaml:9: config.spec.worker_pool_specs[0].machine_spec.accelerator_count")
    assert "a2-highgpu-2g has NVIDIA_TESLA_A100" in note


@pytest.mark.parametrize(
    ("machine", "path", "words"),
    [
        (
            {"machine_type": "n1-standard-8", "accelerator_count": 1},
            "accelerator_type",
            "is missing (n1-standard-8 takes NVIDIA_TESLA_P100 or NVIDIA_TESLA_P4 or NVIDIA_TESLA_T4",
        ),
        (
            {"machine_type": "a2-highgpu-4g", "accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 4},
            "accelerator_type",
            "is NVIDIA_TESLA_T4, which a2-highgpu-4g does not take (a2-highgpu-4g takes NVIDIA_TESLA_A100",
        ),
        (
            {"machine_type": "n1-standard-4", "accelerator_type": "NVIDIA_TESLA_K80", "accelerator_count": 1},
            "accelerator_type",
            "is NVIDIA_TESLA_K80, which n1-standard-4 does not take",
        ),
        (
            {"machine_type": "n2-standard-4", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1},
            "accelerator_type",
            "n2-standard-4 takes no accelerator: drop it",
        ),
        (
            {"machine_type": "n1-standard-16", "accelerator_type": "NVIDIA_TESLA_V100", "accelerator_count": 1},
            "accelerator_count",
            "is 1, which n1-standard-16 does not take of NVIDIA_TESLA_V100 (n1-standard-16 takes 2 or 4 or 8",
        ),
        (
            {"machine_type": "n1-standard-8", "accelerator_type": "NVIDIA_TESLA_T4"},
            "accelerator_count",
            "is missing (n1-standard-8 takes 1 or 2 or 4",
        ),
        (
            {"machine_type": "n1-standrad-8"},
            "machine_type",
            "'n1-standrad-8', not a machine of Vertex AI training (did you mean n1-standard-8?",
        ),
    ],
)
def test_what_does_not_fit_the_machine_is_refused_by_the_field(
    machine: dict[str, Any], path: str, words: str
) -> None:
    ((at, said),) = wrong(config({"worker_pool_specs": [{"machine_spec": machine}]}))
    assert at == f"config.spec.worker_pool_specs[0].machine_spec.{path}"
    assert words in said


def test_a_machine_that_the_zone_does_not_offer_is_refused_with_what_it_offers() -> None:
    machine = {"machine_type": "n1-standard-8", "accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 4}
    ((_, said),) = wrong(config({"worker_pool_specs": [pool(machine_spec=machine)]}))
    assert "no compute of type n1-standard-8+4xT4" in said


@pytest.mark.parametrize("section", ["spec", "run"])
@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("service_account", "training-jobs@my-project.iam.gserviceaccount.com", "gcp-euw4-execution@acme-ml-eu"),
        ("network", "projects/123456/global/networks/ml-vpc", "the zone's network is used"),
        ("reserved_ip_ranges", ["vertex-ai-peering-range"], "has none of it"),
        ("psc_interface_config", {"network_attachment": "x"}, "the zone's network is used"),
        ("encryption_spec_key_name", "projects/p/locations/l/keyRings/r/cryptoKeys/k", "the zone's data key"),
        ("project", "other", "the zone's project is used: acme-ml-eu"),
        ("location", "us-west1", "the zone's region is used: europe-west4"),
        ("display_name", "x", "the dispatcher names jobs"),
        ("credentials", {}, "agent identity"),
    ],
)
def test_what_the_zone_or_the_dispatcher_decides_is_refused_wherever_it_stands(
    section: str, name: str, given: Any, words: str
) -> None:
    ((at, said),) = wrong(config(**{section: {name: given}}))
    assert at == f"config.{section}.{name}"
    assert "is not taken from a queue" in said
    assert words in said


@pytest.mark.parametrize(
    ("section", "name", "given"),
    [
        ("run", "service_account", "gcp-euw4-execution@acme-ml-eu.iam.gserviceaccount.com"),
        ("run", "network", "projects/112233445566/global/networks/gcp-euw4"),
        ("run", "network", "projects/acme-ml-eu/global/networks/gcp-euw4"),
        ("run", "reserved_ip_ranges", ["vertex-training"]),
        ("spec", "encryption_spec_key_name", golden_zone().keys.data),
        ("spec", "project", "acme-ml-eu"),
        ("spec", "location", "europe-west4"),
    ],
)
def test_the_zone_s_own_values_are_no_contradiction(section: str, name: str, given: Any) -> None:
    ids = GcpNetworkIds(network=golden_zone().network.ids.network, reserved_ranges=("vertex-training",))
    found = zone(network=dataclasses.replace(golden_zone().network, ids=ids))
    queue, notes = read(config(**{section: {name: given}}), found)
    assert (queue, notes) == (Queue("q", "gcp-euw4"), [])


def test_an_argument_in_the_wrong_section_is_read_and_its_place_corrected() -> None:
    own = "gcp-euw4-execution@acme-ml-eu.iam.gserviceaccount.com"
    _, (note,) = read(config({"service_account": own}))
    assert "config.spec.service_account belongs into `run`" in note


def test_sync_is_left_out_with_a_note_whatever_it_says() -> None:
    for given in (True, False):
        queue, (note,) = read(config(run={"sync": given}))
        assert queue.overrides == {}
        assert "config.run.sync is left out: `dispatch submit` returns when" in note


@pytest.mark.parametrize(
    ("run", "queue"),
    [
        ({"timeout": 3600}, {"max_runtime": 3600}),
        ({"scheduling_strategy": "SPOT"}, {"spot": "required"}),
        (
            {"scheduling_strategy": "FLEX_START", "max_wait_duration": 7200},
            {"overrides": {"jobSpec": {"scheduling": {"strategy": "FLEX_START", "maxWaitDuration": "7200s"}}}},
        ),
        ({"persistent_resource_id": "warm"}, {"overrides": {"jobSpec": {"persistentResourceId": "warm"}}}),
        ({"disable_retries": True}, {"overrides": {"jobSpec": {"scheduling": {"disableRetries": True}}}}),
        ({"enable_web_access": True}, {"overrides": {"jobSpec": {"enableWebAccess": True}}}),
    ],
)
def test_arguments_of_run_become_the_queue_s_own_fields_or_raw_ones(
    run: dict[str, Any], queue: dict[str, Any]
) -> None:
    assert read(config(run=run)) == (Queue("q", "gcp-euw4", **queue), [])


def test_arguments_of_the_constructor_become_raw_fields() -> None:
    spec = {"labels": {"team": "vision"}, "base_output_dir": "gs://gcp-euw4-output-1a2b3c/team"}
    prefix = {"baseOutputDirectory": {"outputUriPrefix": "gs://gcp-euw4-output-1a2b3c/team"}}
    assert read(config(spec))[0].overrides == {"labels": {"team": "vision"}, "jobSpec": prefix}


def test_a_strategy_of_old_is_read_as_what_it_is_called_now() -> None:
    queue, (note,) = read(config(run={"scheduling_strategy": "LOW_COST"}))
    assert queue.spot == "required"
    assert "is deprecated and read as SPOT" in note


def test_what_pools_say_beside_hardware_stays_raw_once_when_they_agree() -> None:
    more = {"disk_spec": {"boot_disk_size_gb": 300}, "container_spec": {"env": [{"name": "A", "value": "1"}]}}
    queue, _ = read(config({"worker_pool_specs": [pool(**more), pool(**more, replica_count=3)]}))
    assert (queue.nodes, queue.overrides) == (4, {"jobSpec": {"workerPoolSpecs": [more]}})
    queue, _ = read(config({"worker_pool_specs": [pool(**more), pool()]}))
    assert queue.overrides == {"jobSpec": {"workerPoolSpecs": [more, {}]}}


def test_a_job_s_spec_in_two_places_is_refused() -> None:
    text = config({"base_output_dir": "gs://gcp-euw4-output-1a2b3c/x"}, job_spec={"enable_web_access": True})
    ((at, said),) = wrong(text)
    assert (at, "job_spec twice" in said) == ("config", True)


def test_the_image_of_a_pool_is_the_queue_s() -> None:
    queue, _ = read(config({"worker_pool_specs": [pool(container_spec={"image_uri": "train:v1"})]}))
    assert (queue.image, queue.overrides) == ("train:v1", {})


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (
            config({"staging_bucket": "gs://company-vertex-staging"}),
            "spec.staging_bucket",
            "not a bucket of the zone",
        ),
        (config({"worker_pool_spec": []}), "spec.worker_pool_spec", "did you mean worker_pool_specs?"),
        (config(run={"syncc": True}), "run.syncc", "did you mean sync?"),
        (config(run={"scheduling_strategy": "CHEAP"}), "run.scheduling_strategy", "not one of STANDARD, SPOT"),
        (config(run={"timeout": "soon"}), "run.timeout", "not a duration"),
        (config(["x"]), "spec", "must be a mapping of arguments"),
        (config({"worker_pool_specs": []}), "spec.worker_pool_specs", "at least one worker pool"),
        (
            config({"worker_pool_specs": [pool(container_spec={"command": ["x"]})]}),
            "spec.worker_pool_specs[0].container_spec.command",
            "a job says its command",
        ),
        (
            config({"worker_pool_specs": [pool(python_package_spec={"python_module": "x"})]}),
            "spec.worker_pool_specs[0].python_package_spec",
            "a job brings its own image",
        ),
        (
            config({"worker_pool_specs": [pool(), pool(machine_spec={"machine_type": "n1-standard-4"})]}),
            "spec.worker_pool_specs[1].machine_spec",
            "one kind of hardware",
        ),
        (
            config({"worker_pool_specs": [pool(), pool(), pool()]}),
            "spec.worker_pool_specs[2]",
            "third worker pool",
        ),
        (
            config({"worker_pool_specs": [pool(), {}, pool()]}),
            "spec.worker_pool_specs[2]",
            "third worker pool",
        ),
        (config({"labels": {}}, labels={"a": "b"}), "", "labels twice"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_place(text: str, path: str, words: str) -> None:
    ((at, said),) = wrong(text)
    assert at == ".".join(filter(None, ["config", path]))
    assert words in said


def test_the_wrapper_of_resource_arguments_is_taken_off() -> None:
    queue, _ = read(config(**{"gcp-vertex": {"run": {"timeout": 60}}}))
    assert queue.max_runtime == 60


def test_fields_of_a_custom_job_beside_the_sections_stay_raw() -> None:
    queue, _ = read(config(run={"timeout": 60}, job_spec={"enable_web_access": True}))
    assert queue.overrides == {"job_spec": {"enable_web_access": True}}
