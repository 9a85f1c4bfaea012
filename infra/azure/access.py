"""What the zone's identities may touch: one part that the workspace waits for, and one that waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
from pulumi_azure_native import authorization

from infra.azure import roles
from infra.azure.group import Group
from infra.azure.identity import Identity
from infra.azure.propagation import wait_for_definition
from infra.azure.roles import Grant, Holder, Kind
from infra.azure.site import Site

Submitter = tuple[Kind, str]  # who submits as themselves: kind and object id
# The things of one kind that roles are given on, each with the word that its assignments are called by.
Things = Mapping[str, Sequence[tuple[str, pulumi.Output[str]]]]


@dataclass(frozen=True, slots=True)
class Own:
    """A role of the zone's own: its id, and the resource that assignments wait for."""

    id: pulumi.Output[str]
    made: authorization.RoleDefinition


@dataclass(frozen=True, slots=True)
class RolesArgs:
    """What stands before the workspace: resource ids of the storage account, the vault of secrets, and so on.

    `containers` are names in that account, by use. `endpoints` are private endpoints of it, by group id.
    `when` are settings that are on: `private`, `managedNetwork`, `imagePush`.
    """

    site: Site
    group: Group
    identity: Identity
    storage: pulumi.Output[str]
    containers: Mapping[str, pulumi.Output[str]]
    vault: pulumi.Output[str]
    registry: pulumi.Output[str]
    insights: pulumi.Output[str] | None
    endpoints: Mapping[str, pulumi.Output[str]]
    submitters: Sequence[Submitter] = ()
    when: frozenset[str] = frozenset()


class Roles(pulumi.ComponentResource):
    """`ready` is what the workspace waits for. `agent_actions`, `execution_actions` are all that these may do."""

    ready: tuple[pulumi.Resource, ...]
    agent_actions: tuple[str, ...]
    execution_actions: tuple[str, ...]

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Roles", name, None, opts)
        blobs = pulumi.Output.concat(args.storage, "/blobServices/default/containers/")
        things: Things = {
            "storage": [("storage", args.storage)],
            "vault": [("vault", args.vault)],
            "registry": [("registry", args.registry)],
            "insights": [("insights", args.insights)] if args.insights is not None else [],
            "execution": [("execution", args.identity.execution.id)],
            "endpoints": [(f"{use}-endpoint", endpoint) for use, endpoint in args.endpoints.items()],
            **{use: [(use, pulumi.Output.concat(blobs, one))] for use, one in args.containers.items()},
        }
        # An adopted account is in another group than the zone's: a role reaches no further than its own.
        beside = args.storage.apply(lambda id: id.partition("/providers/")[0])
        own = {
            "runs jobs as another": define(args.site, self, args.group.id, "runs jobs as another"),
            "works with blobs": define(args.site, self, beside, "works with blobs"),
            "adds code": define(args.site, self, beside, "adds code"),
        }
        conditions = {
            "data_is_read_only": args.containers["data"].apply(roles.data_is_read_only),
            "is_code": pulumi.Output.from_input(roles.is_code()),
        }
        of_workspace: list[pulumi.Resource] = []
        for grant, made in _granted(
            args.site, self, args.identity, args.submitters, args.when, things, own, conditions
        ):
            of_workspace += [made] if grant.holder == "workspace" else []
        self.ready = tuple(of_workspace)
        self.agent_actions = roles.actions(("agent", "submitter"), args.when)
        self.execution_actions = roles.actions(("execution",), args.when)
        self.register_outputs({})


@dataclass(frozen=True, slots=True)
class WorkspaceRolesArgs:
    """`workspace` is the resource id of the Azure ML workspace; the rest is as in RolesArgs."""

    site: Site
    identity: Identity
    workspace: pulumi.Output[str]
    submitters: Sequence[Submitter] = ()
    when: frozenset[str] = frozenset()


class WorkspaceRoles(pulumi.ComponentResource):
    """What identities may do in the workspace; what talks to it as one of them waits for `ready`."""

    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: WorkspaceRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:WorkspaceRoles", name, None, opts)
        # Where the workspace is, which need not be the zone's own group: a role reaches no further.
        around = args.workspace.apply(lambda id: id.partition("/providers/")[0])
        own = {"submits jobs": define(args.site, self, around, "submits jobs")}
        things: Things = {"workspace": [("workspace", args.workspace)]}
        every = _granted(args.site, self, args.identity, args.submitters, args.when, things, own)
        self.ready = tuple(made for _, made in every)
        self.register_outputs({})


def define(site: Site, parent: pulumi.Resource, group: pulumi.Output[str], role: str) -> Own:
    """Build one of the zone's own roles in a resource `group` (its id); role names are unique in a tenant.

    The group may be that of something adopted, in which zones of the same name in two stacks define a role each.
    """
    id = group.apply(lambda scope: roles.guid(scope, site.place.name, site.place.suffix, role))
    named = site.name("roles", _short(role))
    made = authorization.RoleDefinition(
        named,
        scope=group,
        role_definition_id=id,
        role_name=id.apply(lambda told: f"{site.place.name} {role} {told[:8]}"),
        role_type="CustomRole",
        description=f"Zone {site.place.name}: {role}",
        assignable_scopes=[group],
        permissions=[
            {
                "actions": list(roles.table().custom[role]),
                "not_actions": [],
                "data_actions": list(roles.table().custom_data.get(role, ())),
                "not_data_actions": [],
            }
        ],
        opts=site.child(parent, hooks=wait_for_definition(site, named)),
    )
    return Own(id, made)


def _granted(
    site: Site,
    parent: pulumi.Resource,
    identity: Identity,
    submitters: Sequence[Submitter],
    when: frozenset[str],
    things: Things,
    own: Mapping[str, Own],
    conditions: Mapping[str, pulumi.Output[str]] = MappingProxyType({}),
) -> Iterator[tuple[Grant, pulumi.Resource]]:
    """Give every role of the table that is on one of `things`."""
    service: Kind = "ServicePrincipal"
    agent = ("agent", identity.agent.principal_id, service)
    members: Mapping[Holder, Sequence[tuple[str, pulumi.Input[str], Kind]]] = {
        "execution": [("execution", identity.execution.principal_id, service)],
        "workspace": [("workspace", identity.workspace.principal_id, service)],
        "agent": [agent],
        "submitter": [agent, *((f"submitter-{n}", id, kind) for n, (kind, id) in enumerate(submitters))],
    }
    for grant in roles.chosen(when):
        for where, scope in (thing for target in grant.on for thing in things.get(target, ())):
            for who, principal, kind in members[grant.holder]:
                role = own.get(grant.role)
                made = roles.assign(
                    site,
                    parent,
                    site.name("roles", f"{who}-{where}-{_short(grant.role)}"),
                    role=role.id if role else grant.role,
                    scope=scope,
                    principal=principal,
                    kind=kind,
                    condition=conditions[grant.condition] if grant.condition else None,
                    after=[role.made] if role else (),
                )
                yield grant, made


def _short(role: str) -> str:
    """A role's name as part of a logical name."""
    return role.lower().replace(" ", "-")
