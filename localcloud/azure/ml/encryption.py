"""Under whose key a workspace keeps what it knows: what Azure ML refuses of its two ways.

Sources: learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys (limitations; service-side
encryption, a preview), .../how-to-setup-customer-managed-keys (Cosmos DB, resource providers),
learn.microsoft.com/azure/cosmos-db/how-to-setup-customer-managed-keys (vaults). The words of
refusals are of localcloud.
"""

from __future__ import annotations

from typing import Any

from localcloud.azure import clouds, directory
from localcloud.azure.arm import authorization, keyvault, registration
from localcloud.azure.arm.kinds import Put
from localcloud.azure.arm.store import Resource, Resources
from localcloud.azure.errors import AzureError, bad
from localcloud.azure.state import State

USES_KEYS = "Key Vault Crypto Service Encryption User"
_NEEDED = ("Microsoft.DocumentDB", "Microsoft.Search")


def require(put: Put) -> None:
    """Raises AzureError unless the key of a workspace, if it names one, can be used."""
    properties = put.body["properties"]
    wanted = properties.get("encryption") or {}
    before = ((put.old.properties if put.old else {}).get("encryption") or {}) if put.old else {}
    if wanted.get("status") != "Enabled":
        return
    named = wanted.get("keyVaultProperties") or {}
    uri = str(named.get("keyIdentifier"))
    key = keyvault.require_key(put.state, uri)
    vault = put.state.store(Resources).get(key.id.partition("/keys/")[0])
    if str(named.get("keyVaultArmId", "")).lower() != vault.id.lower():
        raise _invalid(f"The key {uri} is not in the key vault {named.get('keyVaultArmId')}.")
    _require_same_vault(before, named)
    if properties.get("enableServiceSideCMKEncryption"):
        _require_service_side(put, before, uri, vault)
    else:
        _require_cosmos(put.state, key, vault, str(put.body.get("location")))


def _require_same_vault(before: dict[str, Any], named: dict[str, Any]) -> None:
    old = str((before.get("keyVaultProperties") or {}).get("keyVaultArmId", ""))
    if old and old.lower() != str(named.get("keyVaultArmId")).lower():
        raise _invalid("The encryption key can only be updated to another key in the original key vault.")


def _require_service_side(put: Put, before: dict[str, Any], uri: str, vault: Resource) -> None:
    if vault.properties.get("publicNetworkAccess") == "Disabled":
        raise _invalid(
            "Server-side encryption is currently not supported in reference to an Azure Key Vault for storing "
            "your encryption key that has public network access disabled."
        )
    if before and (before.get("keyVaultProperties") or {}).get("keyIdentifier") != uri:
        raise _invalid("Key rotation is not supported with server-side encryption.")


def _require_cosmos(state: State, key: Resource, vault: Resource, region: str) -> None:
    """Cosmos DB keeps what the workspace knows, in the customer's subscription, and uses the key as itself."""
    for namespace in _NEEDED:
        registration.require(state, namespace)
    rules = vault.properties.get("networkAcls") or {}
    closed = "Disabled" in str(vault.properties.get("publicNetworkAccess")) or rules.get("defaultAction") == "Deny"
    if closed and rules.get("bypass", "AzureServices") != "AzureServices":
        raise _invalid(
            f"Azure Cosmos DB cannot reach the key vault {vault.name}: it must be accessible through public "
            "network access or allow trusted Microsoft services to bypass its firewall."
        )
    principal = directory.principal(directory.COSMOS, clouds.of(region).name)
    for held in authorization.assigned(state, principal):
        role = str(held.properties["roleDefinitionId"]).rpartition("/")[2].lower()
        scope = authorization.scope_of(held.id).lower()
        if authorization.built_in().get(role) == USES_KEYS and f"{key.id.lower()}/".startswith(f"{scope}/"):
            return
    raise AzureError(
        403,
        "Forbidden",
        "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role "
        "definitions were changed recently, please observe propagation time. "
        f"Caller: oid={principal}. Action: 'Microsoft.KeyVault/vaults/keys/wrap/action'. Vault: {vault.name}",
    )


def _invalid(message: str) -> AzureError:
    return bad(message, "ValidationError")
