"""What else exists in the project, asked of the other services' stores: the rules of custom jobs need it."""

from __future__ import annotations

import re
from typing import Protocol

from localcloud.gcp import cmek
from localcloud.gcp.accounts import ServiceAccounts
from localcloud.gcp.compute_state import Things
from localcloud.gcp.documents import Documents
from localcloud.gcp.errors import GoogleError
from localcloud.gcp.state import State, is_project
from localcloud.gcp.storage.buckets import Buckets
from localcloud.place import NUMBER, PROJECT

AGENT = f"service-{NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"
"""The service agent of Vertex AI: who pulls images and encrypts with a job's key."""


class World(Protocol):
    """The questions the rules ask."""

    def account(self, email: str) -> bool: ...

    def bucket(self, name: str) -> bool: ...

    def key_problem(self, name: str, location: str) -> str:
        """Why Vertex AI cannot encrypt with a key; empty when it can."""
        ...

    def network(self, name: str) -> bool: ...

    def attachment(self, region: str, name: str) -> bool: ...

    def repository(self, location: str, project: str, name: str) -> bool | None:
        """None for another project's, which cannot be seen."""
        ...


class Stores:
    """A World that is what the local cloud holds."""

    def __init__(self, state: State) -> None:
        self._state = state

    def account(self, email: str) -> bool:
        with self._state.lock:
            return self._state.store(ServiceAccounts).find(email) is not None

    def bucket(self, name: str) -> bool:
        with self._state.lock:
            return name in self._state.store(Buckets).buckets

    def key_problem(self, name: str, location: str) -> str:
        lacking = GoogleError(
            "PERMISSION_DENIED",
            f"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied for {AGENT} on Cloud KMS key {name}.",
        )
        try:
            cmek.require(self._state, AGENT, name, lacking, location)
        except GoogleError as problem:
            return problem.message
        return ""

    def network(self, name: str) -> bool:
        return self._thing(f"projects/{PROJECT}/global/networks/{name}")

    def attachment(self, region: str, name: str) -> bool:
        return self._thing(f"projects/{PROJECT}/regions/{region}/networkAttachments/{name}")

    def _thing(self, path: str) -> bool:
        with self._state.lock:
            return path in self._state.store(Things).by_path

    def repository(self, location: str, project: str, name: str) -> bool | None:
        if not is_project(project):
            return None
        path = f"projects/{PROJECT}/locations/{location}/repositories/{name}"
        with self._state.lock:
            return self._state.store(Documents).find("artifactregistry", path) is not None


def bucket_of(uri: str) -> str | None:
    """The bucket of a gs:// URI; None when it is none."""
    found = re.fullmatch(r"gs://([a-z0-9][a-z0-9._-]+)(?:/.*)?", uri)
    return found[1] if found else None
