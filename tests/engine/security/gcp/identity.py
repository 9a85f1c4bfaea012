"""Who may do what, as the policies on the cloud say."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.gcp.view import View

_WIDE = {"roles/owner", "roles/editor", "roles/viewer"}

# What the dispatcher calls, by where it must be allowed.
_PROJECT = {
    "aiplatform.customJobs.create",
    "aiplatform.customJobs.get",
    "aiplatform.customJobs.list",
    "aiplatform.customJobs.cancel",
    "logging.logEntries.list",
}
_ACT_AS = "iam.serviceAccounts.actAs"
_TOKEN = "iam.serviceAccounts.getAccessToken"


def roles_are_our_own(view: View) -> Iterator[str]:
    """The zone's accounts hold custom roles only: a role of Google's grows without our doing."""
    for email in (view.zone.identities.agent, view.zone.identities.execution):
        for what, permission, _ in view.granted(email):
            if permission.startswith("roles/"):
                yield f"{email} holds {permission} on {what}"


def no_permission_is_a_wildcard(view: View) -> Iterator[str]:
    """Every permission is written out, and none can change what others may do."""
    for email in (view.zone.identities.agent, view.zone.identities.execution):
        for what, permission, _ in view.granted(email):
            if "*" in permission or permission.endswith(".setIamPolicy"):
                yield f"{email} has {permission} on {what}"


def nobody_holds_a_basic_role(view: View) -> Iterator[str]:
    """Owner, editor and viewer of the project are for nobody of ours."""
    ours = {f"serviceAccount:{account['email']}" for account in view.accounts}
    for binding in view.bindings("project"):
        if binding["role"] in _WIDE and (held := ours & set(binding["members"])):
            yield f"{sorted(held)} hold {binding['role']}"


def the_agent_can_do_its_work(view: View) -> Iterator[str]:
    """Everything the dispatcher calls is there, where it calls it, and the contract says the same."""
    agent, buckets = view.zone.identities.agent, view.zone.buckets
    granted: dict[str, set[str]] = {}
    for what, permission, _ in view.granted(agent):
        granted.setdefault(what, set()).add(permission)
    if missing := _PROJECT - granted.get("project", set()):
        yield f"the agent may not {sorted(missing)}"
    for bucket in (buckets.output.name, buckets.checkpoints.name):
        if missing := {"storage.objects.get", "storage.objects.list"} - granted.get(bucket, set()):
            yield f"the agent may not {sorted(missing)} on {bucket}"
    said, found = set(view.zone.actions.agent), set().union(*granted.values())
    if differ := {one for one in said ^ found if not one.startswith("roles/")}:
        yield f"the contract and the roles differ in {sorted(differ)}"


def jobs_can_do_their_work(view: View) -> Iterator[str]:
    """A job reads its data, writes what it makes, and nothing the contract does not say."""
    execution, buckets = view.zone.identities.execution, view.zone.buckets
    granted: dict[str, set[str]] = {}
    for what, permission, _ in view.granted(execution):
        granted.setdefault(what, set()).add(permission)
    if "storage.objects.get" not in granted.get(buckets.data.name, set()):
        yield "jobs cannot read their data"
    for bucket in (buckets.output.name, buckets.checkpoints.name):
        if "storage.objects.create" not in granted.get(bucket, set()):
            yield f"jobs cannot write to {bucket}"
    said, found = set(view.zone.actions.execution), set().union(*granted.values())
    if differ := {one for one in said ^ found if not one.startswith("roles/")}:
        yield f"the contract and the roles differ in {sorted(differ)}"


def jobs_cannot_write_their_data(view: View) -> Iterator[str]:
    """The data bucket is read only for what runs in a job."""
    for what, permission, _ in view.granted(view.zone.identities.execution):
        if what == view.zone.buckets.data.name and permission.rpartition(".")[2] not in ("get", "list"):
            yield f"jobs have {permission} on {what}"


def the_agent_adds_code_and_replaces_none(view: View) -> Iterator[str]:
    """Of the data it has the folder of code, by a condition; it reads and creates, and replacing takes delete."""
    data = view.zone.buckets.data.name
    folder, adds = f'resource.name.startsWith("projects/_/buckets/{data}/objects/code/")', False
    for what, permission, binding in view.granted(view.zone.identities.agent):
        if what != data:
            continue
        expression = binding.get("condition", {}).get("expression", "")
        adds |= permission == "storage.objects.create"
        if expression != folder or permission not in ("storage.objects.create", "storage.objects.get"):
            yield f"the agent has {permission} on {data} where {expression or 'nothing is asked'}"
    if not adds:
        yield "the agent cannot add code"


def the_agent_acts_as_one_account(view: View) -> Iterator[str]:
    """actAs on the execution account, and on nothing else."""
    agent, execution = view.zone.identities.agent, view.zone.identities.execution
    found = [what for what, permission, _ in view.granted(agent) if permission == _ACT_AS]
    if found != [execution]:
        yield f"the agent acts as {found}"


def jobs_cannot_submit_jobs(view: View) -> Iterator[str]:
    """Code of a user that runs in a job has no rights of the dispatcher."""
    for what, permission, _ in view.granted(view.zone.identities.execution):
        if permission.startswith(("aiplatform.", "iam.")):
            yield f"jobs have {permission} on {what}"


def secrets_are_the_zones(view: View) -> Iterator[str]:
    """A job reads secrets of the zone's own prefix only."""
    prefix = f'startsWith("projects/{view.zone.project_number}/secrets/{view.zone.secrets.store}-")'
    for what, permission, binding in view.granted(view.zone.identities.execution):
        expression = binding.get("condition", {}).get("expression", "")
        if permission.startswith("secretmanager.") and not expression.endswith(prefix):
            yield f"jobs have {permission} on {what} where {expression or 'nothing is asked'}"


def only_named_principals_become_the_agent(view: View) -> Iterator[str]:
    """Tokens of the agent go to people and groups, federated identities and accounts by name; jobs get none."""
    agent = view.zone.identities.agent
    may = {
        member
        for binding in view.bindings(agent)
        if _TOKEN in view.permissions(binding["role"])
        for member in binding["members"]
    }
    if not may:
        yield "nobody can become the agent"
    named = ("user:", "group:", "serviceAccount:", "principal://", "principalSet://")
    yield from (f"{member} becomes the agent" for member in may if not member.startswith(named) or "*" in member)
    if f"serviceAccount:{view.zone.identities.execution}" in may:
        yield "a job becomes the agent"


def nobody_becomes_any_account(view: View) -> Iterator[str]:
    """The rights to act as an account, or to get its tokens, are on that account and never on the project."""
    for binding in view.bindings("project"):
        wide = {_ACT_AS, _TOKEN, "roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator"}
        if held := wide & set(view.permissions(binding["role"])):
            yield f"{binding['members']} have {sorted(held)} on every account"
