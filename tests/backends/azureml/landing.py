"""A zone on a local Azure for the wire tests: workspace, cluster, containers, agent and execution identity."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.azureml import place
from dispatcher.backends.azureml.backend import AzureMLBackend
from dispatcher.backends.base import Request, Submission
from dispatcher.contract import AzureZone, Bucket, Buckets, Compute, Identities, Registry, Secrets
from dispatcher.job import Job, Resources
from dispatcher.queue import Queue
from localcloud.place import SUBSCRIPTION
from tests.backends.azureml.cases import NAT, PUBLIC, open_zone
from tests.backends.cases import controls
from tests.localcloud.azure import inside, stage
from tests.localcloud.azure.inside import HERE, IDENTITY
from tests.localcloud.azure.stage import Stage

INSTANCE = "Standard_D4s_v3"
AGENT = inside.resource("ManagedIdentity/userAssignedIdentities", "agent")
OURS = ("DISPATCH_AZURE_", "AZURE_", "IDENTITY_", "MSI_", "IMDS_")
"""How the names of the variables begin that lead to this cloud."""


@dataclass
class AzureLanding:
    """A cloud with a zone in it. `naps` collects what the backends waited for instead of waiting, `jobs` what was
    rendered, by the cloud name."""

    cloud: Any
    stage: Stage
    zone: AzureZone
    folder: Path
    naps: list[float]
    queue: Queue = dataclasses.field(default_factory=lambda: Queue("training", "azure-weu"))
    jobs: dict[str, Job] = dataclasses.field(default_factory=dict)
    _ids: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    @property
    def serverless(self) -> AzureZone:
        """The same workspace as a zone without a private network has it: no cluster, machines of any tier."""
        return dataclasses.replace(self.zone, network=PUBLIC, compute=())

    def backend(self, **options: Any) -> AzureMLBackend:
        """Return a backend of its own process, so to say: nothing remembered from another one."""
        given = {"user": "ada@example.org", "environment": "test", "sleep": self.naps.append, **options}
        return AzureMLBackend(given.pop("zone", self.zone), **given)

    def request(
        self, backend: Any, *script: str, job: Callable[[Job], Job] = lambda job: job, attempt: int = 1
    ) -> Request:
        """Render a job whose image holds the lines as `program.py`."""
        number = next(self._ids)
        name = f"program-{number}"
        folder = self.folder / name
        folder.mkdir()
        (folder / "program.py").write_text("\n".join(script))
        self.cloud.images.add(name, folder)
        plain = Job(
            image=name,
            command=("python", "-u", "program.py"),
            resources=Resources(instance=INSTANCE),
            max_runtime=60,
        )
        submission = Submission(f"id{number:06d}", attempt, "wire")
        request: Request = backend.render(job(plain), self.queue, submission)
        self.jobs[request.name] = job(plain)
        return request

    def calls(self, operation: str = "", service: str = "machinelearningservices") -> list[str]:
        """The operations that were called."""
        return [entry["operation"] for entry in self.cloud.requests(service, operation)]


def land(root: Path, cloud: Any, *, region: str = HERE["location"], of: str = "public") -> AzureLanding:
    """Make the zone, in a region of one of Azure's clouds."""
    made, known = stage.make(cloud, region), place.clouds()[of]
    made.ask("PUT", AGENT, {"location": region})
    client = made.ask("GET", AGENT)["properties"]["clientId"]
    buckets = [Bucket(name, f"https://acct.blob.{known.storage}/{name}") for name in stage.CONTAINERS]
    zone = open_zone(
        region=region,
        azure_cloud=of,
        subscription=SUBSCRIPTION,
        resource_group="group",
        workspace="work",
        registry=Registry("docker.io", ""),
        buckets=Buckets(*buckets),
        identities=Identities(IDENTITY, AGENT, None, made.client, client),
        secrets=Secrets(f"https://vault.{known.vault}"),
        network=NAT,
        compute=(Compute("cpu", INSTANCE, max=3),),
        controls=controls(),
    )
    (root / "programs").mkdir()
    return AzureLanding(cloud, made, zone, root / "programs", [])


@pytest.fixture(scope="module")
def azure_landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureLanding]:
    from localcloud import running

    root = tmp_path_factory.mktemp("azureml")
    with running(root / "cloud") as cloud:
        cloud.settings(stop_seconds=1)
        yield land(root, cloud)


@pytest.fixture
def azure_landing(azure_landed: AzureLanding, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureLanding]:
    """The module's zone with no fault in force, and this process pointed at it."""
    for name, value in azure_landed.cloud.environment.items():
        if name.startswith(OURS):
            monkeypatch.setenv(name, value)
    azure_landed.cloud.clear()
    azure_landed.naps.clear()
    yield azure_landed
    azure_landed.cloud.clear()
