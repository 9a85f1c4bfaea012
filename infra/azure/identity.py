"""The zone's managed identities: what a job runs as, what the dispatcher's agent is, and two that serve the zone.

No one holds a key of any of them. What they may touch is in roles.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity

from infra.azure import clouds
from infra.azure.group import Group
from infra.azure.site import Site
from infra.base import Federation


@dataclass(frozen=True, slots=True)
class Principal:
    """A user-assigned identity: its resource id, the id it signs in with, and the one that roles are given to."""

    id: pulumi.Output[str]
    client_id: pulumi.Output[str]
    principal_id: pulumi.Output[str]


@dataclass(frozen=True, slots=True)
class IdentityArgs:
    """`federation` says whose tokens may be the agent; `audience` is whom they are for (None: the Azure cloud)."""

    site: Site
    group: Group
    federation: Federation | None = None
    audience: str | None = None


class Identity(pulumi.ComponentResource):
    """Four identities.

    `execution` is what jobs run as, `agent` what the dispatcher's agent and CI are. `workspace` is the Azure ML
    workspace itself; `encryption` is what storage and registry use their keys as. `federation` is the id of the
    first federated credential.
    """

    execution: Principal
    agent: Principal
    workspace: Principal
    encryption: Principal
    federation: pulumi.Output[str] | None

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Identity", name, None, opts)
        made = {use: self._identity(args, use) for use in ("execution", "agent", "workspace", "encryption")}
        told = {use: Principal(one.id, one.client_id, one.principal_id) for use, one in made.items()}
        self.execution, self.agent = told["execution"], told["agent"]
        self.workspace, self.encryption = told["workspace"], told["encryption"]
        credentials = list(self._federated(args, made["agent"]))
        self.federation = credentials[0].id if credentials else None
        self.register_outputs({"execution": self.execution.id, "agent": self.agent.id})

    def _identity(self, args: IdentityArgs, use: str) -> managedidentity.UserAssignedIdentity:
        site, place = args.site, args.site.place
        return managedidentity.UserAssignedIdentity(
            site.name("identity", use),
            resource_group_name=args.group.name,
            resource_name_=place.physical("identity", use),
            location=place.region,
            tags=dict(site.tags),
            # Without this one, nobody reads what is in storage and registry, whose keys are used as it alone.
            opts=site.child(self, keep=use == "encryption"),
        )

    def _federated(
        self, args: IdentityArgs, agent: managedidentity.UserAssignedIdentity
    ) -> Iterator[managedidentity.FederatedIdentityCredential]:
        """One credential per subject, one after the other: Azure refuses two at once on one identity."""
        if args.federation is None:
            return
        site, place = args.site, args.site.place
        audience = args.audience or clouds.of(place.environment).federation_audience
        before: list[pulumi.Resource] = []
        for index, subject in enumerate(args.federation.subjects):
            made = managedidentity.FederatedIdentityCredential(
                site.name("identity", f"federated-{index}"),
                resource_group_name=args.group.name,
                resource_name_=agent.name,
                federated_identity_credential_resource_name=f"federated-{index}",
                issuer=f"https://{args.federation.issuer}",
                subject=subject,
                audiences=[audience],
                opts=site.child(self, after=before),
            )
            before = [made]
            yield made
