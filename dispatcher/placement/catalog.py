"""The hardware each cloud offers for training, read from the tables in `data/` (never from code)."""

from __future__ import annotations

import csv
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Hardware:
    """One instance type. None means that the source does not say, never zero.

    `memory` is GiB of RAM, `gpu_memory` GiB of one device, `local_storage_gb` GB of built-in disks as the
    cloud reports them. `accelerator` is `gpu`, `neuron`, `tpu` or `none`; `gpu_model` and `gpus` describe any
    kind. `local_storage` is True when the type brings its own (NVMe) disks. `efa` is the fast fabric between
    nodes. `status` is `current`, `retired`, `discouraged` or `unknown`, with the `reason`. `region` is where
    `choose` found it, None in the catalog itself.

    GCP asks for a machine and its accelerators apart: `machine` is the type when it is not `instance` itself,
    `accelerator_type` Vertex's word for the GPU, `tpu_topologies` the topologies of a TPU with the number of
    machines each takes (the first is that of one machine), `boot_disk` the only disk type it boots from. `family`
    is Azure's quota that the type counts against, `ends` the day on which Azure has announced to retire it.
    """

    cloud: str
    instance: str
    vcpu: int | None = None
    memory: float | None = None
    gpu_model: str | None = None
    gpus: int = 0
    gpu_memory: float | None = None
    accelerator: str = "none"
    local_storage: bool | None = None
    local_storage_gb: int | None = None
    efa: bool | None = None
    architecture: str | None = None
    generation: str | None = None
    burstable: bool = False
    status: str = "current"
    reason: str = ""
    source: str = ""
    region: str | None = None
    machine: str | None = None
    accelerator_type: str | None = None
    tpu_topologies: Mapping[str, int] = field(default_factory=dict, hash=False)
    boot_disk: str | None = None
    family: str | None = None
    ends: str | None = None

    def describe(self) -> str:
        """Say what it is in one phrase, such as `ml.g5.xlarge (1x A10G, 4 vCPU, 16 GiB)`."""
        parts = [f"{self.gpus}x {self.gpu_model}"] if self.gpus else []
        parts += [f"{self.vcpu} vCPU"] if self.vcpu is not None else []
        parts += [f"{self.memory:g} GiB"] if self.memory is not None else []
        return f"{self.instance} ({', '.join(parts)})" if parts else self.instance


@functools.cache
def catalog(cloud: str) -> Mapping[str, Hardware]:
    """Return every instance type of `cloud` by name, in the vendor's order; empty for a cloud without a table."""
    path = DATA / f"{cloud}.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as table:
        return {row["instance"]: _row(cloud, row) for row in csv.DictReader(table)}


def named(cloud: str, instance: str) -> Hardware | None:
    """Return the type of that name; Azure takes its names in any letter case."""
    table = catalog(cloud)
    if (found := table.get(instance)) or cloud != "azure":
        return found
    return next((item for name, item in table.items() if name.lower() == instance.lower()), None)


def current(cloud: str) -> list[str]:
    """Return the names of types that are not retired, to suggest one."""
    return [name for name, item in catalog(cloud).items() if item.status != "retired"]


def _row(cloud: str, row: Mapping[str, str]) -> Hardware:
    answer = {"yes": True, "no": False}
    return Hardware(
        cloud=cloud,
        instance=row["instance"],
        vcpu=int(row["vcpu"]) if row["vcpu"] else None,
        memory=float(row["memory_gib"]) if row["memory_gib"] else None,
        gpu_model=row["gpu_model"] or None,
        gpus=int(row["gpus"]),
        gpu_memory=float(row["gpu_memory_gib"]) if row["gpu_memory_gib"] else None,
        accelerator=row["accelerator"],
        local_storage=answer.get(row["local_storage"]),
        local_storage_gb=int(row["local_storage_gb"]) if row["local_storage_gb"] else None,
        efa=answer.get(row["efa"]),
        architecture=row["architecture"] or None,
        generation=row["generation"] or None,
        burstable=row["burstable"] == "yes",
        status=row["status"],
        reason=row["reason"],
        source=row["source"],
        machine=row.get("machine") or None,
        accelerator_type=row.get("accelerator_type") or None,
        tpu_topologies=_topologies(row.get("tpu_topologies", "")),
        boot_disk=row.get("boot_disk") or None,
        family=row.get("family") or None,
        ends=row.get("ends") or None,
    )


def _topologies(text: str) -> dict[str, int]:
    """Read `2x2:1 4x4:4`: each topology with the number of machines it takes."""
    pairs = (entry.partition(":") for entry in text.split())
    return {topology: int(machines) for topology, _, machines in pairs}


@dataclass(frozen=True, slots=True)
class GpuWish:
    """A GPU type as a job asks for it: EC2's device name and, when given, the size that people call it by."""

    model: str
    memory: int | None = None

    def matches(self, hardware: Hardware) -> bool:
        """Tell whether the device is exactly the one asked for; a near relative is not.

        Clouds report device memory in GiB (A100: 40) or in what is left of the nominal GB (L4: 22.35 GiB
        are 24 GB), so a size matches when it equals the device's memory rounded in either unit.
        """
        if hardware.gpu_model is None or _key(hardware.gpu_model) != _key(self.model):
            return False
        if self.memory is None:
            return True
        size = hardware.gpu_memory
        return size is not None and self.memory in {round(size), round(size * 2**30 / 1e9)}


_MEMORY = re.compile(r"[-_ ](\d+)\s*G(?:I?B)?$")


def gpu_wish(text: str) -> GpuWish:
    """Read a GPU type such as `A100-40GB`, `NVIDIA_TESLA_T4`, `nvidia-l4` or `H100`; unknown names pass."""
    names = _names()
    wish = text.strip().upper()
    found = _MEMORY.search(wish)
    memory = int(found[1]) if found else None
    words = re.split(r"[-_ ]+", wish[: found.start()] if found else wish)
    while len(words) > 1 and words[0] in names.prefixes:
        words = words[1:]
    model = " ".join(words)
    return GpuWish(names.aliases.get(_key(model), model), memory)


def gpu_models(cloud: str) -> tuple[str, ...]:
    """Return the device names of `cloud`, sorted, for messages."""
    return tuple(sorted({item.gpu_model for item in catalog(cloud).values() if item.gpu_model}))


def _key(model: str) -> str:
    return re.sub(r"[-_ ]", "", model).upper()


@dataclass(frozen=True, slots=True)
class _Names:
    prefixes: frozenset[str]
    aliases: Mapping[str, str]


@functools.cache
def _names() -> _Names:
    document = json.loads((DATA / "gpu_names.json").read_text(encoding="utf-8"))
    return _Names(frozenset(document["prefixes"]), {_key(k): v for k, v in document["names"].items()})
