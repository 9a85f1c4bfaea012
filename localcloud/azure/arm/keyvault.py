"""Microsoft.KeyVault: vaults, whose names stay taken after deletion, with their keys and secrets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.store import Document, Resource, Resources, written
from localcloud.azure.errors import AzureError, bad, conflict, missing
from localcloud.azure.plane import Request, Route
from localcloud.azure.state import SUBSCRIPTION, TENANT, State

VAULTS = "Microsoft.KeyVault/vaults"
KEYS = f"{VAULTS}/keys"
SECRETS = f"{VAULTS}/secrets"
_DAY = 86_400.0
_OTHER_KEPT = 90


@dataclass
class Deleted:
    """A vault that can be recovered until it is purged. Times are seconds since 1970."""

    vault: Resource
    inside: list[Resource]
    gone: float

    @property
    def purged(self) -> float:
        return self.gone + _DAY * float(self.vault.properties.get("softDeleteRetentionInDays", _OTHER_KEPT))


@dataclass
class DeletedVaults:
    """Deleted vaults by name."""

    state: State
    by_name: dict[str, Deleted] = field(default_factory=dict)

    def find(self, name: str) -> Deleted | None:
        """A deleted vault whose name is still taken."""
        found = self.by_name.get(name.lower())
        if found is not None and found.purged <= self.state.clock():
            del self.by_name[name.lower()]
            return None
        return found


def vault(state: State, name: str) -> Resource | None:
    """The vault of a name; names are unique in the world."""
    return next((one for one in state.store(Resources).of(VAULTS) if one.name.lower() == name.lower()), None)


def find_key(state: State, uri: str) -> Resource | None:
    """The key of an address `https://VAULT.vault.azure.net/keys/NAME`, with or without a version."""
    for one in state.store(Resources).of(KEYS):
        if uri in (one.properties["keyUri"], *one.kept["versions"]):
            return one
    return None


def require_key(state: State, uri: str) -> Resource:
    """The key that a service is to use. Raises AzureError unless it is there and cannot be lost."""
    found = find_key(state, uri)
    if found is None:
        raise bad(f"The key vault key is not found to unwrap the encryption key: {uri}", "KeyVaultKeyNotFound")
    owner = state.store(Resources).get(found.id.partition("/keys/")[0])
    if not owner.properties.get("enablePurgeProtection"):
        raise bad(
            f"Keyvault policy recoverable is not set: {owner.name} needs soft delete and purge protection.",
            "KeyVaultPolicyError",
        )
    return found


def _check_vault(put: Put) -> None:
    properties, old = put.body["properties"], put.old.properties if put.old else {}
    other = vault(put.state, put.target.name)
    if other is not None and other is not put.old:
        raise conflict(
            f"The vault name '{put.target.name}' is already in use. Vault names are globally unique so it is "
            "possible that the name is already taken. If you are sure that the vault name was not taken then "
            "it is possible that a vault with the same name was recently deleted but not purged after being "
            "placed in a recoverable state. If the vault is in a recoverable state then the vault will need "
            "to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete "
            "and purging a vault, follow this link https://go.microsoft.com/fwlink/?linkid=2147740.",
            "VaultAlreadyExists",
        )
    mode, deleted = properties.pop("createMode", "default"), put.state.store(DeletedVaults).find(put.target.name)
    if deleted is not None and mode != "recover":
        raise conflict(
            "A vault with the same name already exists in deleted state. You need to either recover or purge "
            "existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more "
            "information on soft delete.",
            "ConflictError",
        )
    if str(properties["tenantId"]).lower() != TENANT:
        raise bad("AKV10032: Invalid issuer: the tenant of the vault is not the subscription's.", "BadRequest")
    for name, what in (("enablePurgeProtection", "purge protection"), ("enableSoftDelete", "soft delete")):
        if properties.get(name) is False:
            raise bad(
                f'The property "{name}" cannot be set to false. Enabling {what} for a vault is an irreversible '
                "action."
            )
    if old.get("enablePurgeProtection"):
        properties["enablePurgeProtection"] = True
    days = properties.setdefault("softDeleteRetentionInDays", old.get("softDeleteRetentionInDays", _OTHER_KEPT))
    if old and old["softDeleteRetentionInDays"] != days:
        raise bad('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.')
    if not 7 <= days <= 90:
        raise bad('The property "softDeleteRetentionInDays" has to be between 7 and 90.')


def _made_vault(state: State, resource: Resource) -> None:
    properties = resource.properties
    properties.setdefault("enableSoftDelete", True)
    properties.setdefault("accessPolicies", [])
    properties |= {
        "vaultUri": f"https://{resource.name}.{clouds.of(resource.location).vault}/",
        "provisioningState": "Succeeded",
    }
    recovered = state.store(DeletedVaults).by_name.pop(resource.name.lower(), None)
    for one in recovered.inside if recovered else []:
        state.store(Resources).by_key[one.id.lower()] = one


def _leave_vault(state: State, resource: Resource) -> None:
    inside = [one for one in state.store(Resources).below(resource.id) if one.kind in (KEYS, SECRETS)]
    state.store(DeletedVaults).by_name[resource.name.lower()] = Deleted(resource, inside, state.clock())


def _deleted(state: State, name: str) -> Document:
    found = state.store(DeletedVaults).find(name)
    if found is None:
        raise AzureError(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")
    location = found.vault.location
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/"
        f"{found.vault.name}",
        "name": found.vault.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": found.vault.id,
            "location": location,
            "tags": found.vault.body.get("tags", {}),
            "deletionDate": written(found.gone),
            "scheduledPurgeDate": written(found.purged),
            **({"purgeProtectionEnabled": True} if found.vault.properties.get("enablePurgeProtection") else {}),
        },
    }


def get_deleted(state: State, request: Request) -> object:
    """Vaults_GetDeleted."""
    with state.lock:
        return _deleted(state, request.names["name"])


def list_deleted(state: State, request: Request) -> object:
    """Vaults_ListDeleted."""
    with state.lock:
        return {"value": [_deleted(state, name) for name in sorted(state.store(DeletedVaults).by_name)]}


def purge(state: State, request: Request) -> object:
    """Vaults_PurgeDeleted: never of a vault with purge protection."""
    with state.lock:
        found = _deleted(state, request.names["name"])
        if found["properties"].get("purgeProtectionEnabled"):
            raise bad(
                'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault '
                "service will automatically purge it after the retention period has passed.",
                "MethodNotAllowed",
            )
        del state.store(DeletedVaults).by_name[request.names["name"].lower()]
        return None


def _check_key(put: Put) -> None:
    """A key that is there stays as it is: the answer is what it was (Keys_CreateIfNotExist)."""
    if put.old is not None:
        put.body.clear()
        put.body.update(put.old.body)


def add_version(state: State, resource: Resource) -> None:
    """A new version of a key or a secret becomes its current one."""
    owner = state.store(Resources).get(resource.id.rsplit("/", 2)[0])
    noun = "keys" if resource.kind == KEYS else "secrets"
    uri = f"{owner.properties['vaultUri']}{noun}/{resource.name}"
    resource.kept.setdefault("versions", []).append(f"{uri}/{secrets.token_hex(16)}")
    now = int(state.clock())
    word = "key" if resource.kind == KEYS else "secret"
    resource.properties.update({f"{word}Uri": uri, f"{word}UriWithVersion": resource.kept["versions"][-1]})
    times = {"created": int(resource.created), "updated": now, "recoveryLevel": _level(state, resource)}
    resource.properties["attributes"] = {"enabled": True, **resource.properties.get("attributes", {}), **times}


def _level(state: State, resource: Resource) -> str:
    owner = state.store(Resources).get(resource.id.rsplit("/", 2)[0])
    return "Recoverable" if owner.properties.get("enablePurgeProtection") else "Recoverable+Purgeable"


def _made_key(state: State, resource: Resource) -> None:
    if not resource.kept.get("versions"):
        resource.properties.setdefault("keySize", 2048)
        resource.properties.setdefault("keyOps", ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
        add_version(state, resource)


def _made_secret(state: State, resource: Resource) -> None:
    value = resource.properties.pop("value", None)
    if value is not None:
        resource.kept.setdefault("values", []).append(value)
        add_version(state, resource)


def versions(state: State, request: Request) -> object:
    """The versions of a key (Keys_ListVersions)."""
    names = request.names
    id = (
        f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}/providers/{VAULTS}/"
        f"{names['vault']}/keys/{names['key']}"
    )
    with state.lock:
        found = state.store(Resources).find(id)
        if found is None:
            raise missing(id)
        return {"value": [_version(found, uri) for uri in found.kept["versions"]]}


def _version(key: Resource, uri: str) -> dict[str, Any]:
    version = uri.rpartition("/")[2]
    properties = key.properties | {"keyUriWithVersion": uri}
    return {
        "id": f"{key.id}/versions/{version}",
        "name": version,
        "type": f"{KEYS}/versions",
        "properties": properties,
    }


_AT = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
_IN = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}"
ROUTES = [
    Route("GET", _AT + "/deletedVaults", "ListDeletedVaults", list_deleted),
    Route("GET", _AT + "/locations/{location}/deletedVaults/{name}", "GetDeletedVault", get_deleted),
    Route("POST", _AT + "/locations/{location}/deletedVaults/{name}/purge", "PurgeDeletedVault", purge),
    Route("GET", _IN + "/keys/{key}/versions", "ListKeyVersions", versions),
]
KINDS = {
    VAULTS: Kind(check=_check_vault, made=_made_vault, leave=_leave_vault, versions=("2023-07-01",)),
    KEYS: Kind(check=_check_key, made=_made_key, removable=False, versions=("2023-07-01",)),
    SECRETS: Kind(made=_made_secret, removable=False, versions=("2023-07-01",)),
}
