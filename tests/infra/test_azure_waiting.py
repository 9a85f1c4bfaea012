"""Azure tells late of what it made: roles are waited for, registrations too, a name still taken is explained."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest
import requests

from infra.azure import propagation, reserved, resource_providers
from infra.azure.rest import Answer, Rest
from infra.propagation import PAUSES, Clock, until
from tests.infra.azure_parts import S
from tests.infra.azure_zone import Subscription

SCOPE = f"/subscriptions/{S}/resourceGroups/zone"
ASSIGNMENT = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/one"
NOTHING, FOUND = Answer(200, {"value": []}), Answer(200, {"value": [{"id": ASSIGNMENT.upper()}]})


@dataclass
class Azure:
    """Gives these answers, the last one for ever, and keeps the questions."""

    given: list[Answer]
    asked: list[tuple[str, str, str, dict[str, str]]] = field(default_factory=list)

    def ask(self, path: str, version: str, verb: str = "GET", **query: str) -> Answer:
        self.asked.append((verb, path, version, query))
        return self.given[min(len(self.asked), len(self.given)) - 1]


def rest(*given: Answer) -> tuple[Azure, Rest]:
    cloud = Azure(list(given))
    return cloud, cast(Rest, cloud)


def waited() -> tuple[list[float], Clock]:
    slept: list[float] = []
    return slept, Clock(slept.append)


def test_an_assignment_is_there_when_a_list_by_its_principal_has_it_whatever_the_letter_case() -> None:
    cloud, way = rest(NOTHING, Answer(403, {"error": {"code": "AuthorizationFailed"}}), FOUND)
    slept, clock = waited()
    assert until(lambda: propagation.assigned(way, SCOPE, ASSIGNMENT, "principal-1"), clock)
    assert slept == [1.0, 2.0]
    assert cloud.asked[0] == (
        "GET",
        f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments",
        "2022-04-01",
        {"$filter": "principalId eq 'principal-1'"},
    )


def test_an_assignment_that_stays_unseen_is_told_after_half_a_minute_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    hooks: list[Any] = []
    monkeypatch.setattr("pulumi.log.warn", told.append)
    monkeypatch.setattr("pulumi.ResourceHook", lambda name, callback: hooks.append((name, callback)))
    slept, clock = waited()
    site = cast(Any, SimpleNamespace(rest=rest(NOTHING)[1]))
    propagation.wait_for_assignment(site, "azure-weu-roles-agent", clock)
    [(name, hook)] = hooks
    hook(SimpleNamespace(id=ASSIGNMENT, new_outputs={"scope": SCOPE, "principalId": "principal-1"}))
    assert name == "azure-weu-roles-agent-there"
    assert sum(slept) == sum(PAUSES) == 31.0
    assert told == [
        "a role is assigned but not found everywhere yet; what needs it is tried again for some minutes"
    ]


ROLE = f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/one"


def test_a_new_role_is_there_when_three_questions_in_a_row_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's servers are out of step for a while, and answer in turn."""
    hooks: list[Any] = []
    monkeypatch.setattr("pulumi.ResourceHook", lambda name, callback: hooks.append((name, callback)))
    there, absent = Answer(200, {}), Answer(404, {"error": {"code": "RoleDefinitionDoesNotExist"}})
    cloud, way = rest(there, absent, there, there, absent, there, there, there, absent)
    slept, clock = waited()
    site = cast(Any, SimpleNamespace(rest=way))
    propagation.wait_for_definition(site, "azure-weu-roles-submits-jobs", clock)
    [(name, hook)] = hooks
    hook(SimpleNamespace(id=ROLE, new_outputs={}))
    assert name == "azure-weu-roles-submits-jobs-there"
    assert slept == [1.0, 2.0]
    assert set(map(str, cloud.asked)) == {str(("GET", ROLE, "2022-04-01", {}))}


UNKNOWN_ROLE = 'Code="RoleDefinitionDoesNotExist" Message='
UNKNOWN_PRINCIPAL = 'Code="PrincipalNotFound" Message="Principal 123 does not exist in the directory 456"'


@pytest.mark.parametrize(
    ("error", "identity", "tried_again"),
    [
        (UNKNOWN_ROLE, True, True),
        (UNKNOWN_ROLE, False, True),
        (UNKNOWN_PRINCIPAL, True, True),
        (UNKNOWN_PRINCIPAL, False, False),  # a group that somebody misspelt
        ("Code=RoleAssignmentExists", True, False),
    ],
)
def test_an_assignment_is_tried_again_while_what_was_just_made_is_unknown(
    error: str, identity: bool, tried_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = hooked(monkeypatch)
    slept, clock = waited()
    site = cast(Any, SimpleNamespace(emulator=None))
    propagation.retry_while_defining(site, "azure-weu-roles-agent", identity, clock)
    assert hooks[0](SimpleNamespace(errors=[error])) is tried_again
    assert slept == ([5.0] if tried_again else [])


def hooked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    hooks: list[Any] = []
    monkeypatch.setattr("pulumi.ErrorHook", lambda name, callback: hooks.append(callback))
    return hooks


def again(
    monkeypatch: pytest.MonkeyPatch, errors: list[str], emulator: str | None = None
) -> tuple[bool, list[float]]:
    """What the hook of something that needs a role says to its latest error, and how long it paused before."""
    hooks = hooked(monkeypatch)
    slept, clock = waited()
    site = cast(Any, SimpleNamespace(emulator=emulator))
    propagation.retry_while_granting(site, "azure-weu-storage-account", None if emulator else clock)
    return hooks[0](SimpleNamespace(errors=errors)), slept


KEY = 'Status=400 Code="KeyVaultAuthenticationFailure" Message="failed because of authentication issue"'


@pytest.mark.parametrize(
    "error",
    [
        KEY,
        'Code="PrincipalNotFound" Message="Principal 123 is not there yet"',
        "Principal 123 does not exist in the directory 456",
        "The user, group or application does not have secrets or wrapkey permission on key vault 'acme'",
        'InnerError={"code":"ForbiddenByRbac"}',
        "Failed to access KeyId 'https://acme.vault.azure.net/keys/registry/1'.",
        "For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
        "Verify that identity '123' has 'Get, Wrap Key, Unwrap Key' permission on key 'acme'.",
        "The identity does not have the required permissions on key vault 'acme'",
        "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role "
        "definitions were changed recently, please observe propagation time.",
    ],
)
def test_what_a_role_under_way_refuses_is_tried_again(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(monkeypatch, [error]) == (True, [5.0])
    assert again(monkeypatch, [error] * 4) == (True, [30.0])


def test_a_role_that_never_comes_is_given_up_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(propagation.GRANTED) == 600.0
    assert again(monkeypatch, [KEY] * (len(propagation.GRANTED) + 1)) == (False, [])


@pytest.mark.parametrize(
    "error",
    [
        "Code=QuotaExceeded",
        "Code=StorageAccountAlreadyTaken",
        'Code="AuthorizationFailed" Message="The client does not have authorization to perform action"',
        # What only the deployer's own rights would help with.
        'Code="LinkedAuthorizationFailed" Message="The client has permission to perform action '
        "'Microsoft.MachineLearningServices/workspaces/write' on scope '/subscriptions/1'; however, it does not "
        "have permission to perform action(s) 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on "
        "the linked scope(s) '/subscriptions/1/x' or the linked scope(s) are invalid.\"",
    ],
)
def test_no_other_refusal_is_tried_again(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(monkeypatch, [error, KEY]) == (False, [])


def test_an_emulators_roles_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited"))
    assert again(monkeypatch, [KEY], emulator="http://127.0.0.1:1/_azure") == (True, [])


@pytest.mark.parametrize(
    ("error", "kept", "words"),
    [
        ("Soft-deleted workspace exists. Please purge or recover it.", reserved.WORKSPACE, "for 14 days"),
        ("A vault with the same name already exists in deleted state.", reserved.VAULT, "az keyvault recover"),
    ],
)
def test_a_name_that_a_deleted_thing_keeps_is_explained_with_the_ways_out(
    error: str, kept: reserved.Kept, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", told.append)
    hooks = hooked(monkeypatch)
    reserved.explained("azure-weu-workspace", kept)
    assert hooks[0](SimpleNamespace(errors=[error])) is False
    assert hooks[0](SimpleNamespace(errors=["Code=QuotaExceeded"])) is False
    [message] = told
    assert message.startswith(f"azure-weu-workspace: its name is still taken by a deleted {kept.what}")
    assert words in message


def site(cloud: Subscription) -> Any:
    return SimpleNamespace(
        rest=SimpleNamespace(
            endpoint="https://management.azure.com",
            ask=lambda *args, **query: cloud.ask(cast(Any, None), *args, **query),
        ),
        place=SimpleNamespace(scope=f"/subscriptions/{S}", subscription=S),
        setting=lambda path: f"launchway:zones[0].{path}",
    )


def test_every_resource_provider_is_needed_by_the_setting_that_asks_for_it() -> None:
    always = resource_providers.needed()
    assert "Microsoft.MachineLearningServices" in always
    assert "Microsoft.Network" not in always
    assert set(resource_providers.needed(["private", "budget"])) - set(always) == {
        "Microsoft.Network",
        "Microsoft.Consumption",
    }


def test_what_is_not_registered_is_registered_and_waited_for() -> None:
    cloud, (slept, clock) = Subscription(registered=False), waited()
    resource_providers.register(site(cloud), ["Microsoft.KeyVault"], clock)
    at = f"/subscriptions/{S}/providers/Microsoft.KeyVault"
    assert cloud.asked == [("GET", at), ("POST", f"{at}/register"), ("GET", at)]
    assert slept == []


def test_what_is_registered_costs_one_question() -> None:
    cloud = Subscription()
    resource_providers.register(site(cloud), ["Microsoft.KeyVault"], waited()[1])
    assert len(cloud.asked) == 1


def test_a_preview_tells_what_an_update_will_register_and_registers_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    monkeypatch.setattr("pulumi.log.info", told.append)
    cloud = Subscription(registered=False)
    resource_providers.register(site(cloud), ["Microsoft.KeyVault", "Microsoft.Storage"], waited()[1])
    assert told == [f"subscription {S}: will register Microsoft.KeyVault, Microsoft.Storage"]
    assert {verb for verb, _ in cloud.asked} == {"GET"}


def test_who_may_not_register_is_told_what_its_owner_has_to_run() -> None:
    cloud = Subscription(registered=False, refuses=True)
    with pytest.raises(Exception, match=r"az provider register --namespace Microsoft\.KeyVault --wait") as error:
        resource_providers.register(site(cloud), ["Microsoft.KeyVault"], waited()[1])
    assert "403 AuthorizationFailed the client may not" in str(error.value)


def test_a_registration_that_takes_too_long_is_given_up_after_ten_minutes() -> None:
    class Slow(Subscription):
        def ask(self, rest: Rest, path: str, version: str, verb: str = "GET", **query: str) -> Answer:
            super().ask(rest, path, version, verb)
            return Answer(200, {"registrationState": "Registering"})

    slept, clock = waited()
    with pytest.raises(Exception, match=r"still registers Microsoft\.KeyVault"):
        resource_providers.register(site(Slow()), ["Microsoft.KeyVault"], clock)
    assert sum(slept) == 600.0


def test_what_somebody_else_was_to_register_is_asked_for_in_one_message() -> None:
    with pytest.raises(Exception, match=r"zones\[0\]\.accountScope: subscription .* has not registered") as error:
        resource_providers.check(
            site(Subscription(registered=False)),
            ["Microsoft.KeyVault", "Microsoft.Storage"],
            "launchway:zones[0].accountScope",
        )
    assert "--namespace Microsoft.Storage" in str(error.value)


def test_an_unreadable_subscription_is_told_with_azures_words() -> None:
    class Closed(Subscription):
        def ask(self, rest: Rest, path: str, version: str, verb: str = "GET", **query: str) -> Answer:
            return Answer(404, {"error": {"code": "SubscriptionNotFound", "message": "no such thing"}})

    with pytest.raises(Exception, match=r"zones\[0\]\.subscription: .* 404 SubscriptionNotFound no such thing"):
        resource_providers.register(site(Closed()), ["Microsoft.KeyVault"], waited()[1])


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_azure_that_does_not_answer_is_one_line_with_what_to_do(verb: str) -> None:
    class Away(Subscription):
        def ask(self, rest: Rest, path: str, version: str, verb_: str = "GET", **query: str) -> Answer:
            if verb_ == verb:
                raise requests.exceptions.ConnectTimeout("HTTPSConnectionPool: Max retries exceeded")
            return super().ask(rest, path, version, verb_, **query)

    with pytest.raises(pulumi.RunError) as told:
        resource_providers.register(site(Away(registered=False)), ["Microsoft.KeyVault"], waited()[1])
    assert str(told.value) == (
        "launchway:zones[0].subscription: management.azure.com did not answer (ConnectTimeout); check the "
        "network, VPN and proxy (HTTPS_PROXY) of this machine and run the same command again"
    )
    assert told.value.__cause__ is None
