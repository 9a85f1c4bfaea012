"""The zone's container registry: Premium, for our key and private endpoints; by sign-in only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerregistry

from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.identity import Principal
from infra.azure.keys import Key
from infra.azure.propagation import retry_while_granting
from infra.azure.resource_id import parse
from infra.azure.site import Site
from infra.lookup import found

UNTAGGED_DAYS = 14


@dataclass(frozen=True, slots=True)
class RegistryArgs:
    """`encryption` is what the registry uses `key` as; `existing` is the resource id of one to adopt."""

    site: Site
    group: Group
    key: Key
    encryption: Principal
    private: bool
    existing: str | None = None


class Registry(pulumi.ComponentResource):
    """Its `url` (what an image reference starts with) and its resource `id`; `watched` is what is our own."""

    url: pulumi.Output[str]
    id: pulumi.Output[str]
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Registry", name, None, opts)
        if args.existing:
            id, of = args.existing, parse(args.existing)
            setting = args.site.setting("existing.registry")
            known = found(
                setting,
                f"registry {id}",
                lambda: containerregistry.get_registry(
                    resource_group_name=of.group, registry_name=of.name, opts=args.site.ask(self)
                ),
            )
            if args.private and known.sku.name != "Premium":
                raise pulumi.RunError(
                    f"{setting}: registry {of.name} is {known.sku.name}, and only Premium ones have private "
                    "endpoints; upgrade it, name another, or remove the setting"
                )
            self.url, self.id = pulumi.Output.from_input(known.login_server), pulumi.Output.from_input(known.id)
            self.watched = {}
        else:
            made = self._registry(args)
            self.url, self.id, self.watched = (
                made.login_server,
                made.id,
                {"registry": Watched("Microsoft.ContainerRegistry/registries", made.id)},
            )
        self.register_outputs({"url": self.url, "id": self.id})

    def _registry(self, args: RegistryArgs) -> containerregistry.Registry:
        site, place = args.site, args.site.place
        logical = site.name("registry", "images")
        return containerregistry.Registry(
            logical,
            resource_group_name=args.group.name,
            registry_name=place.physical("registry"),
            location=place.region,
            tags=dict(site.tags),
            sku={"name": "Premium"},
            identity={
                "type": containerregistry.ResourceIdentityType.USER_ASSIGNED,
                "user_assigned_identities": args.encryption.id.apply(lambda id: {id: {}}),
            },
            encryption={  # cannot be added later
                "status": "enabled",
                # No version is named: the registry follows the key's rotation by itself.
                "key_vault_properties": {"identity": args.encryption.client_id, "key_identifier": args.key.uri},
            },
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            data_endpoint_enabled=True,  # layers from this registry's own host name, not from one of everybody's
            public_network_access="Disabled" if args.private else "Enabled",
            network_rule_bypass_options="AzureServices",  # how the workspace gets in
            network_rule_set={"default_action": "Deny" if args.private else "Allow", "ip_rules": []},
            policies={
                "azure_ad_authentication_as_arm_policy": {"status": "enabled"},  # the workspace signs in so
                # Images leave by a pull or not at all; Azure takes this from a private registry only.
                "export_policy": {"status": "disabled" if args.private else "enabled"},
                "quarantine_policy": {"status": "disabled"},  # Azure ML does not take it
                "retention_policy": {"status": "enabled", "days": UNTAGGED_DAYS},
                "soft_delete_policy": {"status": "disabled"},  # excludes a retention of what is untagged
                "trust_policy": {
                    "status": "disabled",
                    "type": "Notary",
                },  # excludes a key of ours; digests are named
            },
            zone_redundancy="Disabled",  # not in every region, and excludes none of the above
            opts=site.child(self, after=args.key.ready, keep=True, hooks=retry_while_granting(site, logical)),
        )
