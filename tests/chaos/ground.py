"""Zones on a local cloud with queues in front of them, for a chaos run: what `pulumi up` and `sync` leave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher.api import Dispatcher
from dispatcher.contract import Contract, Zone, as_json
from localcloud import Cloud
from tests.backends.azureml import landing as azure
from tests.backends.sagemaker import landing as aws
from tests.backends.vertex import landing as gcp
from tests.chaos import census
from tests.chaos.census import Found
from tests.chaos.setting import Lane

LANES = (
    Lane("aws-wide", "aws", "ml.m5.large", 8),
    Lane("aws-narrow", "aws", "ml.m5.xlarge", 2),
    Lane("gcp-wide", "gcp", gcp.INSTANCE, 4),
    Lane("azure-wide", "azure", azure.INSTANCE, 4),
)
"""Few slots, so that jobs wait and have an order to keep."""

SERVICES = ("sagemaker", "aiplatform", "machinelearningservices")


@dataclass(frozen=True)
class Ground:
    """A local cloud with a zone of each kind."""

    cloud: Cloud
    zones: Mapping[str, Zone]

    def sync(self, dispatcher: Dispatcher, folder: Path) -> None:
        """Read the zones and queues into a ledger."""
        outputs, queues = folder / "outputs.json", folder / "chaos.queues.yaml"
        contract = Contract(1, "2026-11-21T08:00:00Z", "chaos", "none", dict(self.zones))
        outputs.write_text(json.dumps({"contract": as_json(contract)}))
        lines = [{"name": lane.queue, "zone": lane.zone, "max_running": lane.slots} for lane in LANES]
        queues.write_text(json.dumps({"queues": lines}))
        dispatcher.sync(outputs=[outputs], queues=queues, project=folder)

    def census(self) -> list[Found]:
        """Every job of every zone."""
        return [
            *census.sagemaker(self.cloud, "aws", aws.REGION),
            *census.vertex(self.cloud, "gcp", gcp.REGION),
            *census.azureml(self.cloud, "azure"),
        ]


def land(root: Path, cloud: Cloud) -> Ground:
    """Make a zone of every cloud."""
    made: dict[str, Any] = {}
    for name, kind in (("aws", aws), ("gcp", gcp), ("azure", azure)):
        (root / name).mkdir()
        made[name] = kind.land(root / name, cloud)
    (root / "image").mkdir()
    cloud.images.add("chaos", root / "image")
    cloud.settings(stop_seconds=1, check_images=False)
    return Ground(cloud, {name: landing.zone for name, landing in made.items()})
