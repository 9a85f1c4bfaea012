"""One zone as seen from outside: its contract, and what the APIs of the cloud it lies on answer about it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.contract import GcpZone
from localcloud import Cloud
from tests.engine.clients import google, listed

# Everything a policy of this version may hold; without it, conditions are left out of the answer.
_VERSION = 3

Binding = Mapping[str, Any]
Thing = Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """A zone of a stack that is up on `cloud`, where nothing else of a user lives."""

    cloud: Cloud
    zone: GcpZone

    def get(self, service: str, path: str, **query: str) -> dict[str, Any]:
        """One answer of an API."""
        return google(self.cloud, service, path, query)

    def every(self, service: str, path: str, where: str, **query: str) -> list[Thing]:
        """Everything that a list of an API holds."""
        return listed(self.cloud, service, path, where, query)

    @property
    def project(self) -> str:
        """`projects/<id>`."""
        return f"projects/{self.zone.project}"

    @property
    def place(self) -> str:
        """`projects/<id>/locations/<region>`."""
        return f"{self.project}/locations/{self.zone.region}"

    @functools.cached_property
    def buckets(self) -> list[Thing]:
        """Every bucket of the project."""
        return self.every("storage", "/storage/v1/b", "items", project=self.zone.project, projection="full")

    @functools.cached_property
    def keys(self) -> list[Thing]:
        """Every key of every ring in the zone's region that can still encrypt."""
        rings = self.every("cloudkms", f"/v1/{self.place}/keyRings", "keyRings")
        found = (self.every("cloudkms", f"/v1/{ring['name']}/cryptoKeys", "cryptoKeys") for ring in rings)
        return [key for keys in found for key in keys if key.get("primary", {}).get("state") == "ENABLED"]

    @functools.cached_property
    def repository(self) -> Thing:
        """The repository of the contract."""
        return self.get("artifactregistry", f"/v1/{self.zone.registry.id}")

    @functools.cached_property
    def accounts(self) -> list[Thing]:
        """Every service account that users of the project have made."""
        return self.every("iam", f"/v1/{self.project}/serviceAccounts", "accounts")

    @functools.cached_property
    def log_buckets(self) -> list[Thing]:
        """The log buckets that somebody made: the cloud's own cannot be deleted or given a key of ours."""
        found = self.every("logging", f"/v2/{self.project}/locations/-/buckets", "buckets")
        return [
            bucket
            for bucket in found
            if bucket["name"].rpartition("/")[2] not in ("_Default", "_Required")
            and bucket.get("lifecycleState", "ACTIVE") == "ACTIVE"
        ]

    @functools.cached_property
    def policy(self) -> Mapping[str, Any]:
        """The project's policy: its bindings, and which access to data is recorded (`auditConfigs`)."""
        asked = {"options": {"requestedPolicyVersion": _VERSION}}
        return google(self.cloud, "cloudresourcemanager", f"/v1/{self.project}:getIamPolicy", body=asked)

    def bindings(self, what: str) -> list[Binding]:
        """Who holds which role on a bucket, key, repository, account (by e-mail) or the project (`project`)."""
        version = {"options.requestedPolicyVersion": str(_VERSION)}
        if what == "project":
            found: Mapping[str, Any] = self.policy
        elif "/cryptoKeys/" in what:
            found = self.get("cloudkms", f"/v1/{what}:getIamPolicy", **version)
        elif "/repositories/" in what:
            found = self.get("artifactregistry", f"/v1/{what}:getIamPolicy", **version)
        elif "@" in what:
            name = f"{self.project}/serviceAccounts/{what}"
            found = google(self.cloud, "iam", f"/v1/{name}:getIamPolicy", body={"options": {}})
        else:
            found = self.get("storage", f"/storage/v1/b/{what}/iam", optionsRequestedPolicyVersion=str(_VERSION))
        return list(found.get("bindings", []))

    @functools.cached_property
    def everything(self) -> list[str]:
        """What `bindings` can be asked of in this zone."""
        keys = [key["name"] for key in self.keys]
        accounts = [account["email"] for account in self.accounts]
        buckets = [bucket["name"] for bucket in self.buckets]
        return ["project", self.zone.registry.id, *keys, *accounts, *buckets]

    def granted(self, email: str) -> Iterator[tuple[str, str, Binding]]:
        """`(thing, permission, binding)` of everything that a service account holds anywhere in the zone."""
        for what in self.everything:
            for binding in self.bindings(what):
                if f"serviceAccount:{email}" in binding["members"]:
                    for permission in self.permissions(binding["role"]):
                        yield what, permission, binding

    @functools.cached_property
    def _roles(self) -> Mapping[str, list[str]]:
        found = self.every("iam", f"/v1/{self.project}/roles", "roles", view="FULL")
        return {role["name"]: role["includedPermissions"] for role in found}

    def permissions(self, role: str) -> list[str]:
        """The permissions of a role of the project's own; one of Google's stands for itself."""
        return self._roles.get(role, [role])

    def compute(self, where: str) -> list[Thing]:
        """A list of compute: `global/networks`, `regions/<region>/subnetworks`, ..."""
        return self.every("compute", f"/compute/v1/{self.project}/{where}", "items")

    @property
    def near(self) -> str:
        """`regions/<region>`."""
        return f"regions/{self.zone.region}"

    @functools.cached_property
    def subnetworks(self) -> list[Thing]:
        """The subnetworks of the zone's network."""
        return [one for one in self.compute(f"{self.near}/subnetworks") if self.in_network(one["network"])]

    @functools.cached_property
    def firewalls(self) -> list[Thing]:
        """The firewall rules of the zone's network."""
        return [one for one in self.compute("global/firewalls") if self.in_network(one["network"])]

    def in_network(self, link: str) -> bool:
        """Whether a link of compute is the zone's network."""
        return bool(self.zone.network.ids.network) and link.endswith(str(self.zone.network.ids.network))
