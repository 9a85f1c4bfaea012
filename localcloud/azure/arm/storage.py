"""Microsoft.Storage: accounts, what they are encrypted with, and their containers."""

from __future__ import annotations

from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm import keyvault
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.managed import carried
from localcloud.azure.arm.store import Resource, Resources, written
from localcloud.azure.blob.containers import Containers
from localcloud.azure.errors import bad, conflict
from localcloud.azure.state import State

ACCOUNTS = "Microsoft.Storage/storageAccounts"
BLOBS = f"{ACCOUNTS}/blobServices"
FILES = f"{ACCOUNTS}/fileServices"
QUEUES, TABLES = f"{ACCOUNTS}/queueServices", f"{ACCOUNTS}/tableServices"
CONTAINERS = f"{BLOBS}/containers"
POLICIES = f"{ACCOUNTS}/managementPolicies"
_FACES = {"blob": "blob", "dfs": "dfs", "file": "file", "queue": "queue", "table": "table", "web": "z6.web"}


def account(state: State, name: str) -> Resource | None:
    """The account of a name; names are unique in the world."""
    return next((one for one in state.store(Resources).of(ACCOUNTS) if one.name == name), None)


def container(state: State, account_name: str, name: str) -> Resource | None:
    """The container of an account."""
    found = account(state, account_name)
    return state.store(Resources).find(container_id(found, name)) if found else None


def container_id(of: Resource, name: str) -> str:
    return f"{of.id}/blobServices/default/containers/{name}"


def add_container(state: State, of: Resource, name: str) -> Resource:
    """A container that somebody made on the data plane, or a service for itself."""
    made = state.store(Resources).add(container_id(of, name), CONTAINERS, name, {"properties": {}})
    _made_container(state, made)
    return made


def _check_account(put: Put) -> None:
    other = account(put.state, put.target.name)
    if other is not None and other is not put.old:
        raise conflict(
            f"The storage account named {put.target.name} is already taken.", "StorageAccountAlreadyTaken"
        )
    properties = put.body.setdefault("properties", {})
    encryption = properties.get("encryption") or {}
    if encryption.get("keySource") == "Microsoft.Keyvault":
        _require_key(put, encryption)
    old = put.old.properties if put.old else {}
    before = (old.get("encryption") or {}).get("requireInfrastructureEncryption")
    if put.old and before is not None and before != encryption.get("requireInfrastructureEncryption", before):
        raise bad(
            "The property 'requireInfrastructureEncryption' was specified in the input, but it cannot be updated.",
            "PropertyNotUpdatable",
        )


def _require_key(put: Put, encryption: dict[str, Any]) -> None:
    user = (encryption.get("identity") or {}).get("userAssignedIdentity")
    if user and user.lower() not in [id.lower() for id in carried(put.body)]:
        raise bad(
            "The user-assigned identity of the encryption is not among the identities of the account.",
            "InvalidRequestPropertyValue",
        )
    wanted = encryption.get("keyvaultproperties") or {}
    uri = f"{str(wanted.get('keyvaulturi')).rstrip('/')}/keys/{wanted.get('keyname')}"
    keyvault.require_key(put.state, uri)


def _made_account(state: State, resource: Resource) -> None:
    name, properties, suffix = resource.name, resource.properties, clouds.of(resource.location).storage
    properties |= {
        "provisioningState": "Succeeded",
        "creationTime": written(resource.created),
        "primaryLocation": resource.location,
        "statusOfPrimary": "available",
        "primaryEndpoints": {face: f"https://{name}.{host}.{suffix}/" for face, host in _FACES.items()},
    }
    encryption = properties.setdefault("encryption", {"keySource": "Microsoft.Storage"})
    for service in ("blob", "file"):
        encryption.setdefault("services", {}).setdefault(service, {"enabled": True, "keyType": "Account"})
    if isinstance(wanted := encryption.get("keyvaultproperties"), dict) and (
        key := keyvault.find_key(state, f"{str(wanted['keyvaulturi']).rstrip('/')}/keys/{wanted['keyname']}")
    ):
        wanted["currentVersionedKeyIdentifier"] = key.properties["keyUriWithVersion"]
    resource.body.setdefault("sku", {})["tier"] = str(resource.body["sku"]["name"]).partition("_")[0]
    properties.setdefault("networkAcls", {"bypass": "AzureServices", "defaultAction": "Allow"})
    for kind in (BLOBS, FILES, QUEUES, TABLES):  # a StorageV2 account has all four from the start
        id = f"{resource.id}/{kind.rpartition('/')[2]}/default"
        if state.store(Resources).find(id) is None:
            state.store(Resources).add(id, kind, "default", {"properties": {}})


def _leave_account(state: State, resource: Resource) -> None:
    state.store(Containers).drop(resource.name)


def _only_default(put: Put) -> None:
    if put.target.name != "default":
        raise bad(f"The name '{put.target.name}' is not 'default', which is the only one.", "InvalidResourceName")


def _check_policy(put: Put) -> None:
    _only_default(put)
    rules = put.body["properties"]["policy"]["rules"]
    names = [rule["name"] for rule in rules]
    if len(set(names)) < len(names):
        raise bad("The rule names of a management policy have to be unique.", "InvalidRequestPropertyValue")


def _made_policy(state: State, resource: Resource) -> None:
    resource.properties["lastModifiedTime"] = written(resource.changed)


def _made_container(state: State, resource: Resource) -> None:
    state.store(Containers).of(resource.id.split("/storageAccounts/")[1].partition("/")[0], resource.name)
    resource.properties.update(
        {
            "publicAccess": resource.properties.get("publicAccess", "None"),
            "lastModifiedTime": written(resource.changed),
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
            "hasImmutabilityPolicy": False,
            "hasLegalHold": False,
            "defaultEncryptionScope": "$account-encryption-key",
            "denyEncryptionScopeOverride": False,
        }
    )


def _leave_container(state: State, resource: Resource) -> None:
    state.store(Containers).drop(resource.id.split("/storageAccounts/")[1].partition("/")[0], resource.name)


KINDS = {
    ACCOUNTS: Kind(
        check=_check_account, made=_made_account, leave=_leave_account, slow=frozenset({"PUT"}), accepted=True
    ),
    BLOBS: Kind(check=_only_default),
    **dict.fromkeys((FILES, QUEUES, TABLES), Kind(check=_only_default)),
    CONTAINERS: Kind(made=_made_container, leave=_leave_container),
    POLICIES: Kind(check=_check_policy, made=_made_policy),
}
