"""A zone on a local Google Cloud for the wire tests: agent and execution account, buckets, key, registry."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from dispatcher.backends.base import Request, Submission
from dispatcher.backends.vertex.backend import VertexBackend
from dispatcher.contract import (
    Bucket,
    Buckets,
    GcpNetwork,
    GcpNetworkIds,
    GcpZone,
    Identities,
    Keys,
    Registry,
    Secrets,
)
from dispatcher.job import Job, Resources
from dispatcher.queue import Queue
from localcloud.gcp.vertex.world import AGENT
from localcloud.place import NUMBER, PROJECT
from tests.backends.cases import controls
from tests.backends.vertex.cases import open_zone

REGION = "us-central1"
INSTANCE = "n2-standard-4"
SERVICES = ("aiplatform", "artifactregistry", "cloudkms", "compute", "iam", "iamcredentials", "storage")
USES = ("data", "output", "checkpoints", "staging")
OURS = ("DISPATCH_GCP_", "GOOGLE_", "CLOUDSDK_", "STORAGE_EMULATOR_", "NO_GCE_")
"""How the names of the variables begin that lead to this cloud."""


@dataclass
class VertexLanding:
    """A cloud with a zone in it. `naps` collects what the backends waited for instead of waiting."""

    cloud: Any
    zone: GcpZone
    folder: Path
    naps: list[float]
    _ids: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def backend(self, **options: Any) -> VertexBackend:
        """Return a backend of its own process, so to say: nothing remembered from another one."""
        given = {"user": "ada@example.org", "environment": "test", "sleep": self.naps.append, **options}
        return VertexBackend(given.pop("zone", self.zone), **given)

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
        request: Request = backend.render(job(plain), Queue("training", "gcp-usc1"), submission)
        return request

    def call(self, path: str, body: object = None, method: str | None = None) -> dict[str, Any]:
        """Make one REST call as somebody else; `path` is `<service>/<the API's real path>`."""
        return cast("dict[str, Any]", self.cloud.google(method or ("GET" if body is None else "POST"), path, body))

    def calls(self, operation: str = "") -> list[str]:
        """The operations of Vertex AI that were called."""
        return [entry["operation"] for entry in self.cloud.requests("aiplatform", operation)]

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """What Vertex AI holds under a display name."""
        found = self.call(f"aiplatform/v1/projects/{PROJECT}/locations/{REGION}/customJobs").get("customJobs", [])
        return [job for job in found if job["displayName"] == name]


def land(root: Path, cloud: Any) -> VertexLanding:
    """Make the zone."""

    def make(path: str, body: object) -> Any:
        return cloud.google("POST", path, body)

    services = [f"{name}.googleapis.com" for name in SERVICES]
    make(f"serviceusage/v1/projects/{PROJECT}/services:batchEnable", {"serviceIds": services})
    make(f"serviceusage/v1beta1/projects/{PROJECT}/services/aiplatform.googleapis.com:generateServiceIdentity", {})
    accounts = {
        name: make(f"iam/v1/projects/{PROJECT}/serviceAccounts", {"accountId": f"wire-{name}"})["email"]
        for name in ("agent", "execution")
    }
    for use in USES:
        bucket = {"name": f"wire-gcs-{use}", "location": REGION.upper()}
        make(f"storage/storage/v1/b?project={PROJECT}", bucket)
    where = f"projects/{PROJECT}/locations/{REGION}"
    make(f"cloudkms/v1/{where}/keyRings?keyRingId=wire", {})
    ring = f"{where}/keyRings/wire"
    make(f"cloudkms/v1/{ring}/cryptoKeys?cryptoKeyId=data", {"purpose": "ENCRYPT_DECRYPT"})
    key = f"{ring}/cryptoKeys/data"
    binding = {"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": [f"serviceAccount:{AGENT}"]}
    make(f"cloudkms/v1/{key}:setIamPolicy", {"policy": {"bindings": [binding]}})
    make(f"artifactregistry/v1/{where}/repositories?repositoryId=wire-images", {"format": "DOCKER"})
    buckets = [Bucket(f"wire-gcs-{use}", f"gs://wire-gcs-{use}") for use in USES]
    zone = open_zone(
        region=REGION,
        project=PROJECT,
        project_number=NUMBER,
        registry=Registry(f"{REGION}-docker.pkg.dev/{PROJECT}/wire-images", f"{where}/repositories/wire-images"),
        buckets=Buckets(*buckets),
        keys=Keys(key, key, key),
        identities=Identities(accounts["execution"], accounts["agent"]),
        secrets=Secrets("gcp-usc1"),
        network=GcpNetwork("public", "nat", GcpNetworkIds()),
        controls=controls(),
    )
    (root / "programs").mkdir()
    return VertexLanding(cloud, zone, root / "programs", [])


@pytest.fixture(scope="module")
def vertex_landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VertexLanding]:
    from localcloud import running

    root = tmp_path_factory.mktemp("vertex")
    with running(root / "cloud") as cloud:
        cloud.settings(stop_seconds=1)
        yield land(root, cloud)


@pytest.fixture
def vertex_landing(vertex_landed: VertexLanding, monkeypatch: pytest.MonkeyPatch) -> Iterator[VertexLanding]:
    """The module's zone with no fault in force, and this process pointed at it."""
    for name, value in vertex_landed.cloud.environment.items():
        if name.startswith(OURS):
            monkeypatch.setenv(name, value)
    vertex_landed.cloud.clear()
    vertex_landed.naps.clear()
    yield vertex_landed
    vertex_landed.cloud.clear()
