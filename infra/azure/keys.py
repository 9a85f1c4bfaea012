"""The zone's customer-managed keys (data, registry, logs: each for one use, rotated) and its vault of secrets.

Keys have a vault of their own: the workspace needs wide rights on the vault that it keeps its secrets in, and
nobody who may read a secret should be able to delete a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, keyvault

from infra.azure import roles
from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.identity import Principal
from infra.azure.resource_id import parse
from infra.azure.site import Site
from infra.azure.vault import Vault, VaultArgs
from infra.lookup import found

USES = ("data", "registry", "logs")
VAULTS = "Microsoft.KeyVault/vaults"
ROTATE_AFTER, EXPIRE_AFTER = "P90D", "P120D"  # ISO 8601; a version is replaced a month before it expires
# The workspace names a version and stays with it until it is told another: what it uses must not expire under it.
PINNED = "logs"
KEY_SIZE = 3072  # bits: all services take RSA of 2048, 3072 and 4096
USE_KEY = "Key Vault Crypto Service Encryption User"


@dataclass(frozen=True, slots=True)
class Key:
    """A key's resource `id`, the `vault` it is in, its `name` there, and its addresses.

    `uri` names no version: whoever is given it follows the rotation. `versioned` names one: the current one when
    the state was last refreshed, of an adopted key the one that the settings name. What is encrypted with the key
    waits for `ready`.
    """

    id: pulumi.Output[str]
    vault: pulumi.Output[str]
    name: pulumi.Output[str]
    uri: pulumi.Output[str]
    versioned: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...] = ()

    @property
    def vault_uri(self) -> pulumi.Output[str]:
        """The vault's address, without a slash at its end."""
        return self.uri.apply(lambda uri: uri.partition("/keys/")[0])


@dataclass(frozen=True, slots=True)
class KeysArgs:
    """`encryption` uses every key in the name of storage and registry, `workspace` the one of logs for itself.

    `cosmos` (an object id) is Azure Cosmos DB, which keeps what a workspace of our own knows, under that key too.
    `existing_vault` (for secrets), `data`, `registry` and `logs` (keys) are resource ids of what to adopt; that of
    logs may end in `/versions/VERSION`.
    """

    site: Site
    group: Group
    encryption: Principal
    workspace: Principal
    private: bool
    cosmos: pulumi.Output[str] | None = None
    existing_vault: str | None = None
    data: str | None = None
    registry: str | None = None
    logs: str | None = None


class Keys(pulumi.ComponentResource):
    """Three keys, and the vault of secrets: its resource id (`vault`) and its address (`vault_uri`).

    `watched` are resource ids of vaults of our own, by use.
    """

    data: Key
    registry: Key
    logs: Key
    vault: pulumi.Output[str]
    vault_uri: pulumi.Output[str]
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Keys", name, None, opts)
        watched: dict[str, Watched] = {}
        if args.existing_vault:
            self.vault, self.vault_uri = _adopted_vault(args, self, args.existing_vault)
        else:
            secrets = self._vault(args, "secrets")
            self.vault, self.vault_uri, watched["secrets"] = secrets.id, secrets.uri, Watched(VAULTS, secrets.id)
        adopted = {"data": args.data, "registry": args.registry, "logs": args.logs}
        vault = self._vault(args, "keys") if None in adopted.values() else None
        if vault is not None:
            watched["keys"] = Watched(VAULTS, vault.id)

        def own_or_existing(use: str) -> Key:
            existing = adopted[use]
            if existing is None:
                assert vault is not None
                return self._ready(args, use, _built(args, self, vault, use))
            return self._ready(args, use, _adopted(args, self, use, existing))

        self.data, self.registry, self.logs = map(own_or_existing, USES)
        self.watched = watched
        self.register_outputs({"vault": self.vault, **{use: getattr(self, use).uri for use in USES}})

    def _vault(self, args: KeysArgs, use: str) -> Vault:
        under = pulumi.ResourceOptions(parent=self)
        return Vault(args.site.name("keys", use), VaultArgs(args.site, args.group, use, args.private), under)

    def _ready(self, args: KeysArgs, use: str, key: Key) -> Key:
        """The key with the assignments that let it be used: on this key alone, not on its vault."""
        users = {"encryption": args.encryption.principal_id}
        if use == PINNED:
            users["workspace"] = args.workspace.principal_id
            if args.cosmos is not None:
                users["cosmos"] = args.cosmos
        grants: list[authorization.RoleAssignment] = [
            roles.assign(
                args.site,
                self,
                args.site.name("keys", f"{use}-{who}"),
                role=USE_KEY,
                scope=key.id,
                principal=principal,
            )
            for who, principal in users.items()
        ]
        return Key(key.id, key.vault, key.name, key.uri, key.versioned, tuple(grants))


def _built(args: KeysArgs, parent: pulumi.Resource, vault: Vault, use: str) -> Key:
    """A key with a rotation that the vault carries out itself."""
    options = args.site.child(parent, keep=True)
    # Azure deletes keys through the vault itself, which answers nobody outside of a private zone's network: a
    # destroy deletes the vault, and the key with it.
    options.deleted_with = vault.made
    made = keyvault.Key(
        args.site.name("keys", use),
        resource_group_name=args.group.name,
        vault_name=vault.name,
        key_name=use,
        tags=dict(args.site.tags),
        properties={
            "kty": "RSA",
            "key_size": KEY_SIZE,
            "key_ops": ["wrapKey", "unwrapKey"],
            "attributes": {"enabled": True, "exportable": False},
            "rotation_policy": {
                **({} if use == PINNED else {"attributes": {"expiry_time": EXPIRE_AFTER}}),
                "lifetime_actions": [
                    {
                        "action": {"type": keyvault.KeyRotationPolicyActionType.ROTATE},
                        "trigger": {"time_after_create": ROTATE_AFTER},
                    }
                ],
            },
        },
        opts=options,
    )
    return Key(made.id, vault.id, made.name, made.key_uri, made.key_uri_with_version)


def _adopted(args: KeysArgs, parent: pulumi.Resource, use: str, id: str) -> Key:
    """An RSA key, in a vault that services take keys from: rights by role, and nothing in it can be purged."""
    id, _, version = id.partition("/versions/")
    of, setting, ask = parse(id), args.site.setting(f"existing.keys.{use}"), args.site.ask(parent)
    known = found(
        setting,
        f"key {id}",
        lambda: keyvault.get_key(resource_group_name=of.group, vault_name=of.names[0], key_name=of.name, opts=ask),
    )
    if not (known.kty or "").startswith("RSA"):
        raise pulumi.RunError(
            f"{setting}: key {of.name} is of type {known.kty}, and storage, registry and workspace take RSA only; "
            "name an RSA key, or remove the setting"
        )
    vault = id.rpartition("/keys/")[0]
    if not _vault(args, parent, setting, vault).enable_purge_protection:
        raise pulumi.RunError(
            f"{setting}: vault {of.names[0]} can be purged, and no service takes a key from such a one; turn "
            "purge protection on (enablePurgeProtection), name another key, or remove the setting"
        )
    told = pulumi.Output.from_input
    # Without a version named, no workspace of ours uses the key.
    versioned = f"{known.key_uri}/{version}" if version else known.key_uri_with_version
    return Key(told(known.id), told(vault), told(of.name), told(known.key_uri), told(versioned))


def _adopted_vault(
    args: KeysArgs, parent: pulumi.Resource, id: str
) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """The id and the address of a vault to keep secrets in."""
    told = _vault(args, parent, args.site.setting("existing.vault"), id)
    return pulumi.Output.from_input(id), pulumi.Output.from_input((told.vault_uri or "").rstrip("/"))


def _vault(
    args: KeysArgs, parent: pulumi.Resource, setting: str, id: str
) -> keyvault.outputs.VaultPropertiesResponse:
    """Look up a vault that gives rights by role: to what its own policies say, no role can add."""
    of = parse(id)
    known = found(
        setting,
        f"vault {id}",
        lambda: keyvault.get_vault(resource_group_name=of.group, vault_name=of.name, opts=args.site.ask(parent)),
    )
    if not known.properties.enable_rbac_authorization:
        raise pulumi.RunError(
            f"{setting}: vault {of.name} gives rights by access policies; switch it to roles "
            "(enableRbacAuthorization), name another, or remove the setting"
        )
    return known.properties
