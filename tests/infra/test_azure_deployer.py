"""The role of whoever deploys to Azure is made from what a zone uses, and says no more than the table."""

from __future__ import annotations

import re

import yaml

from tools.azure import deployer
from tools.declared import used

# An action is exact, but for the reading of long operations, whose names nobody writes down.
FORM = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+/(read|write|delete|action)")
POLLING = "Microsoft.MachineLearningServices/locations/*/read"


def test_the_committed_role_is_what_the_code_needs_today() -> None:
    assert deployer.COMMITTED.read_text() == deployer.text(), (
        "run: python -m tools.azure.deployer > docs/deployer/azure.json"
    )


def test_the_table_knows_no_type_that_nothing_uses() -> None:
    table = yaml.safe_load(deployer.TABLE.read_text())
    types, lookups = used("azure")
    assert set(table["types"]) == types
    assert set(table["invokes"]) == lookups
    assert table["source"]
    assert table["as_of"]


def test_every_action_is_exact() -> None:
    actions = deployer.role(deployer.EXAMPLE)["Actions"]
    assert actions == sorted(set(actions))
    assert [action for action in actions if not FORM.fullmatch(action)] == [POLLING]


def test_a_deployer_reads_no_data_no_secret_and_signs_in_as_nobody() -> None:
    told = deployer.role(deployer.EXAMPLE)
    assert told["DataActions"] == []
    actions = set(told["Actions"])
    assert not {action for action in actions if "/secrets/" in action or "/jobs/" in action}
    assert not {action for action in actions if "listKeys" in action} - {
        "Microsoft.Storage/storageAccounts/listKeys/action"  # what a diagnostic setting asks of its sender
    }
    assert "Microsoft.KeyVault/vaults/keys/delete" not in actions


def test_what_every_zone_asks_is_about_the_subscription_and_long_operations_alone() -> None:
    """Nobody looks at permissions before an update, so the role names no such action."""
    always = yaml.safe_load(deployer.TABLE.read_text())["always"]
    polled = re.compile(r"/locations/|OperationResults/|OperationStatuses/|/operationresults/")
    others = [action for action in always if not polled.search(action)]
    assert others == ["Microsoft.Resources/subscriptions/providers/read", "Microsoft.Resources/subscriptions/read"]


def test_every_resource_provider_that_a_zone_registers_may_be_registered() -> None:
    registered = {
        action for action in deployer.role(deployer.EXAMPLE)["Actions"] if action.endswith("/register/action")
    }
    namespaces = {action.partition("/")[0] for action in deployer.role(deployer.EXAMPLE)["Actions"]}
    unregistered = namespaces - {action.partition("/")[0] for action in registered}
    assert unregistered == {"Microsoft.Authorization", "Microsoft.Resources"}  # every subscription has these


def test_the_role_is_for_the_subscription_that_is_asked_for() -> None:
    other = "99999999-2222-4333-8444-555555555555"
    assert deployer.role(other)["AssignableScopes"] == [f"/subscriptions/{other}"]
    assert {**deployer.role(other), "AssignableScopes": []} == {
        **deployer.role(deployer.EXAMPLE),
        "AssignableScopes": [],
    }


def test_the_condition_keeps_a_deployer_from_giving_or_taking_roles_that_give_roles() -> None:
    told = deployer.condition()
    never = yaml.safe_load(deployer.TABLE.read_text())["never_given"]
    assert told.count("(") == told.count(")")
    for verb, source in (("write", "@Request"), ("delete", "@Resource")):
        [part] = [part for part in told.split(" AND ") if f"/{verb}'" in part]
        assert source in part
        for id in never.values():
            assert id in part
