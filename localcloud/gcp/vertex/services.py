"""What Vertex AI itself does in other services for a running job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.gcp import metadata
from localcloud.gcp.state import State
from localcloud.gcp.vertex.record import CustomJob
from localcloud.place import GOOGLE, HOST, PROJECT


@dataclass(frozen=True, slots=True)
class Services:
    """Where the buckets lie as directories, and the credentials of the job's account."""

    state: State

    @property
    def buckets(self) -> Path:
        return self.state.place.google_objects / "buckets"

    def credentials(self, job: CustomJob, home: Path) -> Mapping[str, str]:
        """Variables that lead a job's programs to this cloud, and to the metadata server of its machine."""
        return {
            "DISPATCH_GCP_ENDPOINT": self.state.url + GOOGLE,
            "STORAGE_EMULATOR_HOST": f"{self.state.url}{GOOGLE}/storage",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "CLOUDSDK_CONFIG": str(home / "gcloud"),
            "NO_PROXY": f"{HOST},localhost",
            **self._metadata(str(job.spec.service_account)),
        }

    def _metadata(self, email: str) -> Mapping[str, str]:
        """Where the metadata server is; without an account of the job's own nobody is asked."""
        if not email:
            return {"NO_GCE_CHECK": "true"}
        found = metadata.host(self.state, email)
        return {"GCE_METADATA_HOST": found, "GCE_METADATA_IP": found}
