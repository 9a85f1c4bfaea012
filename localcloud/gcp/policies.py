"""IAM policies: read, changed and written back with an etag; members that do not exist are refused."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.accounts import ServiceAccounts
from localcloud.gcp.agents import Agents
from localcloud.gcp.api import Request
from localcloud.gcp.documents import Documents
from localcloud.gcp.errors import GoogleError, invalid
from localcloud.gcp.names import canonical
from localcloud.gcp.state import NUMBER, PROJECT, State

Policy = dict[str, Any]
OURS = re.compile(rf"[^@]+@{PROJECT}\.iam\.gserviceaccount\.com|{NUMBER}-compute@developer\.gserviceaccount\.com")
AGENT = re.compile(rf"(?:service-|cmek-p){NUMBER}@[a-z0-9.-]+\.gserviceaccount\.com")
TYPES = re.compile(
    r"(?:user|group|domain|serviceAccount|deleted|projectOwner|projectEditor|projectViewer):.+"
    r"|(?:principal|principalSet)://.+|allUsers|allAuthenticatedUsers"
)


@dataclass
class Policies:
    """Policies by full resource name, such as `//cloudkms.googleapis.com/projects/p/...`."""

    state: State
    by_name: dict[str, Policy] = field(default_factory=dict)
    written: int = 0

    def get(self, name: str) -> Policy:
        return copy.deepcopy(self.by_name.get(name) or {"version": 1, "etag": "ACAB"})

    def put(self, name: str, policy: Mapping[str, Any]) -> Policy:
        """Replaces a policy. Raises GoogleError for an etag that is not the present one and for wrong bindings."""
        present, sent = self.get(name), policy.get("etag")
        if sent and sent != present["etag"]:
            raise GoogleError(
                "ABORTED",
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential "
                f"backoff. The request's ETag '{sent}' did not match the current policy's ETag "
                f"'{present['etag']}'.",
            )
        bindings = [dict(one) for one in policy.get("bindings", []) if one.get("members")]
        check(self.state, bindings)
        if any(one.get("condition") for one in bindings) and int(policy.get("version") or 0) != 3:
            raise invalid("Policies with conditional role bindings must specify version 3.")
        self.written += 1
        kept: Policy = {"version": 3 if any(one.get("condition") for one in bindings) else 1}
        kept |= {"etag": base64.b64encode(b"BwY" + self.written.to_bytes(5, "big")).decode(), "bindings": bindings}
        if policy.get("auditConfigs"):
            kept["auditConfigs"] = copy.deepcopy(policy["auditConfigs"])
        self.by_name[name] = kept
        return copy.deepcopy(kept)

    def grants(self, name: str, member: str) -> set[str]:
        """The roles that a member has on a resource itself, conditions not looked at."""
        return {one["role"] for one in self.get(name).get("bindings", []) if member in one["members"]}

    def forget(self, email: str, unique: str) -> None:
        """Marks an account as deleted wherever it is a member, as IAM does."""
        old, new = f"serviceAccount:{email}", f"deleted:serviceAccount:{email}?uid={unique}"
        for policy in self.by_name.values():
            for binding in policy.get("bindings", []):
                binding["members"] = [new if one == old else one for one in binding["members"]]


def check(state: State, bindings: list[dict[str, Any]]) -> None:
    """Raises GoogleError for members that do not exist and for custom roles that do not."""
    for binding in bindings:
        role = str(binding.get("role", ""))
        if role.startswith("projects/"):
            found = state.store(Documents).find("iam", canonical(role))
            if found is None or found.get("deleted"):
                raise invalid(f"Role {role} is not supported for this resource.")
        elif not re.fullmatch(r"(?:organizations/\d+/)?roles/[\w.]+", role):
            raise invalid(f"Role {role} is not supported for this resource.")
        for member in binding["members"]:
            if not TYPES.fullmatch(member):
                raise invalid(
                    f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
                )
            kind, _, email = member.partition(":")
            if kind == "serviceAccount" and not _there(state, email):
                raise invalid(f"Service account {email} does not exist.")


def _there(state: State, email: str) -> bool:
    if AGENT.fullmatch(email):
        return email in state.store(Agents).existing
    return not OURS.fullmatch(email) or state.store(ServiceAccounts).find(email) is not None


def methods(
    service: str, there: Callable[[State, str], object], variable: str = "resource"
) -> tuple[Callable[..., object], Callable[..., object], Callable[..., object]]:
    """getIamPolicy, setIamPolicy and testIamPermissions; `there` raises when the resource is not."""

    def name(request: Request) -> str:
        return canonical(request.names[variable])

    def get(state: State, request: Request) -> object:
        with state.lock:
            there(state, request.names[variable])
            return state.store(Policies).get(f"//{service}.googleapis.com/{name(request)}")

    def set(state: State, request: Request) -> object:
        with state.lock:
            there(state, request.names[variable])
            policy = request.body.get("policy") or {}
            return state.store(Policies).put(f"//{service}.googleapis.com/{name(request)}", policy)

    def test(state: State, request: Request) -> object:
        with state.lock:
            there(state, request.names[variable])
        return {"permissions": request.body.get("permissions", [])}

    return get, set, test
