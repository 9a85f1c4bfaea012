"""Who asks Azure ML, and what somebody is told who may not: tokens, identities, denied actions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dispatcher.backends.faults import NotAllowed
from dispatcher.contract import Actions
from dispatcher.errors import AuthError, NotFoundError
from tests.backends.azureml.landing import AzureLanding
from tests.backends.conformance import until

pytestmark = pytest.mark.wire

WRITE = "Microsoft.MachineLearningServices/workspaces/jobs/write"


def test_each_service_is_shown_a_token_for_it_that_is_asked_for_once(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "pass"))
    until(backend, request.name)
    with pytest.raises(NotFoundError):
        backend.fetch(request.name, Path("/nowhere"))
    tokens = [one["parameters"] for one in azure_landing.cloud.requests("identity")]
    assert sorted(one["resource"] for one in tokens) == [
        "https://management.azure.com", "https://ml.azure.com", "https://storage.azure.com",
    ]  # fmt: skip
    agent = azure_landing.zone.identities.agent_client_id
    assert {one["client_id"] for one in tokens} == {agent}


def test_an_ambient_identity_is_whoever_is_signed_in(azure_landing: AzureLanding) -> None:
    assert azure_landing.backend(identity="ambient").adopt("nobody") is None
    (asked,) = azure_landing.cloud.requests("identity")
    assert "client_id" not in asked["parameters"]


def test_an_agent_identity_that_this_machine_does_not_carry_is_named(azure_landing: AzureLanding) -> None:
    identities = dataclasses.replace(azure_landing.zone.identities, agent_client_id="no-such-client")
    backend = azure_landing.backend(zone=dataclasses.replace(azure_landing.zone, identities=identities))
    with pytest.raises(AuthError, match=r"this machine does not carry .*client id no-such-client") as caught:
        backend.adopt("nobody")
    assert "identity: ambient" in caught.value.remedy


@pytest.mark.parametrize(("service", "operation"), [("machinelearningservices", "GetJob"), ("blob", "ListBlobs")])
def test_expired_credentials_are_one_line_with_the_command(
    azure_landing: AzureLanding, service: str, operation: str, tmp_path: Path
) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "pass"))
    until(backend, request.name)
    azure_landing.cloud.fault("expired", service=service, operation=operation, times=100)
    with pytest.raises(AuthError, match="not signed in to Azure") as caught:
        backend.fetch(request.name, tmp_path)
    assert caught.value.remedy == "run: az login"
    assert "\n" not in caught.value.message
    assert not caught.value.propagating


def test_an_action_that_is_denied_is_named_with_the_role_that_allows_it(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("denied", operation="PutJob", times=1)
    granted = dataclasses.replace(azure_landing.zone, actions=Actions((WRITE,)))
    backend = azure_landing.backend(zone=granted)
    request = azure_landing.request(backend, "pass")
    with pytest.raises(NotAllowed, match=f"not allowed: {WRITE} was denied") as caught:
        backend.submit(request)
    assert (caught.value.action, caught.value.propagating, caught.value.exit_code) == (WRITE, True, 4)
    assert "role `<zone> submits jobs <digits>` on the workspace" in caught.value.remedy
    assert backend.submit(request).endswith(request.name), "the same backend works as soon as the grant has spread"


def test_a_container_that_may_not_be_read_names_the_role(azure_landing: AzureLanding, tmp_path: Path) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "pass"))
    azure_landing.cloud.fault("denied", service="blob", times=1)
    with pytest.raises(NotAllowed) as caught:
        backend.fetch(request.name, tmp_path)
    assert "Storage Blob Data Reader" in caught.value.remedy


def test_an_execution_identity_that_is_too_new_passes_by_itself(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(backend, "pass")
    azure_landing.cloud.fault("denied", operation="PutJob", seconds=3600, times=1)
    with pytest.raises(NotAllowed) as caught:
        backend.submit(request)
    assert caught.value.propagating
    assert backend.submit(request).endswith(request.name)
