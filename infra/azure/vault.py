"""A key vault: rights by role only, what is deleted comes back for a time, and no way in from the internet."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault

from infra.azure import reserved
from infra.azure.group import Group
from infra.azure.site import Site

# Days that a deleted vault, and what was in it, can be restored. Its name stays taken as long.
KEPT_DAYS, SHORTEST_DAYS = 90, 7


@dataclass(frozen=True, slots=True)
class VaultArgs:
    """`use` is what the vault is for. A `private` vault answers private endpoints and trusted services only."""

    site: Site
    group: Group
    use: str
    private: bool


class Vault(pulumi.ComponentResource):
    """A vault's resource `id`, `name` and `uri` (`https://NAME.vault.azure.net`, without a slash at its end)."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    uri: pulumi.Output[str]
    made: keyvault.Vault

    def __init__(self, name: str, args: VaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Vault", name, None, opts)
        site, place = args.site, args.site.place
        named = args.group.generation.apply(lambda generation: place.physical("vault", args.use, generation))
        self.made = keyvault.Vault(
            name,
            resource_group_name=args.group.name,
            vault_name=named,
            location=place.region,
            tags=dict(site.tags),
            properties={
                "tenant_id": site.tenant,
                "sku": {"family": "A", "name": keyvault.SkuName.STANDARD},
                "enable_rbac_authorization": True,
                "enable_soft_delete": True,
                "enable_purge_protection": True,  # without it no service takes a key from here
                "soft_delete_retention_in_days": SHORTEST_DAYS if place.disposable else KEPT_DAYS,
                "enabled_for_deployment": False,
                "enabled_for_disk_encryption": False,
                "enabled_for_template_deployment": False,
                "public_network_access": "Disabled" if args.private else "Enabled",
                "network_acls": {
                    # Storage, registry and Cosmos DB get their keys as trusted services, as Microsoft's pages
                    # have it (not proven of the latter two: docs/decisions/0006-...).
                    "bypass": "AzureServices",
                    "default_action": "Deny" if args.private else "Allow",
                    "ip_rules": [],
                    "virtual_network_rules": [],
                },
            },
            opts=site.child(self, keep=True, hooks=reserved.explained(name, reserved.VAULT)),
        )
        self.id, self.name = self.made.id, self.made.name
        self.uri = self.made.properties.apply(lambda told: (told.vault_uri or "").rstrip("/"))
        self.register_outputs({"id": self.id, "uri": self.uri})
