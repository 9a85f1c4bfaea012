"""What Vertex AI itself does in other services for a running job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.gcp import key
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
        """Variables that lead a job's programs to this cloud, as its account; the key file goes into `home`.

        On Google's machines clients ask the metadata server who they are. Here they are told by a file.
        """
        file = home / "google-account.json"
        if email := job.spec.service_account:
            key.lend(self.state.place, self.state.url, email, file)
        return {
            "DISPATCH_GCP_ENDPOINT": self.state.url + GOOGLE,
            "STORAGE_EMULATOR_HOST": f"{self.state.url}{GOOGLE}/storage",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "CLOUDSDK_CONFIG": str(home / "gcloud"),
            "NO_GCE_CHECK": "true",
            "NO_PROXY": f"{HOST},localhost",
        } | ({"GOOGLE_APPLICATION_CREDENTIALS": str(file)} if file.exists() else {})
