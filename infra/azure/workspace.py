"""The zone's Azure ML workspace, the network it keeps for jobs, and the hosts that jobs may reach from there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.azure import reserved
from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.identity import Principal
from infra.azure.keys import Key
from infra.azure.propagation import retry_while_granting
from infra.azure.resource_id import parse
from infra.azure.site import LONG, Site
from infra.lookup import found

# The firewall that FQDN rules buy: Basic filters names as Standard does, for a third of the price.
FIREWALL = "Basic"


@dataclass(frozen=True, slots=True)
class WorkspaceArgs:
    """What the workspace is made of, by resource ids; `identity` is what it acts as, `execution` what jobs run as.

    `private`: it is reached by private endpoints only. `egress` is what the managed network lets out: nothing
    that is not approved (`none`), or everything (`nat`); None without a managed network. `fqdns` are approved
    hosts. `image_build` names the cluster that would build images, `jobs_subnet` is where serverless jobs run in
    a network of the zone's own. `ready` is what must be there first: roles of the workspace's identity.
    """

    site: Site
    group: Group
    identity: Principal
    execution: Principal
    key: Key
    storage: pulumi.Output[str]
    vault: pulumi.Output[str]
    registry: pulumi.Output[str]
    insights: pulumi.Output[str]
    private: bool
    egress: Literal["none", "nat"] | None
    fqdns: tuple[str, ...] = ()
    image_build: str | None = None
    jobs_subnet: pulumi.Output[str] | None = None
    ready: Sequence[pulumi.Resource] = ()
    existing: str | None = None


# What is said of a managed network that would be given up or opened: the name of the setting, in any words.
MODE = re.compile(r"(?i)isolation ?mode|managed (virtual )?network")


def opened(site: Site, name: str) -> pulumi.ResourceHookBinding:
    """A hook of the workspace `name` that says why its network cannot be changed; Azure's own words follow."""

    def explain(args: pulumi.ErrorHookArgs) -> bool:
        if args.failed_operation == "update" and MODE.search(args.errors[0]):
            pulumi.log.warn(
                f"{name}: a managed network is closed further and never opened or given up "
                f"({site.setting('network.egress')}: nat to none alone, {site.setting('managedNetwork')} not to "
                "false); undo the change, or build another zone"
            )
        return False

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-closed", explain)])


class Workspace(pulumi.ComponentResource):
    """`id`, `name` and `group` (the name of its resource group); `ready` is what jobs must wait for.

    An adopted workspace is looked up and left as it is.
    """

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    group: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Workspace", name, None, opts)
        self.ready = ()
        if args.existing:
            self._adopt(args.site, args.existing)
        else:
            self._build(args)
        self.register_outputs({"id": self.id, "name": self.name, "group": self.group})

    @property
    def watched(self) -> Mapping[str, Watched]:
        """What tells of itself, an adopted workspace too: what jobs do in it is the zone's own."""
        return {"workspace": Watched("Microsoft.MachineLearningServices/workspaces", self.id)}

    def _adopt(self, site: Site, named: str) -> None:
        setting = site.setting("existing.workspace")
        of = parse(named)
        known = found(
            setting,
            f"workspace {named}",
            lambda: ml.get_workspace(resource_group_name=of.group, workspace_name=of.name, opts=site.ask(self)),
        )
        if (known.location or "").replace(" ", "").lower() != site.place.region:
            raise pulumi.RunError(
                f"{setting}: workspace {of.name} is in {known.location}, and the zone in {site.place.region}; "
                "name one in the zone's region, or remove the setting"
            )
        self.id = pulumi.Output.from_input(known.id)
        self.name, self.group = pulumi.Output.from_input(known.name), pulumi.Output.from_input(of.group)

    def _build(self, args: WorkspaceArgs) -> None:
        site, place = args.site, args.site.place
        named = site.name("workspace")
        merge = pulumi.ResourceHookBinding.merge
        explained = merge(reserved.explained(named, reserved.WORKSPACE), opened(site, named))
        hooks = merge(retry_while_granting(site, named), explained)
        options = site.child(self, after=args.ready, keep=True, hooks=hooks)
        options.custom_timeouts = LONG
        made = ml.Workspace(
            named,
            resource_group_name=args.group.name,
            workspace_name=args.group.generation.apply(lambda own: place.physical("workspace", suffix=own)),
            location=place.region,
            kind="Default",
            sku=ml.SkuArgs(name="Basic", tier=ml.SkuTier.BASIC),
            friendly_name=place.name,
            description=f"{place.name}: training jobs",
            # The execution identity is attached too: serverless jobs run only as identities of the workspace.
            identity=ml.ManagedServiceIdentityArgs(
                type="UserAssigned", user_assigned_identities=[args.identity.id, args.execution.id]
            ),
            primary_user_assigned_identity=args.identity.id,
            storage_account=args.storage,
            key_vault=args.vault,
            container_registry=args.registry,
            application_insights=args.insights,
            system_datastores_auth_mode="Identity",
            encryption=ml.EncryptionPropertyArgs(
                status="Enabled",
                key_vault_properties=ml.KeyVaultPropertiesArgs(
                    key_identifier=args.key.versioned, key_vault_arm_id=args.key.vault
                ),
                identity=ml.IdentityForCmkArgs(user_assigned_identity=args.identity.id),
            ),
            # The other way is a preview that takes no key from a closed vault and knows no rotation
            # (docs/decisions/0006-where-azure-ml-keeps-what-it-knows.md).
            enable_service_side_cmk_encryption=False,
            hbi_workspace=True,  # Microsoft collects less, and encrypts scratch disks mostly; never changes
            public_network_access="Disabled" if args.private else "Enabled",
            allow_public_access_when_behind_vnet=False,
            managed_network=_managed_network(args),
            provision_network_now=args.egress is not None,
            serverless_compute_settings=(
                ml.ServerlessComputeSettingsArgs(
                    serverless_compute_custom_subnet=args.jobs_subnet, serverless_compute_no_public_ip=True
                )
                if args.jobs_subnet is not None
                else None
            ),
            image_build_compute=args.image_build,  # a registry without a public address cannot build by itself
            v1_legacy_mode=False,
            tags=dict(site.tags),
            opts=options,
        )
        self.id, self.name, self.group = made.id, made.name, args.group.name
        self.ready = (made, *self._approve(args, made))

    def _approve(self, args: WorkspaceArgs, made: ml.Workspace) -> list[pulumi.Resource]:
        """A rule for each host that jobs may reach, one after the other: Azure refuses two changes at once."""
        site, rules = args.site, list[pulumi.Resource]()
        for host in args.fqdns:
            use = _rule(host)
            options = site.child(self, after=rules[-1:])
            options.custom_timeouts = LONG  # the first of them builds the firewall, the last takes it down
            rule = ml.ManagedNetworkSettingsRule(
                site.name("workspace", use),
                resource_group_name=args.group.name,
                workspace_name=made.name,
                rule_name=use,
                properties=ml.FqdnOutboundRuleArgs(type="FQDN", category="UserDefined", destination=host),
                opts=options,
            )
            rules.append(rule)
        return rules


def _rule(host: str) -> str:
    """A name that no other host's rule has: hosts have dots and hyphens, and no underscores."""
    return "host-" + host.replace("*.", "any__").replace(".", "_")


def _managed_network(args: WorkspaceArgs) -> ml.ManagedNetworkSettingsArgsDict:
    if args.egress is None:
        return {"isolation_mode": "Disabled"}
    closed = args.egress == "none"
    settings: ml.ManagedNetworkSettingsArgsDict = {
        "isolation_mode": "AllowOnlyApprovedOutbound" if closed else "AllowInternetOutbound",
        "managed_network_kind": "V1",  # V2 is a way of no return
    }
    return {**settings, "firewall_sku": FIREWALL} if args.fqdns else settings
