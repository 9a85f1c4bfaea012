"""Microsoft.ContainerRegistry: registries, what only the Premium tier can do, and what they are encrypted with."""

from __future__ import annotations

from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm import keyvault
from localcloud.azure.arm.authorization import identity
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.managed import carried
from localcloud.azure.arm.store import Resource, Resources, written
from localcloud.azure.errors import bad, conflict
from localcloud.azure.state import State

REGISTRIES = "Microsoft.ContainerRegistry/registries"
_PREMIUM_POLICIES = {"retentionPolicy": "enabled", "trustPolicy": "enabled", "exportPolicy": "disabled"}


def registry(state: State, server: str) -> Resource | None:
    """The registry of a login server such as `name.azurecr.io`."""
    name = server.partition(".")[0].lower()
    return next((one for one in state.store(Resources).of(REGISTRIES) if one.name.lower() == name), None)


def _check(put: Put) -> None:
    other = registry(put.state, put.target.name)
    if other is not None and other is not put.old:
        raise conflict(
            f"The registry DNS name {other.properties['loginServer']} is already in use.", "AlreadyInUse"
        )
    properties = put.body.setdefault("properties", {})
    if put.body["sku"]["name"] != "Premium":
        _require_plain(properties)
    encryption = properties.get("encryption") or {}
    old = (put.old.properties.get("encryption") or {}).get("status", "disabled") if put.old else None
    if old is not None and encryption.get("status", "disabled") != old:
        raise bad(
            "Encryption with a customer-managed key can be set only when a registry is created.",
            "CannotChangeEncryption",
        )
    if encryption.get("status") == "enabled":
        wanted = encryption.get("keyVaultProperties") or {}
        keyvault.require_key(put.state, str(wanted.get("keyIdentifier")))
        user = identity(put.state, str(wanted.get("identity")))
        if user is None or user.id.lower() not in [id.lower() for id in carried(put.body)]:
            raise bad(
                "The identity of the encryption, a client id, is not among the identities of the registry.",
                "InvalidEncryptionIdentity",
            )


def _require_plain(properties: dict[str, Any]) -> None:
    policies = properties.get("policies") or {}
    premium = [name for name, on in _PREMIUM_POLICIES.items() if (policies.get(name) or {}).get("status") == on]
    premium += ["publicNetworkAccess"] * (properties.get("publicNetworkAccess") == "Disabled")
    premium += ["encryption"] * ((properties.get("encryption") or {}).get("status") == "enabled")
    premium += [name for name in ("networkRuleSet", "dataEndpointEnabled") if properties.get(name)]
    if premium:
        raise bad(
            f"The following properties are supported by the Premium SKU only: {', '.join(premium)}.",
            "SkuNotSupported",
        )


def _made(state: State, resource: Resource) -> None:
    resource.body["sku"]["tier"] = resource.body["sku"]["name"]
    resource.properties.update(
        {
            "loginServer": f"{resource.name.lower()}.{clouds.of(resource.location).registry}",
            "creationDate": written(resource.created),
            "provisioningState": "Succeeded",
        }
    )
    encryption = resource.properties.setdefault("encryption", {"status": "disabled"})
    if key := (encryption.get("keyVaultProperties") or {}):
        found = keyvault.find_key(state, str(key["keyIdentifier"]))
        key["versionedKeyIdentifier"] = found.properties["keyUriWithVersion"] if found else key["keyIdentifier"]
        key["keyRotationEnabled"] = str(key["keyIdentifier"]).count("/") == 4


KINDS = {
    REGISTRIES: Kind(
        check=_check, made=_made, slow=frozenset({"PUT", "DELETE"}), versions=("2023-07-01", "2025-04-01")
    )
}
