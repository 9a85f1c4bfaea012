"""The machines of Vertex AI: the table against its sources, and what is chosen of them."""

from __future__ import annotations

import csv
import json

import pytest

from dispatcher.backends import vendor_model
from dispatcher.backends.vertex.overrides import MODEL
from dispatcher.contract import Compute
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.placement import catalog, choose
from dispatcher.placement.catalog import DATA, Hardware, gpu_wish
from dispatcher.placement.selection import kinds
from dispatcher.queue import Queue
from tests.placement.zones import QUEUE, gcp, job
from tools.catalog import gcp as source

TABLE = catalog("gcp")


def with_gpus(machine: str) -> dict[str, set[int]]:
    """Return how many of which accelerator a machine takes."""
    found: dict[str, set[int]] = {}
    for item in TABLE.values():
        if machine in (item.machine, item.instance) and item.accelerator_type:
            found.setdefault(item.accelerator_type, set()).add(item.gpus)
    return found


def test_the_table_on_disk_is_what_its_generator_writes() -> None:
    assert (DATA / "gcp.csv").read_text() == source.render()
    facts = json.loads((DATA / "gcp.source.json").read_text())
    assert {"as_of", "machines", "compute", "gpus"} <= set(facts)


def test_every_accelerator_is_a_word_of_the_vendor() -> None:
    words = vendor_model.load(MODEL).enum("AcceleratorType")
    assert {item.accelerator_type for item in TABLE.values() if item.accelerator_type} <= set(words)


def test_every_row_has_the_columns_of_the_other_clouds_first() -> None:
    with (DATA / "aws.csv").open() as aws, (DATA / "gcp.csv").open() as own:
        shared, columns = next(csv.reader(aws)), next(csv.reader(own))
    assert columns[: len(shared)] == shared


# cloud-facts: machines of Compute Engine and Vertex's table of GPUs: vCPU, GiB, accelerator and count.
EQUIVALENTS = [
    ("n1-standard-4+1xT4", 4, 15, "NVIDIA_TESLA_T4", 1),
    ("n1-standard-64+4xT4", 64, 240, "NVIDIA_TESLA_T4", 4),
    ("n1-standard-8+1xV100", 8, 30, "NVIDIA_TESLA_V100", 1),
    ("n1-standard-16+2xV100", 16, 60, "NVIDIA_TESLA_V100", 2),
    ("n1-standard-32+4xV100", 32, 120, "NVIDIA_TESLA_V100", 4),
    ("n1-highmem-64+8xV100", 64, 416, "NVIDIA_TESLA_V100", 8),
    ("g2-standard-4", 4, 16, "NVIDIA_L4", 1),
    ("g2-standard-24", 24, 96, "NVIDIA_L4", 2),
    ("g2-standard-32", 32, 128, "NVIDIA_L4", 1),
    ("g2-standard-96", 96, 384, "NVIDIA_L4", 8),
    ("a2-highgpu-1g", 12, 85, "NVIDIA_TESLA_A100", 1),
    ("a2-highgpu-8g", 96, 680, "NVIDIA_TESLA_A100", 8),
    ("a2-megagpu-16g", 96, 1360, "NVIDIA_TESLA_A100", 16),
    ("a2-ultragpu-8g", 96, 1360, "NVIDIA_A100_80GB", 8),
    ("a3-highgpu-1g", 26, 234, "NVIDIA_H100_80GB", 1),
    ("a3-highgpu-8g", 208, 1872, "NVIDIA_H100_80GB", 8),
    ("a3-megagpu-8g", 208, 1872, "NVIDIA_H100_MEGA_80GB", 8),
    ("a3-ultragpu-8g", 224, 2952, "NVIDIA_H200_141GB", 8),
    ("a4-highgpu-8g", 224, 3968, "NVIDIA_B200", 8),
    ("a4x-highgpu-4g", 140, 884, "NVIDIA_GB200", 4),
    ("g4-standard-48", 48, 180, "NVIDIA_RTX_PRO_6000", 1),
    ("c2-standard-60", 60, 240, None, 0),
    ("n2-standard-48", 48, 192, None, 0),
]


@pytest.mark.parametrize(("instance", "vcpu", "memory", "accelerator", "count"), EQUIVALENTS)
def test_a_machine_is_what_the_vendor_says(
    instance: str, vcpu: int, memory: float, accelerator: str | None, count: int
) -> None:
    item = TABLE[instance]
    assert (item.vcpu, item.memory, item.accelerator_type, item.gpus) == (vcpu, memory, accelerator, count)


# cloud-facts: a GPU attached to N1 serves so many vCPU and GiB (V100 12 and 78, T4 48 for one or two and 96 for
# four; P100 16, 32, 64 and 208 GiB), so a larger machine needs more of them.
SERVED = {
    "NVIDIA_TESLA_V100": {1: (12, 78), 2: (24, 156), 4: (48, 312), 8: (96, 624)},
    "NVIDIA_TESLA_T4": {1: (48, 312), 2: (48, 312), 4: (96, 624)},
    "NVIDIA_TESLA_P4": {1: (24, 156), 2: (48, 312), 4: (96, 624)},
    "NVIDIA_TESLA_P100": {1: (16, 104), 2: (32, 208), 4: (64, 208)},
}


def test_no_machine_has_fewer_gpus_than_serve_it() -> None:
    attached = [item for item in TABLE.values() if item.machine]
    assert {item.accelerator_type for item in attached} == set(SERVED)
    for item in attached:
        vcpu, memory = SERVED[item.accelerator_type or ""][item.gpus]
        assert (item.vcpu or 0) <= vcpu, item
        assert (item.memory or 0) <= memory, item


def test_how_many_gpus_a_machine_takes() -> None:
    assert with_gpus("n1-standard-8")["NVIDIA_TESLA_T4"] == {1, 2, 4}
    assert with_gpus("n1-standard-16")["NVIDIA_TESLA_V100"] == {2, 4, 8}
    assert with_gpus("n1-standard-96") == {
        "NVIDIA_TESLA_P4": {4}, "NVIDIA_TESLA_T4": {4}, "NVIDIA_TESLA_V100": {8}
    }  # fmt: skip
    assert with_gpus("a2-highgpu-2g") == {"NVIDIA_TESLA_A100": {2}}
    assert with_gpus("n2-standard-4") == {}


@pytest.mark.parametrize(
    ("text", "instance"),
    [
        ("A100-40GB", "a2-highgpu-1g"),
        ("NVIDIA_TESLA_A100", "a2-highgpu-1g"),
        ("NVIDIA_A100_80GB", "a2-ultragpu-1g"),
        ("nvidia-l4", "g2-standard-4"),
        ("L4-24GB", "g2-standard-4"),
        ("NVIDIA_H100_MEGA_80GB", "a3-megagpu-8g"),
        ("H200-141GB", "a3-ultragpu-8g"),
        ("RTX PRO 6000", "g4-standard-48"),
        ("v5e", "ct5lp-hightpu-1t"),
        ("TPU v6e", "ct6e-standard-4t"),
    ],
)
def test_a_gpu_is_found_by_the_names_people_and_clouds_use(text: str, instance: str) -> None:
    assert gpu_wish(text).matches(TABLE[instance])


@pytest.mark.parametrize(
    ("wishes", "instance"),
    [
        ({}, "n4-highcpu-2"),
        ({"cpu": 2, "memory": 8}, "n4-standard-2"),
        ({"cpu": 2, "gpu": 1, "memory": 8}, "n1-standard-4+1xT4"),
        ({"gpu": 1, "gpu_type": "V100"}, "n1-standard-4+1xV100"),
        ({"gpu": 2, "gpu_type": "V100", "cpu": 16, "memory": 60}, "n1-standard-16+2xV100"),
        ({"gpu": 1, "gpu_type": "V100", "cpu": 16}, "n1-highcpu-16+2xV100"),
        ({"gpu": 1, "gpu_type": "L4", "cpu": 9}, "g2-standard-12"),
        ({"gpu": 2, "gpu_type": "L4"}, "g2-standard-24"),
        ({"gpu": 8, "gpu_type": "A100-40GB"}, "a2-highgpu-8g"),
        ({"gpu": 16, "gpu_type": "A100"}, "a2-megagpu-16g"),
        ({"gpu": 8, "gpu_type": "A100-80GB"}, "a2-ultragpu-8g"),
        ({"gpu": 8, "gpu_type": "H100"}, "a3-highgpu-8g"),
        ({"instance": "n1-standard-8", "gpu": 1, "gpu_type": "T4"}, "n1-standard-8+1xT4"),
        ({"instance": "n1-standard-8", "gpu": 3, "gpu_type": "T4"}, "n1-standard-8+4xT4"),
        ({"instance": "n1-standard-8", "gpu": 1}, "n1-standard-8+1xT4"),
        ({"instance": "n1-standard-8"}, "n1-standard-8"),
        ({"instance": "n1-standard-4+1xP4"}, "n1-standard-4+1xP4"),
    ],
)
def test_the_smallest_machine_that_fits_is_taken(wishes: dict[str, object], instance: str) -> None:
    found = choose(job(**wishes), QUEUE, gcp())
    assert (found.instance, found.region) == (instance, "europe-west4")


def test_what_is_old_or_not_made_for_it_is_taken_by_name_only() -> None:
    for instance, status in (("n1-standard-4+1xP100", "retired"), ("n1-highmem-2+1xT4", "discouraged")):
        item = TABLE[instance]
        assert (item.status, bool(item.reason)) == (status, True)
        assert choose(job(instance=instance), QUEUE, gcp()).instance == instance
    with pytest.raises(PolicyRefusal, match=r"(?s)no instance type .*it is retired"):
        choose(job(gpu=1, gpu_type="P100"), QUEUE, gcp())


def test_a_queue_s_hardware_names_machine_and_gpus_at_once() -> None:
    zone = gcp(compute=(Compute("gpu", "n1-standard-8+1xT4", max=4),))
    queue = Queue("q", "gcp-euw4", hardware="gpu")
    assert choose(job(gpu=1), queue, zone).accelerator_type == "NVIDIA_TESLA_T4"
    with pytest.raises(PolicyRefusal, match=r"accelerator count: queue q names n1-standard-8\+1xT4"):
        choose(job(gpu=4), queue, zone)


def test_a_machine_in_the_zone_s_list_does_not_bring_gpus_along() -> None:
    with pytest.raises(PolicyRefusal, match=r"limits\.instance_types"):
        choose(job(instance="n1-standard-8+1xT4"), QUEUE, gcp("n1-standard-8"))
    with pytest.raises(PolicyRefusal, match=r"limits\.instance_types: n1-standard-8\+1xT4"):
        choose(job(instance="n1-standard-8", gpu=1, gpu_type="T4"), QUEUE, gcp("n1-standard-8"))


def test_a_zone_may_allow_a_machine_with_its_gpus_alone() -> None:
    found = choose(job(instance="n1-standard-8", gpu=1), QUEUE, gcp("n1-standard-8+1xT4"))
    assert found.instance == "n1-standard-8+1xT4"


def test_an_unknown_name_is_a_problem_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"n1-standard-16\+1xV100 is not a training instance type of gcp"):
        choose(job(instance="n1-standard-16+1xV100"), QUEUE, gcp())


def test_one_type_stands_for_every_kind_of_accelerator_that_a_zone_allows() -> None:
    found = kinds(gcp())
    assert len({(item.gpu_model, item.accelerator_type) for item in found}) >= 10
    assert all(item.status == "current" and item.accelerator != "none" for item in found)
    assert kinds(gcp("n2-standard-4")) == []


def test_arm_machines_are_taken_by_name_only() -> None:
    assert TABLE["a4x-highgpu-4g"].architecture == "arm64"
    with pytest.raises(PolicyRefusal):
        choose(job(gpu=4, gpu_type="GB200"), QUEUE, gcp())


def test_hardware_is_a_value() -> None:
    assert isinstance(hash(TABLE["ct5lp-hightpu-4t"]), int)
    assert TABLE["ct5lp-hightpu-4t"].tpu_topologies["4x8"] == 8
    assert Hardware("gcp", "x").tpu_topologies == {}
