"""Whether an agent may use a customer's key, as services ask before they keep anything under it."""

from __future__ import annotations

import re

from localcloud.gcp.documents import Documents
from localcloud.gcp.errors import GoogleError, invalid, not_found
from localcloud.gcp.names import canonical
from localcloud.gcp.policies import Policies
from localcloud.gcp.state import PROJECT, State

KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
ROLES = frozenset({"roles/cloudkms.cryptoKeyEncrypterDecrypter"})
PERMISSIONS = frozenset({"cloudkms.cryptoKeyVersions.useToEncrypt", "cloudkms.cryptoKeyVersions.useToDecrypt"})


def require(state: State, agent: str, key: str, refusal: GoogleError, location: str = "") -> None:
    """Raises `refusal` unless the agent may encrypt and decrypt with the key.

    Raises GoogleError of its own for a key that is none, is not there, or is in another place than `location`.
    """
    found = KEY.fullmatch(key)
    if found is None:
        raise invalid(f"The Cloud KMS key name {key!r} is not valid.")
    if location and found[1] != location.lower():
        raise invalid(f"The Cloud KMS key {key} is in location {found[1]}, not in {location.lower()}.")
    name = canonical(key)
    with state.lock:
        document = state.store(Documents).find("cloudkms", name)
        if document is None:
            raise not_found(f"CryptoKey {name} not found.")
        ring = name.partition("/cryptoKeys/")[0]
        resources = [f"//cloudkms.googleapis.com/{name}", f"//cloudkms.googleapis.com/{ring}"]
        resources.append(f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}")
        policies, member = state.store(Policies), f"serviceAccount:{agent}"
        held = {role for one in resources for role in policies.grants(one, member)}
        if not any(_suffices(state, role) for role in held):
            raise refusal


def _suffices(state: State, role: str) -> bool:
    custom = state.store(Documents).find("iam", role) or {}
    return role in ROLES or set(custom.get("includedPermissions", ())) >= PERMISSIONS
