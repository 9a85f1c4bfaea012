"""Zones on a local cloud with queues in front of them, for a chaos run: what `pulumi up` and `sync` leave."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
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
from tests.localcloud.azure.inside import WORKSPACE, api_version

QUEUES = """
queues:
  - {name: aws-wide, zone: aws, max_running: 6}
  - {name: aws-narrow, zone: aws, max_running: 2}
  - {name: gcp-wide, zone: gcp, max_running: 3}
  - {name: azure-wide, zone: azure, max_running: 3}
"""

INSTANCES = {
    "aws-wide": "ml.m5.large",
    "aws-narrow": "ml.m5.xlarge",
    "gcp-wide": gcp.INSTANCE,
    "azure-wide": azure.INSTANCE,
}
"""The machine type that jobs of a queue ask for."""

SERVICES = ("sagemaker", "aiplatform", "machinelearningservices")


@dataclass(frozen=True)
class Ground:
    """A local cloud with a zone of each kind, and how to name every job in each."""

    cloud: Cloud
    zones: Mapping[str, Zone]
    names: Mapping[str, Callable[[], Iterator[str]]]

    def sync(self, dispatcher: Dispatcher, folder: Path) -> None:
        """Read the zones and queues into a ledger."""
        outputs, queues = folder / "outputs.json", folder / "chaos.queues.yaml"
        contract = Contract(1, "2026-11-21T08:00:00Z", "chaos", "none", dict(self.zones))
        outputs.write_text(json.dumps({"contract": as_json(contract)}))
        queues.write_text(QUEUES)
        dispatcher.sync(outputs=[outputs], queues=queues, project=folder)

    def census(self, dispatcher: Dispatcher) -> list[Found]:
        """Every job of every zone."""
        found: list[Found] = []
        with _surrounded(self.cloud.environment):
            for queue in ("aws-wide", "gcp-wide", "azure-wide"):
                line = dispatcher.queue(queue)
                zone = line.queue.zone
                found += census.observed(zone, list(self.names[zone]()), dispatcher.backend(line))
        return found


@contextlib.contextmanager
def _surrounded(environment: Mapping[str, str]) -> Iterator[None]:
    """The vendors' clients read the environment of their process, and nothing else."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def land(root: Path, cloud: Cloud) -> Ground:
    """Make a zone of every cloud."""
    made: dict[str, Any] = {}
    for name, kind in (("aws", aws), ("gcp", gcp), ("azure", azure)):
        (root / name).mkdir()
        made[name] = kind.land(root / name, cloud)
    (root / "image").mkdir()
    cloud.images.add("chaos", root / "image")
    cloud.settings(stop_seconds=1, check_images=False)
    return Ground(
        cloud,
        {name: landing.zone for name, landing in made.items()},
        {
            "aws": lambda: census.sagemaker(cloud, aws.REGION),
            "gcp": lambda: census.vertex(cloud, gcp.REGION),
            "azure": lambda: census.azureml(cloud, WORKSPACE, api_version(f"{WORKSPACE}/jobs")),
        },
    )
