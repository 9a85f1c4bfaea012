"""Who may do what, as the role assignments on the cloud say."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud.place import PERSON
from tests.engine.security.azure.view import View

_ML = "Microsoft.MachineLearningServices/workspaces"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_BLOBS = f"{_CONTAINERS}/blobs"
# Built-in roles that change blobs, or whole containers (learn.microsoft.com/azure/role-based-access-control/
# built-in-roles/storage).
_CHANGES_BLOBS = {"Storage Blob Data Contributor", "Storage Blob Data Owner", "Storage Account Contributor"}
_WIDE = {"Owner", "Contributor", "User Access Administrator", "Reader"}
_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"

# What the dispatcher calls on the workspace, which a read of anything in it includes.
_SUBMITS = {
    f"{_ML}/*/read",
    f"{_ML}/environments/write",
    f"{_ML}/jobs/write",
    f"{_ML}/jobs/cancel/action",
}


def no_action_is_a_wildcard(view: View) -> Iterator[str]:
    """Actions of our own roles are written out, reads of what is in a workspace aside; none changes rights."""
    for role in view.own_roles.values():
        for part in role["properties"]["permissions"]:
            for action in [*part.get("actions", []), *part.get("dataActions", [])]:
                if ("*" in action and not action.endswith("/*/read")) or "Microsoft.Authorization" in action:
                    yield f"{role['properties']['roleName']} allows {action}"


def roles_of_our_own_reach_no_further_than_their_group(view: View) -> Iterator[str]:
    """A role can be given in its resource group only."""
    for role in view.own_roles.values():
        for scope in role["properties"]["assignableScopes"]:
            if "/resourcegroups/" not in scope.lower():
                yield f"{role['properties']['roleName']} can be given on {scope}"


def nobody_holds_a_role_on_the_subscription_or_a_group(view: View) -> Iterator[str]:
    """Every role is held on one thing."""
    for held in view.held():
        if "/providers/" not in held.scope:
            yield f"{held.role} is held on {held.scope}"


def only_the_workspace_holds_a_wide_role(view: View) -> Iterator[str]:
    """Neither jobs, nor the agent, nor a person is Owner, Contributor or Reader of anything."""
    for principal in (view.execution, view.agent, PERSON):
        for held in view.held(principal):
            if held.role in _WIDE:
                yield f"{principal} is {held.role} of {held.scope}"
    for held in view.held():
        if held.role in ("Owner", "User Access Administrator"):
            yield f"somebody is {held.role} of {held.scope}"


def whoever_submits_can_do_it(view: View) -> Iterator[str]:
    """The agent and the person who deployed may look at images, submit, follow jobs, and read what these made."""
    buckets = view.zone.buckets
    for who, principal in (("the agent", view.agent), ("the person", PERSON)):
        if missing := _SUBMITS - view.on(principal, view.workspace["id"]):
            yield f"{who} may not {sorted(missing)}"
        if "AcrPull" not in view.on(principal, view.zone.registry.id):
            yield f"{who} cannot look at images"
        for container in view.containers:
            made = container["name"] in (buckets.output.name, buckets.checkpoints.name)
            if made and "Storage Blob Data Reader" not in view.on(principal, container["id"]):
                yield f"{who} cannot read {container['name']}"


def the_contract_says_what_the_agent_may_do(view: View) -> Iterator[str]:
    """Every action of our own roles that the agent holds is told, and no other of the workspace's."""
    held = {action for one in view.held(view.agent) for action in one.actions}
    told = set(view.zone.actions.agent)
    said = {action for action in told if action.startswith((_ML, "Microsoft.ManagedIdentity"))}
    if differ := (held - told) | (said - held):
        yield f"the contract and the roles differ in {sorted(differ)}"


def jobs_can_do_their_work(view: View) -> Iterator[str]:
    """A job pulls its image, reads and writes blobs, and reads the zone's secrets."""
    wanted = {view.zone.registry.id: "AcrPull"}
    wanted |= {one["id"]: f"{_BLOBS}/write" for one in view.accounts if _of_zone(view, one["name"])}
    wanted |= {
        one["id"]: "Key Vault Secrets User"
        for one in view.vaults
        if one["properties"]["vaultUri"].rstrip("/") == view.zone.secrets.store
    }
    for scope, role in wanted.items():
        if role not in view.on(view.execution, scope):
            yield f"jobs lack {role} on {scope}"


def _of_zone(view: View, account: str) -> bool:
    return str(view.zone.buckets.data.uri).startswith(f"https://{account}.")


def jobs_cannot_write_their_data(view: View) -> Iterator[str]:
    """A condition keeps every change of blobs from the container of data, and no container can be deleted.

    A condition is about what touches blobs alone: it does not narrow the right to delete a container.
    """
    data = view.zone.buckets.data.name
    for held in view.held(view.execution):
        if held.role in _CHANGES_BLOBS or {f"{_CONTAINERS}/delete", f"{_CONTAINERS}/write"} & set(held.actions):
            yield f"jobs may delete {data} as a whole: {held.role} on {held.scope}"
        writes = [one for one in held.actions if one.startswith(f"{_BLOBS}/") and not one.endswith("/read")]
        if writes and not all(f"'{one}'" in held.condition for one in writes):
            yield f"jobs may change {data}: {held.condition or 'no condition'}"
        if writes and f"StringNotEquals '{data}'" not in held.condition:
            yield f"jobs may change {data}: {held.condition or 'no condition'}"


def whoever_submits_adds_code_and_replaces_none(view: View) -> Iterator[str]:
    """Of the data they have the folder of code, by a condition, where they read and add; replacing takes write."""
    wanted = {f"{_BLOBS}/read", f"{_BLOBS}/add/action"}
    [data] = [one["id"].lower() for one in view.containers if one["name"] == view.zone.buckets.data.name]
    for principal in (view.agent, PERSON):
        on_data = [held for held in view.held(principal) if f"{data}/".startswith(f"{held.scope.lower()}/")]
        if wanted - {action for held in on_data for action in held.actions}:
            yield f"{principal} cannot add code"
        for held in on_data:
            if beyond := set(held.actions or (held.role,)) - wanted:
                yield f"{principal} has {sorted(beyond)} on {data}"
            asked = all(f"ActionMatches{{'{one}'}}" in held.condition for one in wanted)
            if not asked or f"@Resource[{_BLOBS}:path] StringLike 'code/*'" not in held.condition:
                yield f"{principal} reaches all of {data}: {held.condition or 'no condition'}"


def jobs_cannot_submit_jobs(view: View) -> Iterator[str]:
    """What jobs run as holds nothing on the workspace, and becomes nobody else."""
    for held in view.held(view.execution):
        submits = [one for one in held.actions if one.startswith(_ML) or one == _ASSIGN]
        if view.workspace["id"].lower().startswith(held.scope.lower()) or submits:
            yield f"jobs hold {held.role} on {held.scope}"


def only_the_execution_identity_is_handed_to_jobs(view: View) -> Iterator[str]:
    """The right to let a job run as somebody is held on that identity alone."""
    for held in view.held():
        if _ASSIGN in held.actions and held.scope.lower() != view.zone.identities.execution.lower():
            yield f"jobs may be run as {held.scope}"
    if _ASSIGN not in view.on(view.agent, view.zone.identities.execution):
        yield "the agent cannot let a job run as the execution identity"


def only_jobs_and_the_workspace_read_secrets(view: View) -> Iterator[str]:
    """Neither the agent nor a person reads the secrets that jobs are given."""
    for principal in (view.agent, PERSON):
        for held in view.held(principal):
            if held.role.startswith("Key Vault"):
                yield f"{principal} holds {held.role} on {held.scope}"


def only_declared_tokens_become_an_identity(view: View) -> Iterator[str]:
    """Federated credentials name an issuer and a whole subject, and lead to the agent alone."""
    for id in view.identities:
        for credential in view.every(f"{id}/federatedIdentityCredentials"):
            properties = credential["properties"]
            if id != view.zone.identities.agent.lower() or not view.zone.identities.federation:
                yield f"{properties['subject']} becomes {id.rpartition('/')[2]}"
            if "*" in properties["subject"]:
                yield f"whoever {properties['subject']} is becomes the agent"
