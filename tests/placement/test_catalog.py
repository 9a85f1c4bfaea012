"""The AWS catalog against its sources: botocore's list of types and the EC2 descriptions that moto carries."""

from __future__ import annotations

import json

import pytest

from dispatcher.placement.catalog import DATA, catalog, gpu_wish
from tools.catalog import aws

pytestmark = pytest.mark.oracle

# cloud-facts: families with disks of their own (join of the enum with EC2's descriptions, 2026-11-20).
NVME = {
    "g4dn", "g5", "g6", "g6e", "g7", "g7e", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300",
    "r5d", "trn1", "trn1n", "trn2",
}  # fmt: skip
UNKNOWN = {"p6e-gb200"}


def test_every_training_type_of_botocore_is_there_and_nothing_else() -> None:
    assert list(catalog("aws")) == aws.training_types()
    assert len(catalog("aws")) == 225


@pytest.mark.parametrize("instance", [name for name in aws.training_types() if name[3:] in aws.ec2_types()])
def test_what_ec2_describes_is_taken_over_unchanged(instance: str) -> None:
    facts, item = aws.ec2_types()[instance[3:]], catalog("aws")[instance]
    gpus = facts.get("GpuInfo", {}).get("Gpus", [])
    assert item.vcpu == facts["VCpuInfo"]["DefaultVCpus"]
    assert item.memory == facts["MemoryInfo"]["SizeInMiB"] / 1024
    assert item.local_storage is facts["InstanceStorageSupported"]
    assert item.efa is facts["NetworkInfo"]["EfaSupported"]
    assert item.architecture in facts["ProcessorInfo"]["SupportedArchitectures"]
    if gpus:
        assert (item.gpu_model, item.gpus, item.accelerator) == (gpus[0]["Name"], gpus[0]["Count"], "gpu")
        assert item.gpu_memory == pytest.approx(gpus[0]["MemoryInfo"]["SizeInMiB"] / 1024, abs=0.01)
    else:
        assert item.accelerator in ("none", "neuron")


def test_the_table_on_disk_is_what_its_generator_writes() -> None:
    assert (DATA / "aws.csv").read_text() == aws.render()
    assert json.loads((DATA / "aws.source.json").read_text())["as_of"]


def test_types_that_ec2_does_not_describe_say_so_and_where_their_numbers_come_from() -> None:
    silent = [item for name, item in catalog("aws").items() if name[3:] not in aws.ec2_types()]
    assert len(silent) == 7
    for item in silent:
        assert item.status in ("retired", "unknown")
        assert item.reason
        assert item.source != "ec2"


@pytest.mark.parametrize("instance", aws.training_types())
def test_local_storage_follows_the_family(instance: str) -> None:
    family = instance.split(".")[1]
    expected = True if family in NVME else None if family in UNKNOWN else False
    assert catalog("aws")[instance].local_storage is expected


@pytest.mark.parametrize(
    ("text", "instance"),
    [
        ("A100-40GB", "ml.p4d.24xlarge"),
        ("NVIDIA_TESLA_A100", "ml.p4d.24xlarge"),
        ("A100-80GB", "ml.p4de.24xlarge"),
        ("nvidia_a100_80gb", "ml.p4de.24xlarge"),
        ("H100", "ml.p5.48xlarge"),
        ("H100 80GB", "ml.p5.4xlarge"),
        ("H200-141GB", "ml.p5e.48xlarge"),
        ("t4", "ml.g4dn.xlarge"),
        ("nvidia-l4", "ml.g6.xlarge"),
        ("L4-24GB", "ml.g6.xlarge"),
        ("A10G-24GB", "ml.g5.xlarge"),
        ("L40S-48GB", "ml.g6e.xlarge"),
        ("RTX PRO 6000", "ml.g7e.2xlarge"),
        ("NVIDIA_RTX_PRO_6000", "ml.g7e.2xlarge"),
        ("V100-16GB", "ml.p3.2xlarge"),
        ("Trainium", "ml.trn1.2xlarge"),
        ("trn2", "ml.trn2.48xlarge"),
        ("B200", "ml.p6-b200.48xlarge"),
    ],
)
def test_a_gpu_is_found_by_the_names_people_and_clouds_use(text: str, instance: str) -> None:
    assert gpu_wish(text).matches(catalog("aws")[instance])


@pytest.mark.parametrize(
    ("text", "instance"),
    [
        ("A10", "ml.g5.xlarge"),
        ("L4", "ml.g6e.xlarge"),
        ("L40S", "ml.g6.xlarge"),
        ("A100-80GB", "ml.p4d.24xlarge"),
        ("V100-16GB", "ml.p3dn.24xlarge"),
        ("H100", "ml.p5e.48xlarge"),
        ("Trainium", "ml.trn2.48xlarge"),
    ],
)
def test_a_near_relative_is_not_the_gpu_that_was_asked_for(text: str, instance: str) -> None:
    assert not gpu_wish(text).matches(catalog("aws")[instance])
