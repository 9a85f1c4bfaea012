"""What jobs may run on. SageMaker training is serverless: nothing is built, the rules follow from data."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.placement.catalog import Hardware, catalog
from infra.aws.settings import Zone


@dataclass(frozen=True, slots=True)
class Hardwares:
    """Instance types or patterns, by how their volumes are encrypted: our key on EBS, the hardware on NVMe."""

    ebs: tuple[str, ...]
    nvme: tuple[str, ...]


def local_storage(hardware: Hardware) -> bool:
    """Whether SageMaker refuses a volume key on it; a type whose disks no source describes counts as such."""
    return hardware.local_storage is not False


def allowed(zone: Zone) -> Hardwares:
    """The types jobs may ask for: the zone's `instanceTypes`, or every family of the catalog as a pattern."""
    table = catalog("aws")
    if zone.instance_types:
        own_disks = [name for name in zone.instance_types if local_storage(table[name])]
        return Hardwares(tuple(sorted(set(zone.instance_types) - set(own_disks))), tuple(sorted(set(own_disks))))
    ebs = {_family(name) for name, hardware in table.items() if not local_storage(hardware)}
    nvme = {_family(name) for name, hardware in table.items() if local_storage(hardware)}
    # A family of both kinds would have to be told apart type by type; the data has none.
    mixed = ebs & nvme
    if mixed:
        raise ValueError(f"families with and without local storage: {', '.join(sorted(mixed))}")
    return Hardwares(tuple(sorted(ebs)), tuple(sorted(nvme)))


def _family(instance: str) -> str:
    return f"{instance.rsplit('.', 1)[0]}.*"
