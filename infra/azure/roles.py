"""Who may do what: the rows of data/roles.yaml, and how a role is given to one identity on one thing."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import pulumi
import yaml
from pulumi_azure_native import authorization

from dispatcher.contract import CODE_FOLDER
from infra.azure.propagation import retry_while_defining, wait_for_assignment
from infra.azure.site import Site

Holder = Literal["execution", "agent", "submitter", "workspace"]
Kind = Literal["User", "Group", "ServicePrincipal"]
CONDITION_VERSION = "2.0"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
# What changes a blob (learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes, actions).
WRITES = ("write", "add/action", "delete", "deleteBlobVersion/action", "move/action", "tags/write")


@dataclass(frozen=True, slots=True)
class Grant:
    """`holder` gets `role` (a built-in one or one of ours) on each of `on`; `condition` names what narrows it."""

    holder: Holder
    role: str
    on: tuple[str, ...]
    when: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """data/roles.yaml: ids of built-in roles, what is granted, actions of our own roles and of those granted.

    `custom` are all our own; those of them that touch data have `custom_data` besides.
    """

    builtin: Mapping[str, str]
    grants: tuple[Grant, ...]
    custom: Mapping[str, tuple[str, ...]]
    custom_data: Mapping[str, tuple[str, ...]]
    allows: Mapping[str, tuple[str, ...]]


@functools.cache
def table() -> Table:
    """The data file; actions are sorted."""
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/roles.yaml").read_text())
    return Table(
        data["builtin"],
        tuple(Grant(**{**grant, "on": tuple(grant["on"])}) for grant in data["grants"]),
        *(
            {role: tuple(sorted(actions)) for role, actions in data[part].items()}
            for part in ("custom", "custom_data", "allows")
        ),
    )


def chosen(when: Iterable[str] = ()) -> list[Grant]:
    """The grants of a zone in which the settings `when` (such as `imagePush`) are on."""
    on = set(when)
    return [grant for grant in table().grants if grant.when is None or grant.when in on]


def actions(holders: Iterable[Holder], when: Iterable[str] = ()) -> tuple[str, ...]:
    """Every action that somebody who is all of `holders` may take somewhere, sorted, each once."""
    wanted, told = set(holders), table()
    held = {grant.role for grant in chosen(when) if grant.holder in wanted}
    allowed = [part.get(role, ()) for role in held for part in (told.custom, told.custom_data, told.allows)]
    return tuple(sorted({action for part in allowed for action in part}))


def guid(*parts: str) -> str:
    """An id that is made of `parts`, whatever their letter case, and the same whenever they are."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(parts).lower()))


def role_id(subscription: str, role: str) -> str:
    """The resource id of a role definition, by the `subscription` (`/subscriptions/S`) and the role's own id."""
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def data_is_read_only(container: str) -> str:
    """The condition under which nothing in `container` is changed, though everything else may be."""
    changes = " OR ".join(f"ActionMatches{{'{_BLOBS}/blobs/{one}'}}" for one in WRITES)
    return f"((!({changes})) OR (@Resource[{_BLOBS}:name] StringNotEquals '{container}'))"


def is_code() -> str:
    """The condition under which blobs are read and added in a container's folder of code only."""
    changes = " AND ".join(f"!(ActionMatches{{'{_BLOBS}/blobs/{one}'}})" for one in ("read", "add/action"))
    return f"(({changes}) OR (@Resource[{_BLOBS}/blobs:path] StringLike '{CODE_FOLDER}/*'))"


def assign(
    site: Site,
    parent: pulumi.Resource,
    name: str,
    *,
    role: pulumi.Input[str],
    scope: pulumi.Output[str],
    principal: pulumi.Input[str],
    kind: Kind = "ServicePrincipal",
    condition: pulumi.Output[str] | None = None,
    after: Sequence[pulumi.Resource] = (),
) -> authorization.RoleAssignment:
    """Give `principal` (an object id) the role on `scope` (a resource id), under the logical `name`.

    `role` is the name of a built-in role, or the id of one of our own. The assignment's own id is made of all
    three, as in ARM templates: what is assigned again to another principal is another assignment.
    """
    of = pulumi.Output.from_input(role).apply(lambda named: table().builtin.get(named, named))
    told = pulumi.Output.all(scope, principal, of).apply(lambda parts: guid(*parts))
    hooks = pulumi.ResourceHookBinding.merge(
        wait_for_assignment(site, name), retry_while_defining(site, name, identity=kind == "ServicePrincipal")
    )
    return authorization.RoleAssignment(
        name,
        scope=scope,
        role_assignment_name=told,
        role_definition_id=of.apply(lambda id: role_id(site.place.scope, id)),
        principal_id=principal,
        principal_type=kind,  # said, so that a principal made a moment ago is not looked up
        condition=condition,
        condition_version=CONDITION_VERSION if condition is not None else None,
        opts=site.child(parent, after=after, hooks=hooks),
    )
