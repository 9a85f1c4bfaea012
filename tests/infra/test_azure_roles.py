"""Roles on Azure are as narrow as what they are for, and none lets anybody change who may do what."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from importlib import resources

import pulumi
import pytest
import yaml

from infra.azure import access, roles
from infra.azure.place import Place
from infra.azure.site import Site
from tests.infra.azure_parts import ASKED, PLACE, THEIR_ACCOUNT, S, zone
from tests.infra.recorded import Record

ASSIGNED, DEFINED = "authorization:RoleAssignment", "authorization:RoleDefinition"
EVERYTHING = ("imagePush", "managedNetwork", "private")
GROUP = "33333333-2222-4333-8444-555555555555"
# What would let its holder give rights, read keys of accounts, or sign in as somebody.
TOO_MUCH = re.compile(
    r"Microsoft\.Authorization/|listKeys|listSecrets|listAdmin|regenerate|federatedIdentity|computes/write"
)


def granted(record: Record) -> set[tuple[str, str, str]]:
    """(principal, role, what it is given on) of every assignment; a role of our own by its logical name."""
    by_id = {role: name for name, role in roles.table().builtin.items()}
    own = {
        made.inputs["roleDefinitionId"]: made.name.removeprefix("azure-weu-roles-") for made in record.of(DEFINED)
    }
    found = set()
    for made in record.of(ASSIGNED):
        role = made.inputs["roleDefinitionId"].rpartition("/")[2]
        scope = made.inputs["scope"].split("/")
        found.add((made.inputs["principalId"], by_id.get(role) or own[role], "/".join(scope[-2:])))
    return found


def test_every_action_says_what_it_is_for_and_every_role_has_an_id() -> None:
    data = yaml.safe_load((resources.files("infra.azure") / "data/roles.yaml").read_text())
    assert data["source"]
    assert data["as_of"]
    ours = [*data["custom"].values(), *data["custom_data"].values()]
    assert all(purpose for role in ours for purpose in role.values())
    assert set(data["custom_data"]) <= set(data["custom"])
    for id in data["builtin"].values():
        assert str(uuid.UUID(id)) == id
    assert len(set(data["builtin"].values())) == len(data["builtin"])


def test_every_grant_names_a_role_that_is_there_and_no_role_is_left_over() -> None:
    told = roles.table()
    granted = {grant.role for grant in told.grants}
    elsewhere = {"Key Vault Crypto Service Encryption User"}  # of keys, by keys.py
    assert granted | elsewhere == set(told.builtin) | set(told.custom)
    ours = {grant.role for grant in told.grants if grant.holder != "workspace"} - set(told.custom)
    assert set(told.allows) == ours


def test_assignments_are_exactly_these() -> None:
    account, secrets = "storageAccounts/azureweu", "vaults/azure-w-secrets-"
    found = {(who, role, re.sub(r"[0-9a-f]{8}$", "", on)) for who, role, on in granted(zone(image_push=True))}
    registry, keys = "registries/azureweu", "keys/"
    identity = "userAssignedIdentities/azure-weu-execution-"
    submits = {
        (who, role, on)
        for who in ("principal-agent", GROUP)
        for role, on in (
            ("runs-jobs-as-another", identity),
            ("submits-jobs", "workspaces/azure-weu"),
            ("Storage Blob Data Reader", "containers/output"),
            ("Storage Blob Data Reader", "containers/checkpoints"),
            ("adds-code", "containers/data"),
            ("AcrPull", registry),
        )
    }
    workspace = {
        *(("Contributor", on) for on in (account, secrets, registry, "workspaces/azure-weu")),
        ("Contributor", "components/azure-weu-insights-"),
        ("Storage Blob Data Contributor", account),
        ("Key Vault Administrator", secrets),
        *(
            ("Azure AI Enterprise Network Connection Approver", on)
            for on in (account, secrets, registry, "workspaces/azure-weu")
        ),
        *(("Reader", f"privateEndpoints/azure-weu-{use}-") for use in ("blob", "file")),
        ("Key Vault Crypto Service Encryption User", f"{keys}logs"),
    }
    assert found == submits | {("principal-workspace", role, on) for role, on in workspace} | {
        ("principal-execution", "AcrPull", registry),
        ("principal-execution", "works-with-blobs", account),
        ("principal-execution", "Key Vault Secrets User", secrets),
        ("principal-agent", "AcrPush", registry),
        *(
            ("principal-encryption", "Key Vault Crypto Service Encryption User", f"{keys}{use}")
            for use in ("data", "registry", "logs")
        ),
        ("principal-cosmos", "Key Vault Crypto Service Encryption User", f"{keys}logs"),
    }


def test_the_workspace_has_no_say_over_the_vault_of_keys() -> None:
    scopes = {
        made.inputs["scope"]
        for made in zone().of(ASSIGNED)
        if made.inputs["principalId"] == "principal-workspace" and "/Microsoft.KeyVault/" in made.inputs["scope"]
    }
    [key] = [scope for scope in scopes if "/keys/" in scope]
    vault_of_keys = key.partition("/keys/")[0]
    assert vault_of_keys not in scopes


def test_without_a_managed_network_nobody_approves_endpoints_and_without_pushing_nobody_pushes() -> None:
    record = zone(managed=False, private=False)
    held = {role for _, role, _ in granted(record)}
    assert not held & {"Azure AI Enterprise Network Connection Approver", "Reader", "AcrPush"}


@pytest.mark.parametrize("holders", [("execution",), ("agent", "submitter")])
def test_nobody_of_ours_may_change_who_may_do_what(holders: tuple[roles.Holder, ...]) -> None:
    may = roles.actions(holders, EVERYTHING)
    assert may == tuple(sorted(set(may)))
    assert [action for action in may if TOO_MUCH.search(action)] == []
    assert "*" not in may


def test_the_agent_may_not_delete_what_it_submits_or_touch_clusters() -> None:
    may = roles.actions(("agent", "submitter"), EVERYTHING)
    ml = [action for action in may if action.startswith("Microsoft.MachineLearningServices/")]
    assert [action for action in ml if action.endswith("/*") or "delete" in action] == []
    assert {action.partition("/workspaces/")[2] for action in ml} == {
        "read",
        "*/read",
        "environments/write",
        "environments/build/action",
        "environments/readSecrets/action",
        "jobs/write",
        "jobs/cancel/action",
        "metadata/artifacts/write",
    }


def test_pushing_images_adds_only_what_a_push_needs() -> None:
    extra = set(roles.actions(("agent",), ["imagePush"])) - set(roles.actions(("agent",)))
    assert extra == {
        "Microsoft.ContainerRegistry/registries/pull/read",
        "Microsoft.ContainerRegistry/registries/push/write",
    }


def test_a_job_may_change_nothing_in_the_container_of_data() -> None:
    made = zone().named(ASSIGNED, "azure-weu-roles-execution-storage-works-with-blobs")
    condition = made.inputs["condition"]
    assert made.inputs["conditionVersion"] == "2.0"
    assert condition.endswith(
        "OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringNotEquals 'data'))"
    )
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
    writes = {
        action
        for action in roles.table().custom_data["works with blobs"]
        if action.startswith(blobs) and action != f"{blobs}read"
    }
    assert writes <= set(re.findall(r"ActionMatches\{'([^']+)'\}", condition))
    assert len(writes) == 4
    assert condition.count("(") == condition.count(")")


def test_the_condition_names_an_adopted_container_as_it_is_called() -> None:
    record = zone(existing_account=THEIR_ACCOUNT, existing_containers=(("data", "train-data"),))
    made = record.named(ASSIGNED, "azure-weu-roles-execution-storage-works-with-blobs")
    assert made.inputs["condition"].endswith("StringNotEquals 'train-data'))")


def test_a_job_may_neither_make_nor_delete_a_container() -> None:
    """No condition could keep it from the container of data: conditions are about what touches blobs alone."""
    containers = "Microsoft.Storage/storageAccounts/blobServices/containers/"
    assert {
        action
        for action in roles.actions(("execution",), EVERYTHING)
        if action.startswith("Microsoft.Storage/") and not action.startswith(f"{containers}blobs/")
    } == {f"{containers}read", "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"}
    built_in = {role for who, role, _ in granted(zone(image_push=True)) if who == "principal-execution"}
    assert built_in == {"AcrPull", "Key Vault Secrets User", "works-with-blobs"}


def test_the_role_for_blobs_can_be_given_where_an_adopted_account_is() -> None:
    record = zone(existing_account=THEIR_ACCOUNT)
    made = record.named(DEFINED, "azure-weu-roles-works-with-blobs")
    assert made.inputs["assignableScopes"] == [made.inputs["scope"]] == [THEIR_ACCOUNT.partition("/providers/")[0]]


def test_who_submits_reads_and_adds_code_and_nothing_else_in_the_container_of_data() -> None:
    made = zone().named(ASSIGNED, "azure-weu-roles-agent-data-adds-code")
    assert made.inputs["scope"].endswith("/containers/data")
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    assert set(roles.table().custom_data["adds code"]) == {f"{blobs}/read", f"{blobs}/add/action"}
    assert set(re.findall(r"ActionMatches\{'([^']+)'\}", made.inputs["condition"])) == {
        f"{blobs}/read",
        f"{blobs}/add/action",
    }
    assert made.inputs["condition"].endswith(f"OR (@Resource[{blobs}:path] StringLike 'code/*'))")
    assert made.inputs["condition"].count("(") == made.inputs["condition"].count(")")


def test_no_other_assignment_is_conditional() -> None:
    conditional = {made.name for made in zone(image_push=True).of(ASSIGNED) if "condition" in made.inputs}
    assert conditional == {
        "azure-weu-roles-execution-storage-works-with-blobs",
        "azure-weu-roles-agent-data-adds-code",
        "azure-weu-roles-submitter-0-data-adds-code",
    }


def test_every_assignment_says_what_kind_of_principal_it_is_for() -> None:
    record = zone(submitters=(("Group", GROUP), ("User", "44444444-2222-4333-8444-555555555555")))
    kinds = {made.inputs["principalId"]: made.inputs["principalType"] for made in record.of(ASSIGNED)}
    assert kinds.pop(GROUP) == "Group"
    assert kinds.pop("44444444-2222-4333-8444-555555555555") == "User"
    assert set(kinds.values()) == {"ServicePrincipal"}


def test_an_assignment_s_id_is_made_of_what_it_is() -> None:
    first, again = zone(), zone(ASKED)  # declared anew
    ids = [made.inputs["roleAssignmentName"] for made in first.of(ASSIGNED)]
    assert len(set(ids)) == len(ids)
    assert ids == [made.inputs["roleAssignmentName"] for made in again.of(ASSIGNED)]
    other = zone(submitters=(("Group", "44444444-2222-4333-8444-555555555555"),))
    changed = {
        made.name
        for made, before in zip(other.of(ASSIGNED), first.of(ASSIGNED), strict=True)
        if made.inputs["roleAssignmentName"] != before.inputs["roleAssignmentName"]
    }
    assert {name.partition("-roles-")[2].partition("-0-")[0] for name in changed} == {"submitter"}


def test_ids_do_not_depend_on_letter_case() -> None:
    assert roles.guid("/Subscriptions/A", "b") == roles.guid("/subscriptions/a", "B")
    assert roles.guid("a", "b") != roles.guid("ab", "")


def test_our_own_roles_reach_no_further_than_their_resource_group() -> None:
    record = zone()
    for made in record.of(DEFINED):
        group = f"/subscriptions/{S}/resourceGroups/zone"
        assert made.inputs["scope"] == group
        assert made.inputs["assignableScopes"] == [group]
        [permission] = made.inputs["permissions"]
        assert permission["actions"] or permission["dataActions"]
        assert permission["notActions"] == permission["notDataActions"] == []
        touches = made.name.endswith(("works-with-blobs", "adds-code"))  # data: no other does
        assert bool(permission["dataActions"]) is touches


def test_zones_with_the_same_name_in_another_stack_have_roles_of_another_name() -> None:
    """Names of roles are unique in a tenant, and what two stacks adopt is in one group."""

    def named(place: Place) -> set[str]:
        return {made.inputs["roleName"] for made in zone(place=place).of(DEFINED)}

    assert len(named(PLACE)) == len(roles.table().custom)
    assert not named(PLACE) & named(replace(PLACE, suffix="4d3c2b1a"))


def test_every_new_role_is_waited_for_and_every_assignment_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    tried: dict[str, bool] = {}

    def wait(site: Site, name: str) -> pulumi.ResourceHookBinding:
        waited.append(name)
        return pulumi.ResourceHookBinding()

    def again(site: Site, name: str, identity: bool) -> pulumi.ResourceHookBinding:
        tried[name] = identity
        return pulumi.ResourceHookBinding()

    monkeypatch.setattr(access, "wait_for_definition", wait)
    monkeypatch.setattr(roles, "retry_while_defining", again)
    record = zone(ASKED)  # declared anew
    assert sorted(waited) == [made.name for made in record.of(DEFINED)]
    assert sorted(tried) == [made.name for made in record.of(ASSIGNED)]
    assert {name for name, identity in tried.items() if not identity} == {
        made.name for made in record.of(ASSIGNED) if made.inputs["principalId"] == GROUP
    }


def test_nothing_is_assigned_before_its_role_is_defined() -> None:
    record = zone()
    for made in record.of(DEFINED):
        short = made.name.removeprefix("azure-weu-roles-")
        users = [of for of in record.of(ASSIGNED) if of.name.endswith(short)]
        assert users
        for of in users:
            assert made.urn in of.after
            assert of.inputs["roleDefinitionId"].endswith(f"/{made.inputs['roleDefinitionId']}")
