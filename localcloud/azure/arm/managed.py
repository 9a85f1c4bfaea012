"""Microsoft.ManagedIdentity, and the identities that other resources carry."""

from __future__ import annotations

import uuid
from typing import Any

from localcloud.azure.arm.authorization import IDENTITIES
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.store import Resource, Resources
from localcloud.azure.errors import bad, conflict
from localcloud.azure.state import TENANT, State

CREDENTIALS = f"{IDENTITIES}/federatedIdentityCredentials"
_MOST_CREDENTIALS = 20


def _made(state: State, resource: Resource) -> None:
    kept = resource.kept.setdefault(
        "ids", {"tenantId": TENANT, "principalId": str(uuid.uuid4()), "clientId": str(uuid.uuid4())}
    )
    resource.properties.update(kept)


def _check_credential(put: Put) -> None:
    """An issuer and a subject lead to one credential of an identity, which has 20 at most."""
    others = [
        one
        for one in put.state.store(Resources).of(CREDENTIALS, put.target.parent)
        if one.id.lower() != put.target.key
    ]
    if len(others) >= _MOST_CREDENTIALS:
        raise bad("Too many federated identity credentials exist on the managed identity: 20 are allowed.")
    wanted = put.body.get("properties") or {}
    if any(_pair(one.properties) == _pair(wanted) for one in others):
        raise conflict(
            f"Issuer and subject combination already exists for this Managed Identity: {wanted.get('issuer')}, "
            f"{wanted.get('subject')}."
        )


def _pair(properties: dict[str, Any]) -> tuple[str, str]:
    return str(properties.get("issuer")), str(properties.get("subject"))


def require(put: Put) -> None:
    """Raises AzureError when the body carries an identity that does not exist."""
    for id in carried(put.body):
        found = put.state.store(Resources).find(id)
        if found is None or found.kind != IDENTITIES:
            raise bad(f"The managed identity '{id}' was not found.", "FailedIdentityOperation")


def carried(body: dict[str, Any]) -> list[str]:
    """The ids of user-assigned identities that a resource carries."""
    return list((body.get("identity") or {}).get("userAssignedIdentities") or {})


def fill(state: State, resource: Resource) -> None:
    """Say of each carried identity who it is; give a system-assigned one its object id."""
    identity = resource.body.get("identity")
    if not isinstance(identity, dict):
        return
    users = identity.get("userAssignedIdentities") or {}
    for id in users:
        if found := state.store(Resources).find(id):
            users[id] = {key: found.properties[key] for key in ("principalId", "clientId")}
    if "SystemAssigned" in str(identity.get("type")):
        own = resource.kept.setdefault("principal", str(uuid.uuid4()))
        identity.update({"principalId": own, "tenantId": TENANT})


KINDS = {
    IDENTITIES: Kind(made=_made, versions=("2024-11-30",)),
    CREDENTIALS: Kind(check=_check_credential, versions=("2024-11-30",)),
}
