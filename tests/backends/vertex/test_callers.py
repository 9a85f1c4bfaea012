"""Whose calls the Vertex AI backend makes on a local Google Cloud, and what it says to who may not."""

from __future__ import annotations

import dataclasses

import pytest

from dispatcher.backends.faults import NotAllowed, RoleNotAssumable
from dispatcher.contract import Actions, Identities
from dispatcher.errors import AuthError
from tests.backends.vertex.landing import PROJECT, VertexLanding

pytestmark = pytest.mark.wire


def test_the_agent_account_is_become_once_and_every_call_names_the_person(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend(user="Ada L <ada@example.org>")
    assert backend.poll(["nobody-1", "nobody-2"]) == {}
    assert backend.poll(["nobody-1"]) == {}
    (become,) = vertex_landing.cloud.requests("iamcredentials")
    assert become["parameters"]["name"].endswith(vertex_landing.zone.identities.agent)
    assert backend._session._http.headers["User-Agent"].endswith("(Ada-L-ada@example.org)")


def test_an_ambient_identity_becomes_nobody(vertex_landing: VertexLanding) -> None:
    assert vertex_landing.backend(identity="ambient").adopt("nobody") is None
    assert vertex_landing.cloud.requests("iamcredentials") == []


def test_one_who_may_not_become_the_agent_yet_is_told_so_and_may_try_again(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("denied", service="iamcredentials", times=1)
    backend = vertex_landing.backend()
    with pytest.raises(RoleNotAssumable, match="not allowed to become the zone's agent account") as caught:
        backend.adopt("nobody")
    assert caught.value.propagating
    assert "identity: ambient" in caught.value.remedy
    assert backend.adopt("nobody") is None, "the same backend works as soon as the grant has spread"


def test_an_agent_that_does_not_exist_is_named(vertex_landing: VertexLanding) -> None:
    gone = Identities("x@y.iam.gserviceaccount.com", f"gone@{PROJECT}.iam.gserviceaccount.com")
    backend = vertex_landing.backend(zone=dataclasses.replace(vertex_landing.zone, identities=gone))
    with pytest.raises(RoleNotAssumable, match="gone@"):
        backend.adopt("nobody")


def test_nobody_signed_in_is_one_line_with_the_command(
    vertex_landing: VertexLanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    for identity in ("agent", "ambient"):
        with pytest.raises(AuthError, match="not signed in to Google Cloud") as caught:
            vertex_landing.backend(identity=identity).adopt("nobody")
        assert caught.value.remedy == "run: gcloud auth application-default login"
        assert "\n" not in caught.value.message
        assert not caught.value.propagating


def test_a_key_file_that_is_not_there_is_named(
    vertex_landing: VertexLanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(AuthError, match=r"/nowhere/key\.json was not found"):
        vertex_landing.backend().adopt("nobody")


@pytest.mark.parametrize(
    ("service", "operation"), [("iamcredentials", "GenerateAccessToken"), ("aiplatform", "ListCustomJobs")]
)
def test_expired_credentials_are_one_line_with_the_command(
    vertex_landing: VertexLanding, service: str, operation: str
) -> None:
    vertex_landing.cloud.fault("expired", service=service, operation=operation, times=100)
    with pytest.raises(AuthError, match="not signed in to Google Cloud") as caught:
        vertex_landing.backend().adopt("nobody")
    assert "gcloud auth application-default login" in caught.value.remedy
    assert not caught.value.propagating


def test_a_token_that_ends_between_two_calls_is_renewed(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    assert backend.adopt("nobody") is None
    vertex_landing.cloud.fault("expired", service="aiplatform", times=1)
    assert backend.adopt("nobody") is None
    assert len(vertex_landing.cloud.requests("iamcredentials")) == 2


def test_a_permission_that_is_denied_is_named_with_who_was_denied(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("denied", operation="ListCustomJobs", times=2)
    granted = dataclasses.replace(vertex_landing.zone, actions=Actions(("aiplatform.customJobs.list",)))
    with pytest.raises(NotAllowed, match=r"aiplatform\.customJobs\.list was denied to wire-agent@") as caught:
        vertex_landing.backend(zone=granted).adopt("nobody")
    assert (caught.value.action, caught.value.propagating, caught.value.exit_code) == (
        "aiplatform.customJobs.list", True, 4,
    )  # fmt: skip
    assert "the contract grants it" in caught.value.remedy
    bare = dataclasses.replace(vertex_landing.zone, actions=Actions())
    with pytest.raises(NotAllowed) as caught:
        vertex_landing.backend(zone=bare).adopt("nobody")
    assert "pulumi up" in caught.value.remedy


def test_an_execution_account_that_is_too_new_passes_by_itself(vertex_landing: VertexLanding) -> None:
    accounts = f"iam/v1/projects/{PROJECT}/serviceAccounts"
    account = vertex_landing.call(accounts, {"accountId": "wire-fresh"})["email"]
    identities = dataclasses.replace(vertex_landing.zone.identities, execution=account)
    backend = vertex_landing.backend(zone=dataclasses.replace(vertex_landing.zone, identities=identities))
    request = vertex_landing.request(backend, "pass")
    vertex_landing.cloud.fault("denied", operation="CreateCustomJob", seconds=3600, times=1)
    with pytest.raises(NotAllowed, match=r"iam\.serviceAccounts\.actAs was denied") as caught:
        backend.submit(request)
    assert caught.value.propagating
    assert "customJobs/" in backend.submit(request)
