"""One storage account with everything that makes it safe: our key, no shared ones, versions, bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.identity import Principal
from infra.azure.keys import Key
from infra.azure.propagation import retry_while_granting
from infra.azure.site import Site

SERVICES = ("blob", "file", "queue", "table")  # of every account, whether somebody uses them or not
OLD_VERSION_DAYS = 30


@dataclass(frozen=True, slots=True)
class AccountArgs:
    """A storage account called `name`. `encryption` is what the account uses `key` as.

    `deleted_days`: how long what was deleted can be restored; 0: not at all. `expire` are days after which
    blobs go that nobody has written to, by the beginning of their names (`checkpoints/`; empty: every blob).
    """

    site: Site
    group: Group
    name: str
    key: Key
    encryption: Principal
    private: bool
    deleted_days: int
    expire: Mapping[str, int]


class BlobAccount(pulumi.ComponentResource):
    """The account's resource `id`, its `name`, and the address of its blobs (without a slash at its end).

    `ready` is what a container waits for; `services` are resource ids of what answers in it, by SERVICES.
    """

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    services: Mapping[str, pulumi.Output[str]]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:BlobAccount", name, None, opts)
        made = self._account(name, args)
        self.id, self.name = made.id, made.name
        self.endpoint = made.primary_endpoints.apply(lambda told: (told.blob or "").rstrip("/"))
        restorable, days = args.deleted_days > 0, args.deleted_days or None
        service = storage.BlobServiceProperties(
            name,
            resource_group_name=args.group.name,
            account_name=made.name,
            blob_services_name="default",
            is_versioning_enabled=True,
            delete_retention_policy={"enabled": restorable, "days": days, "allow_permanent_delete": False},
            container_delete_retention_policy={"enabled": restorable, "days": days},
            change_feed={"enabled": False},  # who reads and writes is in the diagnostic logs
            restore_policy={"enabled": False},
            cors={"cors_rules": []},
            opts=args.site.child(self),
        )
        rules = storage.ManagementPolicy(
            name,
            resource_group_name=args.group.name,
            account_name=made.name,
            management_policy_name="default",
            policy={"rules": _rules(args.expire)},
            opts=args.site.child(self, after=[service]),
        )
        self.services = {use: pulumi.Output.concat(made.id, f"/{use}Services/default") for use in SERVICES}
        self.ready = (service, rules)
        self.register_outputs({"id": self.id, "endpoint": self.endpoint})

    def watched(self, named: str, archived: bool = True) -> dict[str, Watched]:
        """What tells of itself here: blobs as `named`, the other services as `named` and what they are."""
        kind = "Microsoft.Storage/storageAccounts/{}Services"
        return {
            named if use == "blob" else f"{named}-{use}": Watched(kind.format(use), id, archived)
            for use, id in self.services.items()
        }

    def _account(self, name: str, args: AccountArgs) -> storage.StorageAccount:
        site, place = args.site, args.site.place
        ours: storage.EncryptionServiceArgsDict = {"enabled": True, "key_type": "Account"}
        made: storage.StorageAccount = storage.StorageAccount(
            name,
            resource_group_name=args.group.name,
            account_name=args.name,
            location=place.region,
            tags=dict(site.tags),
            kind="StorageV2",
            sku={"name": "Standard_LRS"},  # every copy stays in the zone's region
            access_tier=storage.AccessTier.HOT,
            identity={"type": "UserAssigned", "user_assigned_identities": [args.encryption.id]},
            encryption={
                "key_source": "Microsoft.Keyvault",
                # No version is named: the account follows the key's rotation by itself.
                "key_vault_properties": {"key_name": args.key.name, "key_vault_uri": args.key.vault_uri},
                "encryption_identity": {"encryption_user_assigned_identity": args.encryption.id},
                "require_infrastructure_encryption": True,  # cannot be added later
                "services": {"blob": ours, "file": ours, "queue": ours, "table": ours},
            },
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            default_to_o_auth_authentication=True,
            allow_cross_tenant_replication=False,
            allowed_copy_scope="AAD",  # copies stay within the tenant
            sas_policy={"sas_expiration_period": "1.00:00:00", "expiration_action": "Log"},
            is_local_user_enabled=False,
            is_sftp_enabled=False,
            enable_nfs_v3=False,
            is_hns_enabled=False,  # versions and a hierarchy exclude each other
            dns_endpoint_type="Standard",
            public_network_access="Disabled" if args.private else "Enabled",
            network_rule_set={
                "default_action": storage.DefaultAction.DENY if args.private else storage.DefaultAction.ALLOW,
                "bypass": "AzureServices",  # diagnostic logs arrive so, and the workspace as a trusted service
                "ip_rules": [],
                "virtual_network_rules": [],
                "resource_access_rules": [],
            },
            routing_preference={
                "routing_choice": "MicrosoftRouting",
                "publish_internet_endpoints": False,
                "publish_microsoft_endpoints": False,
            },
            opts=site.child(self, after=args.key.ready, keep=True, hooks=retry_while_granting(site, name)),
        )
        return made


def _rules(expire: Mapping[str, int]) -> list[storage.ManagementPolicyRuleArgsDict]:
    """Old versions and snapshots always go; current blobs only where they are kept for a time."""
    old: storage.DateAfterCreationArgsDict = {"days_after_creation_greater_than": OLD_VERSION_DAYS}
    rules: list[storage.ManagementPolicyRuleArgsDict] = [
        {
            "name": "old-versions",
            "type": "Lifecycle",
            "enabled": True,
            "definition": {
                "filters": {"blob_types": ["blockBlob"]},
                "actions": {"version": {"delete": old}, "snapshot": {"delete": old}},
            },
        }
    ]
    return [*rules, *(_expired(prefix, days) for prefix, days in expire.items())]


def _expired(prefix: str, days: int) -> storage.ManagementPolicyRuleArgsDict:
    # Logs of diagnostic settings are append blobs.
    filters: storage.ManagementPolicyFilterArgsDict = {"blob_types": ["blockBlob", "appendBlob"]}
    if prefix:
        filters["prefix_match"] = [prefix]
    return {
        "name": "-".join(["expired", *prefix.split("/")]).rstrip("-"),
        "type": "Lifecycle",
        "enabled": True,
        "definition": {
            "filters": filters,
            "actions": {"base_blob": {"delete": {"days_after_modification_greater_than": days}}},
        },
    }
