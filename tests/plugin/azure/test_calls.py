"""What the stand-in sends to ARM and waits for, and how it tells what went wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from localcloud.azure.state import CLI, PERSON, SUBSCRIPTION, TENANT
from localcloud.plugin import loopback
from localcloud.plugin.azure.provider import AzureProvider
from localcloud.plugin.azure.session import Arm, Settings
from localcloud.plugin.loopback import Answer
from localcloud.plugin.provider import PartialFailure, ProviderError, Subject
from localcloud.plugin.values import UNKNOWN
from tests.plugin.azure.lives import VAULT
from tests.plugin.azure.local import GROUP, SECRET, URL, Local

RESOURCE_GROUP = "azure-native:resources:ResourceGroup"
NETWORK = "azure-native:network:VirtualNetwork"
ID = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net"
INPUTS: dict[str, Any] = {
    "resourceGroupName": "g",
    "virtualNetworkName": "net",
    "location": "westeurope",
    "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
}
Script = Mapping[tuple[str, str], list[Answer]]


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"" if body is None else json.dumps(body).encode())


def refused(status: int, code: str, message: str = "no") -> Answer:
    return answer(status, {"error": {"code": code, "message": message}})


class Scripted:
    """An ARM that answers as it is told: method and path -> answers, the last of them again and again."""

    def __init__(self, script: Script) -> None:
        self.script = {key: list(answers) for key, answers in script.items()}
        self.calls: list[tuple[str, str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.pauses: list[float] = []

    def send(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
        path = url.removeprefix(f"{URL}/_azure/").partition("?")[0]
        if path == "identity":
            self.headers.append(headers)
            return answer(200, {"access_token": token(oid="o", appid="a", tid="t"), "expires_on": "99999999999"})
        self.calls.append((method, path, body))
        answers = self.script[method, path.removeprefix("arm")]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def provider(self, **settings: str) -> AzureProvider:
        made = AzureProvider()
        made._arm = Arm(Settings(SUBSCRIPTION, **settings), self.send, self.pauses.append)
        return made


def token(**claims: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{payload}.tail"


def create(provider: AzureProvider, inputs: dict[str, Any] = INPUTS, seconds: float = 0.0) -> Any:
    return provider.create(Subject(NETWORK, "net", seconds=seconds), inputs)


def test_a_creation_looks_first_puts_the_body_and_reads_it_again(local: Local) -> None:
    provider = local.provider()
    local.ask("PUT", GROUP, "2024-03-01", {"location": "westeurope"})
    local.calls.clear()
    id, outputs = create(provider, {**INPUTS, "tags": {"owner": "ml"}, "enableVmProtection": None})
    assert id == ID
    assert (outputs["name"], outputs["type"]) == ("net", "Microsoft.Network/virtualNetworks")
    assert outputs["azureApiVersion"] == "2024-05-01"
    path = f"arm{ID}?api-version=2024-05-01"
    arm = [call for call in local.calls if call[1] == path]
    assert [call[0] for call in arm][:2] == ["GET", "PUT"]
    assert arm[-1][0] == "GET"
    assert arm[1][2] == {
        "location": "westeurope",
        "tags": {"owner": "ml"},
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [],
            "virtualNetworkPeerings": [],
        },
    }


def test_what_exists_is_not_made_again() -> None:
    there = Scripted({("GET", ID): [answer(200, {"id": ID})]})
    with pytest.raises(ProviderError, match=f"cannot create already existing resource '{ID}'"):
        create(there.provider())


def test_what_comes_with_its_parent_is_taken_over_and_set_back_at_the_end(local: Local) -> None:
    local.ask("PUT", GROUP, "2024-03-01", {"location": "westeurope"})
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data"
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    local.ask("PUT", account, "2024-01-01", body)
    provider, token_ = local.provider(), "azure-native:storage:BlobServiceProperties"
    inputs = {
        "resourceGroupName": "g",
        "accountName": "data",
        "blobServicesName": "default",
        "isVersioningEnabled": True,
    }
    id, outputs = provider.create(Subject(token_, "data"), inputs)
    assert outputs["isVersioningEnabled"] is True
    provider.delete(Subject(token_, "data", id, inputs), inputs, outputs)
    assert local.calls[-1] == ("PUT", f"arm{id}?api-version=2024-01-01", {})


def test_an_update_keeps_what_has_resources_of_its_own(local: Local) -> None:
    local.ask("PUT", GROUP, "2024-03-01", {"location": "westeurope"})
    provider = local.provider()
    id, outputs = create(provider)
    subnet = {
        "resourceGroupName": "g",
        "virtualNetworkName": "net",
        "subnetName": "a",
        "addressPrefix": "10.0.1.0/24",
    }
    provider.create(Subject("azure-native:network:Subnet", "a"), subnet)
    refreshed = provider.read(Subject(NETWORK, "net", id, INPUTS), INPUTS, outputs)
    assert refreshed is not None
    assert refreshed.inputs == INPUTS
    assert [one["name"] for one in refreshed.outputs["subnets"]] == ["a"]
    wanted = {**INPUTS, "tags": {"owner": "ml"}}
    updated = provider.update(Subject(NETWORK, "net", id, INPUTS), outputs, wanted)
    assert [one["name"] for one in updated["subnets"]] == ["a"]
    sent = next(body for method, _, body in reversed(local.calls) if method == "PUT")
    assert [one["name"] for one in sent["properties"]["subnets"]] == ["a"]


def test_a_refresh_takes_over_what_changed_and_not_what_the_service_filled_in(local: Local) -> None:
    local.ask("PUT", GROUP, "2024-03-01", {"location": "westeurope"})
    provider, token_ = local.provider(), "azure-native:keyvault:Vault"
    inputs = {"resourceGroupName": "g", "vaultName": "vault-1", "location": "westeurope", "properties": VAULT}
    id, outputs = provider.create(Subject(token_, "v"), inputs)
    body = {
        "location": "westeurope",
        "properties": {**VAULT, "publicNetworkAccess": "Enabled"},
        "tags": {"a": "b"},
    }
    assert local.ask("PUT", id, "2024-11-01", body)[0] == 200
    found = provider.read(Subject(token_, "v", id, inputs), inputs, outputs)
    assert found is not None
    assert found.inputs == {
        **inputs,
        "properties": {**VAULT, "publicNetworkAccess": "Enabled"},
        "tags": {"a": "b"},
    }


def test_reading_what_is_gone_says_so(local: Local) -> None:
    subject = Subject(RESOURCE_GROUP, "g", GROUP, {"resourceGroupName": "g"})
    assert local.provider().read(subject, {"resourceGroupName": "g"}, {"name": "g"}) is None
    local.provider().delete(subject, {}, {})


def test_a_long_creation_is_followed_where_the_service_says_and_as_slowly_as_it_asks() -> None:
    status = f"{URL}/_azure/arm/operations/1"
    there = Scripted(
        {
            ("GET", ID): [refused(404, "ResourceNotFound"), answer(200, {"id": ID, "name": "net"})],
            ("PUT", ID): [answer(201, {"id": ID}, azure_asyncoperation=status)],
            ("GET", "/operations/1"): [
                answer(200, {"status": "InProgress"}, retry_after="1"),
                answer(200, {"status": "Updating"}, x_ms_retry_after_ms="20"),
                answer(200, {"status": "Accepted"}, retry_after="600"),
                answer(200, {"status": "Pending"}),
                answer(200, {"status": "Succeeded"}),
            ],
        }
    )
    assert create(there.provider())[0] == ID
    assert there.pauses == [1.0, 0.02, 2.0, 0.05]


def state(name: str) -> Answer:
    return answer(200, {"id": ID, "properties": {"provisioningState": name}})


@pytest.mark.parametrize(
    "answers",
    [
        {
            ("PUT", ID): [answer(202, location=f"{URL}/_azure/arm/later")],
            ("GET", "/later"): [answer(202), answer(200, {})],
            ("GET", ID): [refused(404, "ResourceNotFound"), state("Succeeded")],
        },
        {
            ("PUT", ID): [state("Creating")],
            ("GET", ID): [refused(404, "ResourceNotFound"), state("Creating"), state("Succeeded")],
        },
    ],
)
def test_a_creation_without_a_status_is_followed_by_its_location_or_its_own_state(answers: Script) -> None:
    there = Scripted(answers)
    id, outputs = create(there.provider())
    assert (id, outputs["provisioningState"]) == (ID, "Succeeded")
    assert len(there.pauses) == 1


def test_what_was_accepted_and_failed_keeps_its_state() -> None:
    status = f"{URL}/_azure/arm/operations/1"
    failed = {"status": "Failed", "error": {"code": "Conflict", "message": "busy"}}
    there = Scripted(
        {
            ("GET", ID): [refused(404, "ResourceNotFound"), answer(200, {"id": ID, "name": "net"})],
            ("PUT", ID): [answer(201, {"id": ID}, azure_asyncoperation=status)],
            ("GET", "/operations/1"): [answer(200, failed)],
        }
    )
    with pytest.raises(PartialFailure, match='Code="Conflict" Message="busy"') as caught:
        create(there.provider())
    assert (caught.value.id, caught.value.outputs["name"]) == (ID, "net")


def test_a_creation_that_takes_longer_than_the_program_allows_keeps_its_state() -> None:
    there = Scripted(
        {
            ("GET", ID): [
                refused(404, "ResourceNotFound"),
                answer(200, {"id": ID, "properties": {"provisioningState": "Creating"}}),
            ],
            ("PUT", ID): [answer(201, {"id": ID, "properties": {"provisioningState": "Creating"}})],
        }
    )
    with pytest.raises(PartialFailure, match="operation timed out"):
        create(there.provider(), seconds=0.01)


def test_a_refusal_names_status_code_and_message() -> None:
    there = Scripted(
        {("GET", ID): [refused(404, "X")], ("PUT", ID): [refused(403, "AuthorizationFailed", "not you")]}
    )
    with pytest.raises(ProviderError, match='Status=403 Code="AuthorizationFailed" Message="not you"') as caught:
        create(there.provider())
    assert not isinstance(caught.value, PartialFailure)


def test_a_long_deletion_is_followed_and_its_failure_told() -> None:
    status = f"{URL}/_azure/arm/operations/1"
    script: dict[tuple[str, str], list[Answer]] = {
        ("DELETE", ID): [answer(202, azure_asyncoperation=status, location=f"{URL}/_azure/arm/later")],
        ("GET", "/operations/1"): [answer(200, {"status": "Deleting"}), refused(404, "ResourceNotFound")],
    }
    there = Scripted(script)
    there.provider().delete(Subject(NETWORK, "net", ID, INPUTS), INPUTS, {})
    assert len(there.pauses) == 1
    script["GET", "/operations/1"] = [
        answer(200, {"status": "Failed", "error": {"code": "InUse", "message": "subnet"}})
    ]
    with pytest.raises(ProviderError, match='Code="InUse" Message="subnet"'):
        Scripted(script).provider().delete(Subject(NETWORK, "net", ID, INPUTS), INPUTS, {})


def test_a_key_is_deleted_in_its_vault_with_a_token_for_vaults() -> None:
    id = f"{GROUP}/providers/Microsoft.KeyVault/vaults/v/keys/k"
    inputs = {"resourceGroupName": "g", "vaultName": "v", "keyName": "k"}
    subject = Subject("azure-native:keyvault:Key", "k", id, inputs)
    for status in (200, 404):
        there = Scripted({("DELETE", "vault/v/keys/k"): [answer(status)]})
        there.provider().delete(subject, inputs, {})
        assert there.calls == [("DELETE", "vault/v/keys/k", None)]
    closed = Scripted(
        {("DELETE", "vault/v/keys/k"): [refused(403, "Forbidden", "Public network access is disabled")]}
    )
    with pytest.raises(ProviderError, match="Public network access is disabled"):
        closed.provider().delete(subject, inputs, {})


def test_previews_know_what_was_given_and_nothing_else(local: Local) -> None:
    provider = local.provider()
    planned = provider.preview(Subject(NETWORK, "net"), {**INPUTS, "tags": UNKNOWN}, {})
    assert planned["location"] == "westeurope"
    assert planned["addressSpace"] == {"addressPrefixes": ["10.0.0.0/16"], "ipamPoolPrefixAllocations": UNKNOWN}
    assert {planned[name] is UNKNOWN for name in ("name", "tags", "resourceGuid", "subnets")} == {True}
    state = {"name": "net", "location": "westeurope", "resourceGuid": "1"}
    updated = provider.preview(Subject(NETWORK, "net", ID, INPUTS), INPUTS, state)
    assert (updated["name"], updated["resourceGuid"]) == ("net", UNKNOWN)


def test_the_signed_in_person_is_who_the_token_says(local: Local) -> None:
    found, failures = local.provider().invoke("azure-native:authorization:getClientConfig", {})
    assert failures == ()
    assert found == {"clientId": CLI, "objectId": PERSON, "subscriptionId": SUBSCRIPTION, "tenantId": TENANT}


def test_a_token_is_asked_for_once_for_each_resource(local: Local) -> None:
    provider = local.provider()

    def ask(**given: str) -> Any:
        return provider.invoke("azure-native:authorization:getClientToken", given)[0]

    one, again, other = ask(), ask(), ask(endpoint="https://vault.azure.net")
    assert one == again != other
    assert [path.partition("?")[0] for _, path, _ in local.calls] == ["identity", "identity"]


def test_an_identity_signs_in_with_its_client_id_and_the_places_header() -> None:
    there = Scripted({("GET", ID): [refused(404, "X")], ("PUT", ID): [answer(200, {"id": ID})]})
    create(there.provider(client="an-id"))
    assert [one["X-IDENTITY-HEADER"] for one in there.headers] == [SECRET]


def test_a_client_id_that_nobody_has_cannot_sign_in(local: Local) -> None:
    with pytest.raises(ProviderError, match="could not sign in: 400"):
        create(local.provider(client="11111111-1111-1111-1111-111111111111"))


def test_a_lookup_shows_what_is_there_and_names_what_is_not(local: Local) -> None:
    provider, token_ = local.provider(), "azure-native:network:getVirtualNetwork"
    ask = {"resourceGroupName": "g", "virtualNetworkName": "net"}
    with pytest.raises(ProviderError, match=f"request failed {ID}: Status=404"):
        provider.invoke(token_, ask)
    local.ask("PUT", GROUP, "2024-03-01", {"location": "westeurope"})
    create(provider)
    found, _ = provider.invoke(token_, ask)
    assert (found["id"], found["addressSpace"]) == (ID, {"addressPrefixes": ["10.0.0.0/16"]})
    assert found["azureApiVersion"] == "2024-05-01"


def test_an_invoke_that_nobody_knows_and_an_argument_too_many_are_errors(local: Local) -> None:
    provider = local.provider()
    with pytest.raises(ProviderError, match="Invoke type azure-native:paint:getColour not found"):
        provider.invoke("azure-native:paint:getColour", {})
    _, failures = provider.invoke("azure-native:resources:getResourceGroup", {"group": "g"})
    assert failures[0].reason == "there is no argument 'group'"


def test_without_a_local_cloud_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    provider = AzureProvider()
    provider.configure({"subscriptionId": SUBSCRIPTION})
    with pytest.raises(ProviderError, match="IDENTITY_ENDPOINT is not set"):
        create(provider)


def test_no_host_but_a_loopback_one_is_called() -> None:
    with pytest.raises(ProviderError, match=r"calls loopback only, not https://management\.azure\.com/"):
        loopback.send("GET", "https://management.azure.com/", None, {})
