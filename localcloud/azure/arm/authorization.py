"""Microsoft.Authorization: role definitions and assignments, locks, what a caller may do.

Whether somebody may do a thing is not evaluated, but for making and deleting containers of blobs and for reading
secrets: any other denial has to be asked for as a fault.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localcloud.azure import directory
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.locks import LOCKS
from localcloud.azure.arm.store import Document, Resource, Resources, written
from localcloud.azure.errors import bad, conflict
from localcloud.azure.plane import Request, Route
from localcloud.azure.state import PERSON, SUBSCRIPTION, State

DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "roles.json").read_text())
    return table


@functools.cache
def built_in() -> dict[str, str]:
    """Roles that every tenant has: GUID -> name."""
    return {guid: name for name, guid in _table()["roles"].items()}


def scope_of(id: str) -> str:
    """What an extension such as a role assignment is about."""
    return id[: id.lower().rindex("/providers/microsoft.authorization/")]


def identities(state: State) -> Iterator[Resource]:
    """Every user-assigned identity."""
    yield from state.store(Resources).of(IDENTITIES)


def identity(state: State, client: str) -> Resource | None:
    """The user-assigned identity of a client id."""
    return next((one for one in identities(state) if one.properties.get("clientId") == client), None)


def since(state: State, client: str) -> float | None:
    """When the identity of a client id last became more than it was: made, or given a role."""
    found = identity(state, client)
    if found is None:
        return None
    held = assigned(state, str(found.properties.get("principalId")))
    return max([found.created, *(one.created for one in held)])


def assigned(state: State, principal: str) -> list[Resource]:
    """The role assignments of an object id."""
    found = state.store(Resources).of(ASSIGNMENTS)
    return [one for one in found if one.properties.get("principalId") == principal]


def may(state: State, holder: str, action: str, scope: str, *, data: bool = False) -> bool:
    """Whether an object id may do `action` at `scope`: one with whole containers or, as `data`, one with secrets.

    The person may all. Conditions are not asked: they narrow what touches blobs only.
    """
    if holder == PERSON:
        return True
    known, kind = _table()["secrets" if data else "containers"], "dataActions" if data else "actions"
    for one in assigned(state, holder):
        if not f"{scope.lower()}/".startswith(f"{scope_of(one.id).lower()}/"):
            continue
        id = str(one.properties["roleDefinitionId"]).rpartition("/")[2].lower()
        own = _custom(state, id)
        parts = own.properties.get("permissions", []) if own else []
        allowed = [
            *known.get(built_in().get(id, ""), []),
            *(name for part in parts for name in part.get(kind, [])),
        ]
        if any(fnmatch.fnmatchcase(action, pattern) for pattern in allowed):
            return True
    return False


def _check_assignment(put: Put) -> None:
    if not _GUID.fullmatch(put.target.name):
        raise bad("The role assignment ID must be a GUID.", "InvalidRoleAssignmentId")
    properties = put.body["properties"]
    role = str(properties["roleDefinitionId"]).rpartition("/")[2].lower()
    if role not in built_in() and not _custom(put.state, role):
        raise bad(f"The specified role definition with ID '{role.replace('-', '')}' does not exist.",
                  "RoleDefinitionDoesNotExist")  # fmt: skip
    principal = str(properties["principalId"])
    known = [str(one.properties.get("principalId")) for one in identities(put.state)]
    if principal in (*known, *(id for id, _ in directory.principals(put.state).values())):
        if properties.get("principalType", "ServicePrincipal") != "ServicePrincipal":
            raise bad(
                f"The PrincipalId '{principal.replace('-', '')}' has type 'ServicePrincipal' , which is "
                f"different from specified PrinciaplType '{properties['principalType']}'. Please specify "
                "correct principalType value that matches the input principalId.",
                "UnmatchedPrincipalType",
            )
    elif not _GUID.fullmatch(principal) or properties.get("principalType") == "ServicePrincipal":
        raise bad(
            f"Principal {principal.replace('-', '')} does not exist in the directory. Check that you have the "
            "correct principal ID.",
            "PrincipalNotFound",
        )
    _require_new(put, role, principal)


def _custom(state: State, role: str) -> Resource | None:
    return next((one for one in state.store(Resources).of(DEFINITIONS) if one.name.lower() == role), None)


def _require_new(put: Put, role: str, principal: str) -> None:
    """An assignment cannot change, and there is one of a role, a principal and a scope."""
    scope = scope_of(put.target.id).lower()
    for one in assigned(put.state, principal):
        same = str(one.properties["roleDefinitionId"]).rpartition("/")[2].lower() == role
        if same and scope_of(one.id).lower() == scope and one is not put.old:
            raise conflict("The role assignment already exists.", "RoleAssignmentExists")
    if put.old is not None:
        before = put.old.properties
        old = (str(before["roleDefinitionId"]).rpartition("/")[2].lower(), before["principalId"])
        if old != (role, principal):
            raise bad(
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                "RoleAssignmentUpdateNotPermitted",
            )


def _made_assignment(state: State, resource: Resource) -> None:
    properties = resource.properties
    role = str(properties["roleDefinitionId"]).rpartition("/")[2]
    properties |= {
        "scope": scope_of(resource.id) or "/",
        "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/{DEFINITIONS}/{role}",
        "principalType": properties.get("principalType") or _kind_of(state, str(properties["principalId"])),
        "createdOn": written(resource.created),
        "updatedOn": written(resource.changed),
        "createdBy": PERSON,
        "updatedBy": PERSON,
    }


def _kind_of(state: State, principal: str) -> str:
    known = any(one.properties.get("principalId") == principal for one in identities(state))
    return "ServicePrincipal" if known else "User"


def _assignments(state: State, request: Request, scope: str, found: list[Resource]) -> list[Resource] | Document:
    """The assignments at a scope, above and below it; `$filter` narrows them (roleAssignments_ListForScope)."""
    at = scope.lower()
    whole = [
        one
        for one in state.store(Resources).of(ASSIGNMENTS)
        if f"{at}/".startswith(f"{scope_of(one.id).lower()}/") or scope_of(one.id).lower().startswith(f"{at}/")
    ]
    wanted = request.query.get("$filter", "")
    if wanted == "atScope()":
        return [one for one in whole if f"{at}/".startswith(f"{scope_of(one.id).lower()}/")]
    if match := re.fullmatch(r"(?:assignedTo\('([^']+)'\)|principalId eq '([^']+)')", wanted):
        return [one for one in whole if one.properties["principalId"] == (match[1] or match[2])]
    if wanted:
        raise bad(f"The filter '{wanted}' is not supported.", "InvalidFilter")
    return whole


def _check_definition(put: Put) -> None:
    properties = put.body["properties"]
    if not _GUID.fullmatch(put.target.name):
        raise bad("The role definition ID must be a GUID.", "InvalidRoleDefinitionId")
    if not properties.get("assignableScopes"):
        raise bad("The role definition has no assignable scopes.", "RoleDefinitionMissingAssignableScopes")
    name = properties.get("roleName")
    for one in put.state.store(Resources).of(DEFINITIONS):
        if one is not put.old and one.properties.get("roleName") == name:
            raise conflict(
                f"A custom role with the same name already exists in this directory: {name}.",
                "RoleDefinitionWithSameNameExists",
            )
    properties.setdefault("type", "CustomRole")


def _leave_definition(state: State, resource: Resource) -> None:
    used = [
        one
        for one in state.store(Resources).of(ASSIGNMENTS)
        if str(one.properties["roleDefinitionId"]).rpartition("/")[2].lower() == resource.name.lower()
    ]
    if used:
        raise bad(
            "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).",
            "RoleDefinitionHasAssignments",
        )


def permissions(state: State, request: Request, resource: Resource | None = None) -> object:
    """What the caller may do at a scope: the person everything, others what their custom roles name."""
    with state.lock:
        if request.holder == PERSON:
            return {"value": [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]}
        found: list[Any] = []
        scope = request.path.lower()
        for one in assigned(state, request.holder):
            if not scope.startswith(scope_of(one.id).lower() + "/"):
                continue
            role = _custom(state, str(one.properties["roleDefinitionId"]).rpartition("/")[2].lower())
            found += role.properties.get("permissions", []) if role else []
        return {"value": found}


ROUTES = [
    Route("GET", "/{scope=**}/providers/Microsoft.Authorization/permissions", "ListPermissions", permissions),
]
KINDS = {
    ASSIGNMENTS: Kind(check=_check_assignment, made=_made_assignment, listed=_assignments, echoes=True),
    DEFINITIONS: Kind(check=_check_definition, leave=_leave_definition, echoes=True, versions=("2022-04-01",)),
    LOCKS: Kind(versions=("2016-09-01",)),
}
