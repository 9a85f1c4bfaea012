"""Zones of the three local clouds, on which jobs really run, and a dispatcher that knows one of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.contract import Contract, Zone, as_json
from tests.backends.azureml.landing import AzureLanding
from tests.backends.sagemaker.landing import Landing
from tests.backends.vertex.landing import VertexLanding


@dataclass(frozen=True)
class Ground:
    """A zone of a cloud: `field` of the call that creates a job holds its name.

    One interruption makes so many `attempts` of ours there, and so many interruptions are `told`.
    """

    cloud: Any
    zone: Zone
    instance: str
    operation: str
    field: str
    attempts: int
    told: int
    spot: Callable[[Any], bool]


def on_aws(landing: Landing) -> Ground:
    def spot(body: Any) -> bool:
        return bool(body["EnableManagedSpotTraining"])

    return Ground(landing.cloud, landing.zone, "ml.m5.large", "CreateTrainingJob", "TrainingJobName", 1, 1, spot)


def on_gcp(landing: VertexLanding) -> Ground:
    def spot(body: Any) -> bool:
        return bool(body["jobSpec"]["scheduling"]["strategy"] == "SPOT")

    return Ground(landing.cloud, landing.zone, "n2-standard-4", "CreateCustomJob", "displayName", 1, 0, spot)


def on_azure(landing: AzureLanding) -> Ground:
    def spot(body: Any) -> bool:
        return bool(body["properties"]["queueSettings"]["jobTier"] == "Spot")

    return Ground(landing.cloud, landing.serverless, "Standard_D4s_v3", "PutJob", "name", 2, 1, spot)


GROUNDS: dict[str, tuple[str, Callable[[Any], Ground]]] = {
    "aws": ("landing", on_aws),
    "gcp": ("vertex_landing", on_gcp),
    "azure": ("azure_landing", on_azure),
}


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest) -> Ground:
    fixture, made = GROUNDS[request.param]
    return made(request.getfixturevalue(fixture))


def put_image(ground: Ground, name: str, program: str, folder: Path) -> None:
    """Make an image of this name on the cloud, with the program in it as `train.py`."""
    image = folder / "image"
    image.mkdir()
    (image / "train.py").write_text(program)
    ground.cloud.images.add(name, image)


def opened(ground: Ground, folder: Path, queue: str, *, who: str = "ada", environment: str = "wire") -> Dispatcher:
    """A dispatcher with its ledger in the folder and one queue (`name: x` and more) of the zone.

    It does not wait long between two looks.
    """
    made = Dispatcher(folder / "ledger.db", environment={"USER": who}, sleep=lambda _: time.sleep(0.1))
    contract = Contract(1, "2026-11-21T08:00:00Z", environment, "none", {"wire-zone": ground.zone})
    (folder / "outputs.json").write_text(json.dumps({"contract": as_json(contract)}))
    (folder / "q.yaml").write_text(f"queues: [{{zone: wire-zone, {queue}}}]")
    made.sync(outputs=[folder / "outputs.json"], queues=folder / "q.yaml", project=folder)
    return made
