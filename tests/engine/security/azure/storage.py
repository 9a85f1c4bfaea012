"""Storage, keys and the registry, as the cloud reports them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.engine.security.azure.view import Thing, View

_QUARTER = 90  # days
_USES_KEYS = "Key Vault Crypto Service Encryption User"


def _said(things: list[Thing], path: str, wanted: object) -> Iterator[str]:
    """A sentence for each thing whose property at a dotted path is not what is wanted."""
    for thing in things:
        found: object = thing["properties"]
        for word in path.split("."):
            found = found.get(word) if isinstance(found, dict) else None
        if found != wanted:
            yield f"{thing['name']}: {path} is {found}"


def nobody_reads_anonymously(view: View) -> Iterator[str]:
    """Neither the account nor a container is open to whoever asks."""
    yield from _said(view.accounts, "allowBlobPublicAccess", False)
    yield from _said(view.containers, "publicAccess", "None")


def no_account_key_opens_anything(view: View) -> Iterator[str]:
    """Who reads or writes is signed in: no shared key, no local user."""
    yield from _said(view.accounts, "allowSharedKeyAccess", False)
    yield from _said(view.accounts, "isLocalUserEnabled", False)
    yield from _said(view.accounts, "isSftpEnabled", False)


def only_modern_tls_is_spoken(view: View) -> Iterator[str]:
    """HTTPS only, and TLS 1.2 at least."""
    yield from _said(view.accounts, "supportsHttpsTrafficOnly", True)
    yield from _said(view.accounts, "minimumTlsVersion", "TLS1_2")


def storage_answers_private_endpoints_only(view: View) -> Iterator[str]:
    """No address of the internet's reaches the storage of a private zone."""
    if view.private:
        yield from _said(view.accounts, "publicNetworkAccess", "Disabled")
        yield from _said(view.accounts, "networkAcls.defaultAction", "Deny")


def data_is_encrypted_with_the_zones_key(view: View) -> Iterator[str]:
    """The data key encrypts the account of the contract's containers; no version of it is pinned."""
    name = str(view.zone.buckets.data.uri).removeprefix("https://").partition(".")[0]
    for account in view.accounts:
        if account["name"] != name:
            continue
        encryption = account["properties"].get("encryption", {})
        key = encryption.get("keyvaultproperties", {})
        uri = f"{str(key.get('keyvaulturi')).rstrip('/')}/keys/{key.get('keyname')}"
        if (
            encryption.get("keySource") != "Microsoft.Keyvault"
            or uri != view.zone.keys.data
            or key.get("keyversion")
        ):
            yield f"{name} is encrypted with {encryption.get('keySource')} {uri}"


def data_is_encrypted_twice(view: View) -> Iterator[str]:
    """Infrastructure encryption, which cannot be added later."""
    yield from _said(view.accounts, "encryption.requireInfrastructureEncryption", True)


def copies_stay_in_the_tenant(view: View) -> Iterator[str]:
    """Nothing is replicated to, or copied from, other tenants."""
    yield from _said(view.accounts, "allowCrossTenantReplication", False)
    yield from _said(view.accounts, "allowedCopyScope", "AAD")


def versions_are_kept(view: View) -> Iterator[str]:
    """Versioning of every account's blobs."""
    services = [view.get(f"{account['id']}/blobServices/default") for account in view.accounts]
    yield from _said(services, "isVersioningEnabled", True)


def soft_delete_is_said(view: View) -> Iterator[str]:
    """How long what was deleted can be restored is set by us: of a disposable zone, not at all."""
    services = [view.get(f"{account['id']}/blobServices/default") for account in view.accounts]
    yield from _said(services, "deleteRetentionPolicy.enabled", False)
    yield from _said(services, "containerDeleteRetentionPolicy.enabled", False)


def old_things_go(view: View) -> Iterator[str]:
    """Old versions and checkpoints are deleted after a time."""
    for account in view.accounts:
        rules = view.get(f"{account['id']}/managementPolicies/default")["properties"]["policy"]["rules"]
        actions = [rule["definition"]["actions"] for rule in rules if rule.get("enabled")]
        for what in ("version", "baseBlob"):
            if not any("delete" in action.get(what, {}) for action in actions):
                yield f"{account['name']} keeps every {what} for ever"


def code_goes_and_data_stays(view: View) -> Iterator[str]:
    """Of the container of data, what lies in the folder of code goes after a time, and nothing else ever does."""
    data = view.zone.buckets.data
    name = str(data.uri).removeprefix("https://").partition(".")[0]
    for account in view.accounts:
        if account["name"] != name:
            continue
        rules = view.get(f"{account['id']}/managementPolicies/default")["properties"]["policy"]["rules"]
        going = [
            prefix
            for rule in rules
            if rule.get("enabled") and "delete" in rule["definition"]["actions"].get("baseBlob", {})
            for prefix in rule["definition"]["filters"].get("prefixMatch", [""])
        ]
        if [one for one in going if not one or one.startswith(data.name)] != [f"{data.name}/code/"]:
            yield f"{name} deletes {going}"


def everything_lies_in_the_region(view: View) -> Iterator[str]:
    """Nothing outside the zone's region but names of private DNS, and no copy of a blob either."""
    for one in view.resources:
        if one.get("location") not in (view.zone.region, "global"):
            yield f"{one['id']} lies in {one.get('location')}"
    for account in view.accounts:
        if account["sku"]["name"] not in ("Standard_LRS", "Standard_ZRS"):
            yield f"{account['name']} is copied elsewhere: {account['sku']['name']}"


def vaults_give_rights_by_role(view: View) -> Iterator[str]:
    """Roles decide, not access policies, and no service of Azure's gets in by itself."""
    yield from _said(view.vaults, "enableRbacAuthorization", True)
    for use in ("Deployment", "DiskEncryption", "TemplateDeployment"):
        yield from _said(view.vaults, f"enabledFor{use}", False)


def vaults_answer_private_endpoints_only(view: View) -> Iterator[str]:
    """No address of the internet's reaches a vault of a private zone."""
    if view.private:
        yield from _said(view.vaults, "publicNetworkAccess", "Disabled")
        yield from _said(view.vaults, "networkAcls.defaultAction", "Deny")


def nothing_in_a_vault_is_lost(view: View) -> Iterator[str]:
    """What is deleted can be restored, and nobody can purge it sooner."""
    yield from _said(view.vaults, "enableSoftDelete", True)
    yield from _said(view.vaults, "enablePurgeProtection", True)


def keys_rotate(view: View) -> Iterator[str]:
    """At least every 90 days."""
    for key in view.keys:
        actions = key["properties"].get("rotationPolicy", {}).get("lifetimeActions", [])
        after = [
            match[1]
            for action in actions
            if str(action["action"]["type"]).lower() == "rotate"
            and (match := re.fullmatch(r"P(\d+)D", str(action["trigger"].get("timeAfterCreate"))))
        ]
        if not after or int(after[0]) > _QUARTER:
            yield f"{key['name']} rotates after {after} days"


def keys_are_apart(view: View) -> Iterator[str]:
    """Data, registry and logs do not share a key, and no key lies in the vault of secrets."""
    keys = view.zone.keys
    if len({keys.data, keys.registry, keys.logs}) != 3:
        yield f"only {len({keys.data, keys.registry, keys.logs})} keys"
    for key in (keys.data, keys.registry, keys.logs):
        if str(key).startswith(f"{view.zone.secrets.store}/"):
            yield f"{key} lies where secrets do"


def only_encryption_uses_keys(view: View) -> Iterator[str]:
    """Whoever holds a role on a key, or on the vault of keys, holds the one for encryption, on a key."""
    vaults = {key["id"].partition("/keys/")[0].lower() for key in view.keys}
    for held in view.held():
        scope = held.scope.lower()
        if scope.partition("/keys/")[0] in vaults and (held.role != _USES_KEYS or "/keys/" not in scope):
            yield f"{held.role} is held on {held.scope}"


def images_are_encrypted_with_the_registrys_key(view: View) -> Iterator[str]:
    """A key of its own for the registry."""
    encryption = view.registry["properties"].get("encryption", {})
    key = encryption.get("keyVaultProperties", {}).get("keyIdentifier")
    if encryption.get("status") != "enabled" or key != view.zone.keys.registry:
        yield f"images are encrypted with {key}"


def nobody_pulls_without_signing_in(view: View) -> Iterator[str]:
    """No admin user, no anonymous pull."""
    yield from _said([view.registry], "adminUserEnabled", False)
    yield from _said([view.registry], "anonymousPullEnabled", False)


def the_registry_answers_private_endpoints_only(view: View) -> Iterator[str]:
    """No address of the internet's reaches a private zone's registry; images leave by a pull or not at all."""
    if view.private:
        yield from _said([view.registry], "publicNetworkAccess", "Disabled")
        yield from _said([view.registry], "networkRuleSet.defaultAction", "Deny")
        yield from _said([view.registry], "policies.exportPolicy.status", "disabled")


def old_images_go(view: View) -> Iterator[str]:
    """What has no tag any more is deleted after a time."""
    yield from _said([view.registry], "policies.retentionPolicy.status", "enabled")


def datastores_keep_no_credentials(view: View) -> Iterator[str]:
    """Jobs reach the containers as themselves: neither a key nor a token is kept in the workspace."""
    stores = {one["name"]: one["properties"] for one in view.every(f"{view.workspace['id']}/datastores")}
    for use in ("data", "output", "checkpoints"):
        container = getattr(view.zone.buckets, use).name
        if stores.get(use, {}).get("containerName") != container:
            yield f"no datastore {use} leads to container {container}"
    for name, store in stores.items():
        if (kind := store["credentials"]["credentialsType"]) != "None":
            yield f"datastore {name} keeps credentials: {kind}"
    if (mode := view.workspace["properties"].get("systemDatastoresAuthMode")) != "Identity":
        yield f"the workspace's own datastores are used by {mode}"
