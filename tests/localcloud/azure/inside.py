"""The local Azure without a server: calls go to it directly, and time passes when a test says so."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.azure.front import Azure
from localcloud.place import AZURE, SUBSCRIPTION, TENANT, Place
from localcloud.server.wire import Answer, Call
from localcloud.state import State

Json = dict[str, Any]
URL = "http://127.0.0.1:1"
SUBSCRIPTION_ID = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SUBSCRIPTION_ID}/resourceGroups/group"
HERE: Json = {"location": "westeurope"}
VERSIONS = {
    "Microsoft.Resources/resourceGroups": "2024-03-01",
    "Microsoft.Resources/subscriptions": "2022-12-01",
}


@dataclass
class Clock:
    """Seconds since 1970 that pass only when told to."""

    now: float = 1_800_000_000.0
    ticks: Iterator[int] = field(default_factory=itertools.count)

    def __call__(self) -> float:
        # No two things happen at the same time, as on a real clock.
        return self.now + next(self.ticks) * 1e-6


@dataclass
class Local:
    """`ask` gives status and document, `made` what a right request made."""

    azure: Azure
    clock: Clock

    @property
    def state(self) -> State:
        return self.azure.state

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"content-type": "application/json", "authorization": "Bearer testing"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        return self.azure.visit(
            Call(method, f"{AZURE}{path}", "127.0.0.1:1", tuple(given.items()), content)
        ).serve()

    def ask(
        self, method: str, id: str, body: object = None, version: str = "", **headers: str
    ) -> tuple[int, Json]:
        """Ask Resource Manager; the api-version is the type's unless one is given."""
        path, _, query = id.partition("?")
        answer = self.call(
            method, f"/arm{path}?{query}&api-version={version or api_version(path)}", body, **headers
        )
        return answer.status, json.loads(answer.body or b"null")

    def made(self, id: str, body: Json) -> Json:
        """PUT what is right, and return it as a GET answers it afterwards."""
        status, document = self.ask("PUT", id, body)
        assert status in (200, 201, 202), document
        return self.got(id)

    def got(self, id: str) -> Json:
        status, document = self.ask("GET", id)
        assert status == 200, document
        return document

    def refused(self, method: str, id: str, body: object = None, version: str = "", **headers: str) -> Json:
        """The error of a request that is not done: status, code and message."""
        status, document = self.ask(method, id, body, version, **headers)
        assert status >= 400, document
        error: Json = document["error"]
        return {"status": status, **error}

    def register(self, *namespaces: str) -> None:
        for name in namespaces:
            at = f"{SUBSCRIPTION_ID}/providers/Microsoft.{name}"
            self.ask("POST", f"{at}/register", version="2021-04-01")
            self.ask("GET", at, version="2021-04-01")


def api_version(path: str) -> str:
    """The api-version of the type that a path is about."""
    from localcloud.azure import types
    from localcloud.azure.arm import ids

    target = ids.understand(path)
    known = types.find(target.kind) if target else None
    return known.version if known else "2022-12-01"


def local(root: Path) -> Local:
    """A new subscription with a resource group `group`, and nothing else."""
    clock = Clock()
    place = Place(root)
    place.prepare()
    made = Local(Azure(State(place, URL, clock, secret="known to this place")), clock)
    assert made.ask("PUT", GROUP, HERE)[0] == 201
    return made


def resource(kind: str, name: str) -> str:
    """The id of a resource of the group, such as `resource("Storage/storageAccounts", "acct")`."""
    return f"{GROUP}/providers/Microsoft.{kind}/{name}"


ACCOUNT = resource("Storage/storageAccounts", "acct")
VAULT = resource("KeyVault/vaults", "vault")
IDENTITY = resource("ManagedIdentity/userAssignedIdentities", "execution")
LOGS = resource("OperationalInsights/workspaces", "logs")
INSIGHTS = resource("Insights/components", "insights")
WORKSPACE = resource("MachineLearningServices/workspaces", "work")
NETWORK = resource("Network/virtualNetworks", "network")
BODIES: dict[str, Json] = {
    IDENTITY: HERE,
    ACCOUNT: HERE | {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}},
    VAULT: HERE
    | {
        "properties": {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "standard"},
            "enablePurgeProtection": True,
            "enableRbacAuthorization": True,
        }
    },
    LOGS: HERE | {"properties": {}},
    INSIGHTS: HERE | {"kind": "web", "properties": {"Application_Type": "web", "WorkspaceResourceId": LOGS}},
    WORKSPACE: HERE
    | {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {"storageAccount": ACCOUNT, "keyVault": VAULT, "applicationInsights": INSIGHTS},
    },
    NETWORK: HERE | {"properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
}
"""Bodies that are right, by id; those before make what those after need."""


def furnished(root: Path) -> Local:
    """A group with a workspace and all that it needs."""
    made = local(root)
    made.register(
        "ManagedIdentity", "Storage", "KeyVault", "OperationalInsights", "Insights", "MachineLearningServices",
        "ContainerRegistry", "Network",
    )  # fmt: skip
    for id, body in BODIES.items():
        made.made(id, body)
    return made
