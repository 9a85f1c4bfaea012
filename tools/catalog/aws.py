"""Write dispatcher/placement/data/aws.csv: SageMaker's training types with what EC2 says of their hardware.

Types come from the installed botocore's `TrainingInstanceType`; hardware from the EC2 DescribeInstanceTypes
answers that the installed moto carries (`ml.X` is EC2's `X`); types that EC2 does not describe from
`aws_gaps.csv` beside this file, each with its own source. Run: `python -m tools.catalog.aws [--check]`.
"""

from __future__ import annotations

import csv
import functools
import gzip
import json
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import moto

from tools.catalog import table

HERE = Path(__file__).resolve().parent
TARGET = table.DATA / "aws.csv"
GAPS = HERE / "aws_gaps.csv"
MIB = 1024


@functools.cache
def ec2_types() -> dict[str, dict[str, Any]]:
    """Return EC2's description of every instance type that the installed moto carries, by type name."""
    path = Path(str(moto.__file__)).parent / "ec2" / "resources" / "instance_types.json.gz"
    types: dict[str, dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))
    return types


def training_types() -> list[str]:
    """Return SageMaker's training instance types in the vendor's own order."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return list(model.shape_for("TrainingInstanceType").enum)


def row(instance: str, facts: dict[str, Any]) -> dict[str, str]:
    """Turn one EC2 description into a row of the catalog; sizes in GiB, local storage in GB as EC2 reports."""
    devices = facts.get("GpuInfo", {}).get("Gpus") or facts.get("NeuronInfo", {}).get("NeuronDevices") or []
    if len(devices) > 1:
        raise SystemExit(f"{instance}: more than one kind of accelerator, the catalog has no column for that")
    device = devices[0] if devices else None
    storage = facts["InstanceStorageSupported"]
    return {
        "instance": instance,
        "vcpu": str(facts["VCpuInfo"]["DefaultVCpus"]),
        "memory_gib": table.number(facts["MemoryInfo"]["SizeInMiB"] / MIB),
        "gpu_model": device["Name"] if device else "",
        "gpus": str(device["Count"]) if device else "0",
        "gpu_memory_gib": table.number(device["MemoryInfo"]["SizeInMiB"] / MIB) if device else "",
        "accelerator": "gpu" if "GpuInfo" in facts else "neuron" if device else "none",
        "local_storage": "yes" if storage else "no",
        "local_storage_gb": str(facts["InstanceStorageInfo"]["TotalSizeInGB"]) if storage else "",
        "efa": "yes" if facts["NetworkInfo"]["EfaSupported"] else "no",
        "architecture": "|".join(facts["ProcessorInfo"]["SupportedArchitectures"]),
        "generation": "current" if facts["CurrentGeneration"] else "previous",
        # EC2 marks only the T family; Flex types too promise a share of their CPU and the rest most of the time.
        "burstable": "yes" if facts["BurstablePerformanceSupported"] or "-flex." in instance else "no",
        "status": "current",
        "reason": "",
        "source": "ec2",
    }


def render() -> str:
    """Return the whole CSV."""
    described = ec2_types()
    with GAPS.open(newline="") as handle:
        gaps = {line["instance"]: line for line in csv.DictReader(handle)}
    return table.text(_line(instance, described, gaps) for instance in training_types())


def _line(instance: str, described: dict[str, dict[str, Any]], gaps: dict[str, dict[str, str]]) -> dict[str, str]:
    facts = described.get(instance.removeprefix("ml."))
    return row(instance, facts) if facts else gaps[instance]


def sources() -> dict[str, str]:
    """Return where the table comes from, for people and for `dispatch` to print."""
    return {
        "types": f"botocore {botocore.__version__}, sagemaker 2017-07-24, TrainingInstanceType",
        "ec2": f"EC2 DescribeInstanceTypes as recorded in moto {moto.__version__}; ml.X is EC2's X",
        "others": "the `source` column of the row; an empty value is unknown",
    }


if __name__ == "__main__":
    table.main(TARGET, render, sources)
