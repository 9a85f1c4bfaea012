"""What counts as a change, what replaces, and in which order: inputs of last time against those of now."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.plugin.azure.differences import MADE_UP
from localcloud.plugin.azure.provider import AzureProvider
from localcloud.plugin.diff import Difference
from localcloud.plugin.provider import Subject
from localcloud.plugin.values import UNKNOWN, show

ACCOUNT: dict[str, Any] = {
    "resourceGroupName": "g",
    "accountName": "data",
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "192.0.2.1"}]},
    "tags": {"owner": "ml"},
}


def diff(
    token: str, olds: dict[str, Any], news: dict[str, Any], state: dict[str, Any] | None = None
) -> Difference:
    return AzureProvider().diff(Subject(f"azure-native:{token}", "x", "/id", olds), state or {}, news, [])


def changes(token: str, olds: dict[str, Any], **more: Any) -> list[tuple[str, str, bool]]:
    found = diff(token, olds, {**olds, **more})
    return [(show(change.path), change.kind, change.replace) for change in found.changes]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, []),
        ({"tags": {"owner": "ml", "class": "x"}}, [("tags.class", "add", False)]),
        ({"tags": {}}, [("tags.owner", "delete", False)]),
        ({"tags": None}, [("tags", "delete", False)]),
        ({"allowSharedKeyAccess": False}, [("allowSharedKeyAccess", "add", False)]),
        ({"sku": {"name": "Standard_ZRS"}}, [("sku.name", "update", False)]),
        ({"sku": {"name": UNKNOWN}}, [("sku.name", "update", False)]),
        (
            {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "192.0.2.2"}, {}]}},
            [
                ("networkRuleSet.ipRules[0].iPAddressOrRange", "update", False),
                ("networkRuleSet.ipRules[1]", "add", False),
            ],
        ),
        (
            {"networkRuleSet": {"defaultAction": "Deny", "ipRules": []}},
            [("networkRuleSet.ipRules[0]", "delete", False)],
        ),
        ({"accountName": "other"}, [("accountName", "update", True)]),
        ({"resourceGroupName": "h"}, [("resourceGroupName", "update", True)]),
        ({"resourceGroupName": "G"}, []),
        ({"location": "West Europe"}, []),
        ({"location": "northeurope"}, [("location", "update", True)]),
        ({"location": UNKNOWN}, [("location", "update", True)]),
        ({"isHnsEnabled": True}, [("isHnsEnabled", "add", True)]),
        ({"azureApiVersion": "2024-01-01", MADE_UP: True}, [("azureApiVersion", "add", False)]),
    ],
)
def test_a_storage_account_changes(more: dict[str, Any], wanted: list[tuple[str, str, bool]]) -> None:
    assert changes("storage:StorageAccount", ACCOUNT, **more) == wanted


def test_what_the_service_filled_in_is_no_replacement_when_it_is_said_at_last() -> None:
    olds = {name: value for name, value in ACCOUNT.items() if name != "location"}
    same = diff("storage:StorageAccount", olds, ACCOUNT, {"location": "westeurope"})
    assert [(change.kind, change.replace) for change in same.changes] == [("add", False)]
    other = diff("storage:StorageAccount", olds, ACCOUNT, {"location": "northeurope"})
    assert [(change.kind, change.replace) for change in other.changes] == [("add", True)]


def test_drift_counts_only_once_a_refresh_has_put_it_into_the_inputs() -> None:
    assert diff("storage:StorageAccount", ACCOUNT, ACCOUNT, {"tags": {"owner": "someone"}}).changes == ()


def test_another_subnet_of_a_private_endpoint_replaces_it() -> None:
    endpoint = {"resourceGroupName": "g", "privateEndpointName": "e", "subnet": {"id": "/a"}}
    assert changes("network:PrivateEndpoint", endpoint, subnet={"id": "/b"}) == [("subnet.id", "update", True)]


def test_another_principal_replaces_a_role_assignment_and_another_role_is_sent() -> None:
    assignment = {"scope": "/s", "roleAssignmentName": "n", "principalId": "p", "roleDefinitionId": "r"}
    assert changes("authorization:RoleAssignment", assignment, principalId="q") == [
        ("principalId", "update", True)
    ]
    assert changes("authorization:RoleAssignment", assignment, roleDefinitionId="s") == [
        ("roleDefinitionId", "update", False)
    ]


@pytest.mark.parametrize(("made_up", "first"), [({}, True), ({MADE_UP: True}, False), ({MADE_UP: False}, True)])
def test_a_replacement_deletes_first_unless_the_name_was_made_up(made_up: dict[str, Any], first: bool) -> None:
    olds = {**ACCOUNT, **made_up}
    assert diff("storage:StorageAccount", olds, {**olds, "location": "northeurope"}).delete_first is first
    assert diff("storage:StorageAccount", olds, {**olds, "tags": {}}).delete_first is False
