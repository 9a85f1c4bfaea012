"""The VM sizes of Azure ML: the table against its sources, and what is chosen of them."""

from __future__ import annotations

import csv
import json

import pytest

from dispatcher.contract import Compute, NetworkMode
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.placement import catalog, choose
from dispatcher.placement.catalog import DATA, gpu_wish
from dispatcher.placement.selection import kinds
from dispatcher.queue import Queue
from localcloud.azure.ml import machines
from tests.placement.zones import QUEUE, azure, job
from tools.catalog import azure as source

TABLE = catalog("azure")


def test_the_table_on_disk_is_what_its_generator_writes() -> None:
    assert (DATA / "azure.csv").read_text() == source.render()
    facts = json.loads((DATA / "azure.source.json").read_text())
    assert {"as_of", "sizes", "ml", "retired", "family"} <= set(facts)
    assert {item.source for item in TABLE.values()} <= set(facts)


def test_every_row_has_the_columns_of_the_other_clouds_first() -> None:
    with (DATA / "aws.csv").open() as aws, (DATA / "azure.csv").open() as own:
        shared, columns = next(csv.reader(aws)), next(csv.reader(own))
    assert columns[: len(shared)] == shared


# cloud-facts: size pages of Azure's virtual machines: vCPU, GiB, device, count and GiB of one device.
EQUIVALENTS = [
    ("Standard_NC4as_T4_v3", 4, 28, "T4", 1, 16),
    ("Standard_NC16as_T4_v3", 16, 110, "T4", 1, 16),
    ("Standard_NC64as_T4_v3", 64, 440, "T4", 4, 16),
    ("Standard_NV36ads_A10_v5", 36, 440, "A10", 1, 24),
    ("Standard_NC24ads_A100_v4", 24, 220, "A100", 1, 80),
    ("Standard_NC96ads_A100_v4", 96, 880, "A100", 4, 80),
    ("Standard_ND96asr_v4", 96, 900, "A100", 8, 40),
    ("Standard_ND96amsr_A100_v4", 96, 1900, "A100", 8, 80),
    ("Standard_NC40ads_H100_v5", 40, 320, "H100", 1, 94),
    ("Standard_ND96isr_H100_v5", 96, 1900, "H100", 8, 80),
    ("Standard_ND96isr_H200_v5", 96, 1850, "H200", 8, 141),
    ("Standard_ND40rs_v2", 40, 672, "V100", 8, 32),
    ("Standard_D4s_v3", 4, 16, None, 0, None),
    ("Standard_D96ds_v5", 96, 384, None, 0, None),
    ("Standard_E96ds_v5", 96, 672, None, 0, None),
    ("Standard_F72s_v2", 72, 144, None, 0, None),
]


@pytest.mark.parametrize(("instance", "vcpu", "memory", "model", "count", "device"), EQUIVALENTS)
def test_a_size_is_what_the_vendor_says(
    instance: str, vcpu: int, memory: float, model: str | None, count: int, device: float | None
) -> None:
    item = TABLE[instance]
    assert (item.vcpu, item.memory, item.gpu_model, item.gpus, item.gpu_memory) == (
        vcpu, memory, model, count, device
    )  # fmt: skip


def test_sizes_with_infiniband_have_an_r_in_their_name() -> None:
    for name, item in TABLE.items():
        if item.status == "current" and item.accelerator == "gpu":
            features = name.split("_")[1].lstrip("NDCV").lstrip("0123456789")
            assert item.efa is ("r" in features), name


def test_every_retired_size_says_when_and_has_no_other_fault() -> None:
    retired = {name: item for name, item in TABLE.items() if item.status == "retired"}
    assert "2026-09-30" in retired["Standard_NV12s_v3"].reason
    assert "NVads A10 v5" in retired["Standard_NV4as_v4"].reason
    assert {"Standard_NC6s_v3", "Standard_NC24rs_v3", "Standard_NC6s_v2", "Standard_NC6", "Standard_ND6s"} <= set(
        retired
    )
    assert all("20" in item.reason for item in retired.values())
    assert {item.status for item in TABLE.values()} == {"current", "retired"}


_MEMORY = {"Standard_ND96amsr_A100_v4": 1800}
"""Sizes of which the page and the list disagree: what the list has."""


@pytest.mark.parametrize("name", [name for name, item in TABLE.items() if item.vcpu])
def test_a_size_is_what_azures_own_list_of_skus_says(name: str) -> None:
    item, listed = TABLE[name], machines.find(name)
    if listed is None:
        assert item.status == "retired", "what Azure has no more is not on its list"
        return
    memory = _MEMORY.get(name, item.memory)
    assert (listed.vcpu, listed.memory, listed.gpus) == (item.vcpu, memory, item.gpus)
    assert (item.family or "").lower() == listed.family.lower()
    assert (item.status == "retired") == bool(listed.retired)
    assert listed.retired in item.reason


def test_a_family_of_quota_is_known_for_what_costs_most() -> None:
    assert TABLE["Standard_NC24ads_A100_v4"].family == "StandardNCADSA100v4Family"
    assert TABLE["Standard_D4s_v3"].family == "standardDSv3Family"
    assert TABLE["Standard_ND96isr_H200_v5"].family == "standardNDISRH200V5Family"


@pytest.mark.parametrize(
    ("text", "instance"),
    [
        ("A100-40GB", "Standard_ND96asr_v4"),
        ("NVIDIA_A100_80GB", "Standard_NC24ads_A100_v4"),
        ("NVIDIA_TESLA_T4", "Standard_NC4as_T4_v3"),
        ("H100-94GB", "Standard_NC40ads_H100_v5"),
        ("H200-141GB", "Standard_ND96isr_H200_v5"),
        ("MI300X-192GB", "Standard_ND96isr_MI300X_v5"),
        ("V100-32GB", "Standard_ND40rs_v2"),
    ],
)
def test_a_gpu_is_found_by_the_names_people_and_clouds_use(text: str, instance: str) -> None:
    assert gpu_wish(text).matches(TABLE[instance])


@pytest.mark.parametrize(
    ("wishes", "instance"),
    [
        ({}, "Standard_D2ds_v5"),
        ({"cpu": 4, "memory": 16}, "Standard_D4ds_v5"),
        ({"cpu": 4, "memory": 30}, "Standard_E4ds_v5"),
        ({"gpu": 1}, "Standard_NC4as_T4_v3"),
        ({"gpu": 1, "cpu": 8}, "Standard_NC8as_T4_v3"),
        ({"gpu": 4, "gpu_type": "T4"}, "Standard_NC64as_T4_v3"),
        ({"gpu": 1, "gpu_type": "A100"}, "Standard_NC24ads_A100_v4"),
        ({"gpu": 8, "gpu_type": "A100-40GB"}, "Standard_ND96asr_v4"),
        ({"gpu": 8, "gpu_type": "H100"}, "Standard_ND96isr_H100_v5"),
        ({"gpu": 1, "gpu_type": "V100"}, "Standard_ND40rs_v2"),
        ({"cpu": 4, "disk": 100}, "Standard_D4ds_v5"),
        ({"cpu": 8, "memory": 65, "disk": 400}, "Standard_E16ds_v5"),
        ({"cpu": 4, "memory": 16, "disk": 150}, "Standard_D4ds_v5"),
        ({"instance": "Standard_D4s_v3"}, "Standard_D4s_v3"),
    ],
)
def test_the_smallest_size_that_fits_is_taken(wishes: dict[str, object], instance: str) -> None:
    found = choose(job(**wishes), QUEUE, azure())
    assert (found.instance, found.region) == (instance, "westeurope")


def test_a_temporary_disk_is_all_the_disk_there_is() -> None:
    with pytest.raises(PolicyRefusal, match=r"its own disks have 32 GiB of 33, and it takes no volume"):
        choose(job(instance="Standard_D4s_v3", disk=33), QUEUE, azure())
    assert choose(job(instance="Standard_D4s_v3", disk=32), QUEUE, azure()).instance == "Standard_D4s_v3"


def test_what_is_retired_is_never_chosen() -> None:
    with pytest.raises(PolicyRefusal, match=r"(?s)no instance type .*it is retired"):
        choose(job(gpu=1, gpu_type="P100"), QUEUE, azure())


CLUSTERS = (Compute("cpu", "Standard_D4ds_v5", max=2), Compute("gpu", "Standard_NC4as_T4_v3", max=2))


@pytest.mark.parametrize("network", ["private", "existing"])
def test_on_a_private_network_the_clusters_are_all_there_is(network: NetworkMode) -> None:
    zone = azure(compute=CLUSTERS, network=network)
    assert choose(job(), QUEUE, zone).instance == "Standard_D4ds_v5", "a smaller size is no cluster"
    assert choose(job(gpu=1), QUEUE, zone).instance == "Standard_NC4as_T4_v3"
    assert [item.instance for item in kinds(zone)] == ["Standard_NC4as_T4_v3"]
    with pytest.raises(PolicyRefusal, match=r"(?s)hardware: no instance type that the zone allows.*nearest: "):
        choose(job(gpu=2), QUEUE, zone)
    with pytest.raises(PolicyRefusal, match=r"(?s)compute: Standard_F2s_v2 is not among the zone's clusters"):
        choose(job(instance="Standard_F2s_v2"), QUEUE, zone)
    with pytest.raises(PolicyRefusal, match=r"the zone has no compute entry"):
        choose(job(instance="Standard_F2s_v2"), QUEUE, azure(network=network))


def test_on_a_public_network_every_size_is_there_with_clusters_or_without() -> None:
    assert choose(job(), QUEUE, azure(compute=CLUSTERS)).instance == "Standard_D2ds_v5"
    assert choose(job(), Queue("q", "azure-weu", hardware="gpu"), azure(compute=CLUSTERS)).gpu_model == "T4"


def test_an_unknown_size_is_a_problem_with_the_nearest() -> None:
    with pytest.raises(
        SpecError, match=r"Standard_NC4as_T4_v4 is not a training .*did you mean Standard_NC4as_T4_v3"
    ):
        choose(job(instance="Standard_NC4as_T4_v4"), QUEUE, azure())
