"""Resource Manager's own rules, whatever the type: ids, api-versions, groups, providers, types, ETags, locks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.azure.arm.operations import Operations
from localcloud.place import SUBSCRIPTION
from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    GROUP,
    HERE,
    IDENTITY,
    SUBSCRIPTION_ID,
    VAULT,
    WORKSPACE,
    Local,
    resource,
)  # fmt: skip

LOCK = f"{GROUP}/providers/Microsoft.Authorization/locks/keep"


def test_a_resource_is_found_in_any_letter_case_and_spelled_as_arm_does(rich: Local) -> None:
    found = rich.got(ACCOUNT.replace("Microsoft.Storage/storageAccounts", "microsoft.storage/storageaccounts"))
    assert (found["id"], found["type"], found["name"]) == (ACCOUNT, "Microsoft.Storage/storageAccounts", "acct")


def test_a_place_is_the_same_with_and_without_its_spaces(azure: Local) -> None:
    assert azure.ask("PUT", GROUP, {"location": "West Europe"})[1]["location"] == "westeurope"


def test_a_resource_stays_in_its_place(rich: Local) -> None:
    refusal = rich.refused("PUT", IDENTITY, {"location": "eastus"})
    assert (refusal["status"], refusal["code"]) == (409, "InvalidResourceLocation")


@pytest.mark.parametrize(
    ("version", "code"),
    [("soon", "InvalidApiVersionParameter"), ("2015-01-01", "NoRegisteredProviderFound")],
)
def test_an_api_version_that_is_none_is_refused(azure: Local, version: str, code: str) -> None:
    refusal = azure.refused("GET", GROUP, version=version)
    assert (refusal["status"], refusal["code"]) == (400, code)


def test_every_call_needs_an_api_version(azure: Local) -> None:
    answer = azure.call("GET", f"/arm{GROUP}")
    assert json.loads(answer.body)["error"]["code"] == "MissingApiVersionParameter"


@pytest.mark.parametrize(
    ("id", "status", "code"),
    [
        (resource("Storage/storageAccounts", "nothere"), 404, "ResourceNotFound"),
        (f"{SUBSCRIPTION_ID}/resourceGroups/none", 404, "ResourceGroupNotFound"),
        (f"{SUBSCRIPTION_ID}/resourceGroups/none/providers/Microsoft.Storage/storageAccounts/x", 404,
         "ResourceGroupNotFound"),
        (f"{GROUP}/providers/Microsoft.Nothing/things/x", 404, "InvalidResourceType"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found_in_arm_s_words(azure: Local, id: str, status: int, code: str) -> None:
    refusal = azure.refused("GET", id)
    assert (refusal["status"], refusal["code"]) == (status, code)


@pytest.mark.parametrize(
    ("id", "status", "code"),
    [
        (f"{SUBSCRIPTION_ID}/resourceGroups/none/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x",
         404, "ResourceGroupNotFound"),
        (GROUP.replace(SUBSCRIPTION, "11111111-1111-4111-8111-111111111111"), 404, "SubscriptionNotFound"),
        (resource("ManagedIdentity/userAssignedIdentities", "none/federatedIdentityCredentials/x"), 404,
         "ParentResourceNotFound"),
    ],
)  # fmt: skip
def test_a_resource_needs_what_it_is_in(azure: Local, id: str, status: int, code: str) -> None:
    refusal = azure.refused("PUT", id, HERE)
    assert (refusal["status"], refusal["code"]) == (status, code)


def test_nothing_is_made_of_a_provider_that_is_not_registered(azure: Local) -> None:
    assert azure.refused("PUT", IDENTITY, HERE)["code"] == "MissingSubscriptionRegistration"
    at = f"{SUBSCRIPTION_ID}/providers/Microsoft.ManagedIdentity"
    assert azure.ask("GET", at, version="2021-04-01")[1]["registrationState"] == "NotRegistered"
    assert azure.ask("POST", f"{at}/register", version="2021-04-01")[1]["registrationState"] == "Registering"
    assert azure.refused("PUT", IDENTITY, HERE)["code"] == "MissingSubscriptionRegistration"
    states = [azure.ask("GET", at, version="2021-04-01")[1]["registrationState"] for _ in range(2)]
    assert states == ["Registering", "Registered"]
    assert azure.ask("PUT", IDENTITY, HERE)[0] == 201


def test_a_namespace_that_does_not_exist_cannot_be_registered(azure: Local) -> None:
    at = f"{SUBSCRIPTION_ID}/providers/Microsoft.Nothing/register"
    assert azure.refused("POST", at, version="2021-04-01")["code"] == "InvalidResourceNamespace"


def test_the_providers_of_the_subscription_are_listed_with_their_states(azure: Local) -> None:
    azure.register("Storage")
    found = azure.ask("GET", f"{SUBSCRIPTION_ID}/providers", version="2021-04-01")[1]["value"]
    states = {one["namespace"]: one["registrationState"] for one in found}
    assert (states["Microsoft.Storage"], states["Microsoft.KeyVault"]) == ("Registered", "NotRegistered")
    assert states["Microsoft.Authorization"] == "Registered"


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"colour": "red"}, "colour", "no such property"),
        ({"properties": {"allowSharedKeyAccess": "no"}}, "properties.allowSharedKeyAccess", "not a boolean"),
        (
            {"properties": {"allowSharedKeyAcces": True}},
            "properties.allowSharedKeyAcces",
            "is allowSharedKeyAccess",
        ),
        ({"sku": {}}, "sku.name", "required"),
        ({"kind": 5}, "kind", "not one of"),
        (
            {"properties": {"provisioningState": "Succeeded"}},
            "properties.provisioningState",
            "the service says it",
        ),
        ({"properties": {"encryption": {"keySource": 1}}}, "properties.encryption.keySource", "not one of"),
    ],
)
def test_a_body_is_held_to_microsoft_s_type(rich: Local, changes: Any, path: str, rule: str) -> None:
    body = BODIES[ACCOUNT] | changes
    refusal = rich.refused("PUT", resource("Storage/storageAccounts", "another"), body)
    assert (refusal["status"], refusal["code"]) == (400, "InvalidRequestContent")
    assert [one["target"] for one in refusal["details"]] == [path]
    assert rule in refusal["details"][0]["message"]


def test_a_name_is_held_to_microsoft_s_type(rich: Local) -> None:
    refusal = rich.refused("PUT", resource("Storage/storageAccounts", "Not-A-Name"), BODIES[ACCOUNT])
    assert [one["target"] for one in refusal["details"]] == ["name"]


def test_what_was_read_can_be_written_back(rich: Local) -> None:
    read = rich.got(ACCOUNT)
    assert "provisioningState" in read["properties"]
    assert rich.ask("PUT", ACCOUNT, read)[0] == 200
    assert rich.got(ACCOUNT)["properties"]["creationTime"] == read["properties"]["creationTime"]


def test_a_body_that_contradicts_its_address_is_refused(rich: Local) -> None:
    refusal = rich.refused("PUT", IDENTITY, {**HERE, "name": "other"})
    assert "does not match that of the address" in refusal["message"]


def test_a_patch_changes_what_it_names_and_nothing_else(rich: Local) -> None:
    rich.ask("PUT", IDENTITY, {**HERE, "tags": {"a": "1", "b": "2"}})
    before = rich.got(IDENTITY)
    status, changed = rich.ask("PATCH", IDENTITY, {"tags": {"a": None, "c": "3"}})
    assert (status, changed["tags"]) == (200, {"b": "2", "c": "3"})
    assert changed["properties"] == before["properties"]
    assert changed["location"] == "westeurope"


def test_an_etag_guards_a_change(rich: Local) -> None:
    id = resource("Network/networkSecurityGroups", "rules")
    rich.made(id, HERE)
    etag = rich.got(id)["etag"]
    assert rich.ask("PUT", id, HERE, if_match=etag)[0] == 200
    assert rich.refused("PUT", id, HERE, if_match=etag)["code"] == "PreconditionFailed"
    assert rich.refused("PUT", id, HERE, if_none_match="*")["status"] == 412
    assert rich.refused("PUT", f"{id}2", HERE, if_match="*")["status"] == 412


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_a_long_operation_is_polled_to_its_end(rich: Local, verb: str) -> None:
    rich.state.store(Operations).polls = 2
    id = resource("Network/networkSecurityGroups", "rules")
    if verb == "DELETE":
        rich.ask("PUT", id, HERE)
    body = HERE if verb == "PUT" else None
    answer = rich.call(verb, f"/arm{id}?api-version=2024-05-01", body)
    assert answer.status == (201 if verb == "PUT" else 202)
    headers = dict(answer.headers)
    assert float(headers["x-ms-retry-after-ms"]) > 0
    if verb == "PUT":
        assert json.loads(answer.body)["properties"]["provisioningState"] == "Creating"
        assert rich.got(id)["properties"]["provisioningState"] == "Creating"
    path = headers["Azure-AsyncOperation"].partition("/_azure")[2]
    states = [json.loads(rich.call("GET", path).body)["status"] for _ in range(3)]
    assert states == ["InProgress", "InProgress", "Succeeded"]
    assert rich.ask("GET", id)[0] == (200 if verb == "PUT" else 404)
    if verb == "PUT":
        assert rich.got(id)["properties"]["provisioningState"] == "Succeeded"


def test_the_location_of_an_operation_answers_the_resource_when_it_is_there(rich: Local) -> None:
    rich.state.store(Operations).polls = 1
    id = resource("Storage/storageAccounts", "later")
    answer = rich.call("PUT", f"/arm{id}?api-version=2024-01-01", BODIES[ACCOUNT])
    assert (answer.status, answer.body) == (202, b"")
    path = dict(answer.headers)["Location"].partition("/_azure")[2]
    first, second = rich.call("GET", path), rich.call("GET", path)
    assert first.status == 202
    assert (second.status, json.loads(second.body)["id"]) == (200, id)


def test_a_deletion_takes_what_is_inside_and_is_done_once(rich: Local) -> None:
    container = f"{ACCOUNT}/blobServices/default/containers/data"
    rich.made(container, {"properties": {}})
    assert rich.ask("DELETE", ACCOUNT)[0] == 200
    assert rich.refused("GET", container)["status"] == 404
    assert rich.ask("DELETE", ACCOUNT)[0] == 204


def test_a_group_goes_with_all_that_is_in_it(rich: Local) -> None:
    assert rich.ask("HEAD", GROUP)[0] == 204
    assert rich.ask("DELETE", GROUP)[0] == 202
    assert rich.ask("HEAD", GROUP)[0] == 404
    assert rich.refused("GET", WORKSPACE)["code"] == "ResourceGroupNotFound"
    assert rich.refused("DELETE", GROUP)["code"] == "ResourceGroupNotFound"


def test_a_lock_keeps_what_it_is_on_below_and_above(rich: Local) -> None:
    lock = f"{VAULT}/providers/Microsoft.Authorization/locks/keep"
    rich.made(lock, {"properties": {"level": "CanNotDelete"}})
    assert rich.refused("DELETE", VAULT)["code"] == "ScopeLocked"
    assert rich.refused("DELETE", GROUP)["code"] == "ScopeLocked"
    assert rich.ask("PUT", VAULT, BODIES[VAULT])[0] == 200
    assert rich.ask("DELETE", lock)[0] == 200
    assert rich.ask("DELETE", VAULT)[0] == 200


def test_a_read_only_lock_keeps_from_changes_too(rich: Local) -> None:
    rich.made(LOCK, {"properties": {"level": "ReadOnly"}})
    assert rich.refused("PUT", IDENTITY, HERE)["code"] == "ScopeLocked"


def test_resources_are_listed_by_group_by_subscription_and_by_parent(rich: Local) -> None:
    rich.made(f"{ACCOUNT}/blobServices/default/containers/data", {"properties": {}})
    wide = rich.got(f"{SUBSCRIPTION_ID}/providers/Microsoft.Storage/storageAccounts")
    narrow = rich.got(f"{GROUP}/providers/Microsoft.Storage/storageAccounts")
    assert [one["name"] for one in wide["value"]] == [one["name"] for one in narrow["value"]] == ["acct"]
    inside = rich.got(f"{ACCOUNT}/blobServices/default/containers")["value"]
    assert "data" in [one["name"] for one in inside]
    everything = rich.ask("GET", f"{GROUP}/resources", version="2021-04-01")[1]["value"]
    assert {one["id"] for one in everything} == set(BODIES)
    assert [one["name"] for one in rich.got(f"{SUBSCRIPTION_ID}/resourceGroups")["value"]] == ["group"]
    assert rich.refused("GET", f"{VAULT}x/keys")["status"] == 404


@pytest.mark.parametrize("authorization", ["", "Basic abc", "Bearer nonsense", "Bearer a.b.c"])
def test_without_a_token_of_ours_nobody_is_let_in(azure: Local, authorization: str) -> None:
    answer = azure.call("GET", f"/arm{GROUP}?api-version=2024-03-01", authorization=authorization)
    assert answer.status == 401
    assert "authorization_uri=" in dict(answer.headers)["WWW-Authenticate"]


def test_what_there_is_not_is_said_to_be_missing_here(azure: Local) -> None:
    answer = azure.call("GET", "/nothing/at/all")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (404, "NotImplemented")
    assert azure.refused("POST", f"{GROUP}/validate")["code"] == "NotImplemented"
