"""Azure's own clients, unchanged, over the socket: azure-identity signs in, azure-core asks Resource Manager."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline import policies
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling

from localcloud.place import AZURE, PERSON, SUBSCRIPTION, TENANT
from tests.localcloud.azure.inside import ACCOUNT, BODIES, GROUP, IDENTITY, WORKSPACE, Json, resource
from tests.localcloud.azure.stage import Stage

pytestmark = pytest.mark.wire

MANAGEMENT = "https://management.azure.com/.default"
STORAGE = "https://storage.azure.com/.default"
CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


@pytest.fixture
def signed_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """This process has the environment of `localcloud run`."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in stage.cloud.environment.items():
        monkeypatch.setenv(name, value)
    return stage


@pytest.fixture
def manager(signed_in: Stage) -> Iterator[ARMPipelineClient[Any, Any]]:
    """A client of Resource Manager with the policies that the management libraries have."""
    chain = [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy("tests"),
        policies.RetryPolicy(retry_total=3, retry_backoff_factor=0.01),
        ARMChallengeAuthenticationPolicy(DefaultAzureCredential(), MANAGEMENT),
        policies.NetworkTraceLoggingPolicy(),
    ]
    made: ARMPipelineClient[Any, Any] = ARMPipelineClient(f"{signed_in.cloud.url}{AZURE}/arm", policies=chain)
    with made:
        yield made


def send(client: Any, method: str, id: str, version: str, body: object = None) -> Any:
    request = HttpRequest(method, client.format_url(id), params={"api-version": version}, json=body)
    return client.send_request(request, enforce_https=False)


def claims(token: str) -> Json:
    found: Json = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


class TestSignIn:
    def test_without_a_client_id_it_is_the_person_who_is_signed_in(self, signed_in: Stage) -> None:
        found = claims(DefaultAzureCredential().get_token(MANAGEMENT).token)
        assert (found["oid"], found["tid"], found["appid"]) == (PERSON, TENANT, CLI)
        assert (found["aud"].rstrip("/"), found["idtyp"]) == ("https://management.azure.com", "user")

    def test_with_a_client_id_it_is_that_identity(self, signed_in: Stage) -> None:
        identity = signed_in.ask("GET", IDENTITY)["properties"]
        credential = DefaultAzureCredential(
            managed_identity_client_id=signed_in.client,
            workload_identity_client_id=signed_in.client,
            exclude_interactive_browser_credential=True,
        )
        found = claims(credential.get_token(STORAGE).token)
        assert (found["oid"], found["appid"]) == (identity["principalId"], signed_in.client)

    def test_an_identity_that_is_not_there_cannot_sign_in(self, signed_in: Stage) -> None:
        with pytest.raises((CredentialUnavailableError, ClientAuthenticationError), match="No User Assigned"):
            ManagedIdentityCredential(client_id="none").get_token(MANAGEMENT)

    def test_another_program_of_the_machine_is_given_no_token(
        self, signed_in: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IDENTITY_HEADER", "guessed")
        with pytest.raises((CredentialUnavailableError, ClientAuthenticationError)):
            ManagedIdentityCredential().get_token(MANAGEMENT)

    def test_a_token_is_good_for_its_audience_only(
        self, signed_in: Stage, manager: ARMPipelineClient[Any, Any]
    ) -> None:
        token = DefaultAzureCredential().get_token(STORAGE).token
        request = HttpRequest("GET", manager.format_url(GROUP), params={"api-version": "2024-03-01"}, headers={})
        plain: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            f"{signed_in.cloud.url}{AZURE}/arm",
            policies=[policies.HeadersPolicy({"Authorization": f"Bearer {token}"})],
        )
        response = plain.send_request(request)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"

    def test_a_run_program_has_nothing_of_the_user_s_own_azure(self, stage: Stage) -> None:
        mine = {
            "AZURE_CLIENT_SECRET": "x",
            "ARM_CLIENT_ID": "x",
            "MSI_ENDPOINT": "x",
            "AZURE_FEDERATED_TOKEN_FILE": "x",
            "AZURE_SUBSCRIPTION_ID": "mine",
        }
        seen = stage.cloud.place.environment(stage.cloud.server, os.environ | mine)
        assert not seen.keys() & (mine.keys() - {"AZURE_SUBSCRIPTION_ID"})
        assert (seen["AZURE_SUBSCRIPTION_ID"], seen["AZURE_TENANT_ID"]) == (SUBSCRIPTION, TENANT)
        assert seen["DISPATCH_AZURE_ENDPOINT"] == stage.cloud.url + AZURE

    def test_a_program_of_its_own_signs_in(self, stage: Stage) -> None:
        code = (
            "from azure.identity import DefaultAzureCredential as C\n"
            f"print(len(C().get_token({MANAGEMENT!r}).token) > 100)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=stage.cloud.environment, capture_output=True, text=True
        )
        assert done.stdout == "True\n", done.stderr


class TestManager:
    def test_a_resource_is_made_read_and_deleted(self, manager: ARMPipelineClient[Any, Any]) -> None:
        id, version = resource("ManagedIdentity/userAssignedIdentities", "wire"), "2023-01-31"
        assert send(manager, "PUT", id, version, {"location": "westeurope"}).status_code == 201
        assert send(manager, "GET", id, version).json()["name"] == "wire"
        assert send(manager, "DELETE", id, version).status_code == 200
        assert send(manager, "DELETE", id, version).status_code == 204

    def test_an_error_is_read_by_the_client(self, manager: ARMPipelineClient[Any, Any]) -> None:
        response = send(manager, "GET", f"{ACCOUNT}x", "2024-01-01")
        with pytest.raises(HttpResponseError) as caught:
            response.raise_for_status()
        assert caught.value.status_code == 404
        assert caught.value.error is not None
        assert caught.value.error.code == "ResourceNotFound"

    @pytest.mark.parametrize(("kind", "tries"), [("throttle", 1), ("5xx", 1)])
    def test_the_client_tries_again_what_may_pass(
        self, signed_in: Stage, manager: ARMPipelineClient[Any, Any], kind: str, tries: int
    ) -> None:
        signed_in.cloud.fault(kind, operation="GetWorkspace", times=tries)
        assert send(manager, "GET", WORKSPACE, "2025-12-01").status_code == 200
        assert len(signed_in.cloud.requests("machinelearningservices", "GetWorkspace")) == tries + 1

    def test_the_client_s_own_poller_waits_for_a_long_operation(
        self, manager: ARMPipelineClient[Any, Any]
    ) -> None:
        id = resource("Storage/storageAccounts", "polled")
        request = HttpRequest(
            "PUT", manager.format_url(id), params={"api-version": "2024-01-01"}, json=BODIES[ACCOUNT]
        )
        first = manager.send_request(request, enforce_https=False, _return_pipeline_response=True)
        polling = ARMPolling(30, enforce_https=False)
        poller: LROPoller[Any] = LROPoller(manager, first, lambda response: response.http_response.json(), polling)
        assert poller.result(timeout=20)["properties"]["provisioningState"] == "Succeeded"
        send(manager, "DELETE", id, "2024-01-01")


class TestBlobs:
    def test_a_blob_is_read_with_a_token_of_storage_in_ranges(self, signed_in: Stage) -> None:
        signed_in.put("data/wire.txt", "hello")
        chain = [BearerTokenCredentialPolicy(DefaultAzureCredential(), STORAGE)]
        made: ARMPipelineClient[Any, Any] = ARMPipelineClient(f"{signed_in.cloud.url}{AZURE}/blob", policies=chain)
        with made as client:
            request = HttpRequest(
                "GET",
                client.format_url("/acct/data/wire.txt"),
                headers={"x-ms-version": "2021-08-06", "Range": "bytes=1-2"},
            )
            response = client.send_request(request, enforce_https=False)
        assert (response.status_code, response.text()) == (206, "el")


def test_discovery_tells_where_a_region_s_data_plane_is(stage: Stage) -> None:
    address = stage.ask("GET", WORKSPACE)["properties"]["discoveryUrl"]
    found = stage.cloud.azure("GET", address.partition("/_azure/")[2], token="")
    assert found["history"] == f"{stage.cloud.url}{AZURE}/ml/westeurope"
