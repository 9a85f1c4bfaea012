"""Who calls Azure, where the calls go, and which of them are made again."""

from __future__ import annotations

import builtins
import dataclasses
import json
import logging
from typing import Any

import pytest
from azure import identity
from azure.core import exceptions as http

from dispatcher.backends.azureml.caller import Caller
from dispatcher.backends.azureml.session import CONNECT, CREATE, PATIENCE, PAUSES, READ, Session
from dispatcher.backends.faults import QuotaExceeded
from dispatcher.contract import AzureZone
from dispatcher.errors import UnreachableError, UsageError
from tests.backends.azureml.cases import golden_zone
from tests.backends.azureml.doubles import answer, refusal, session

LOCAL = "http://127.0.0.1:9/_azure"
ID = "/subscriptions/s/resourceGroups/g"
SIGNED = "https://acct.blob.core.windows.net/azureml/log.txt?sv=1&sig=s"


def government() -> AzureZone:
    return dataclasses.replace(golden_zone(), azure_cloud="usgovernment", region="usgovvirginia")


# Where


def test_an_endpoint_elsewhere_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_AZURE_ENDPOINT", "https://evil.example/_azure")
    with pytest.raises(UsageError, match="names a local cloud") as caught:
        Session(golden_zone(), identity="agent", user="ada").arm("X", "GET", ID)
    assert "unset DISPATCH_AZURE_ENDPOINT" in caught.value.remedy


@pytest.mark.parametrize(
    ("zone", "arm", "history", "version"),
    [
        (
            golden_zone(),
            ("https://management.azure.com", "https://management.azure.com"),
            ("https://ml.azure.com", "https://westeurope.api.azureml.ms"),
            "2025-12-01",
        ),
        (
            government(),
            ("https://management.usgovcloudapi.net", "https://management.usgovcloudapi.net"),
            ("https://ml.azure.us", "https://usgovvirginia.api.ml.azure.us"),
            "2024-10-01",
        ),
    ],
    ids=["public", "usgovernment"],
)
def test_each_service_of_each_cloud_is_called_at_its_address_with_a_token_for_it(
    zone: AzureZone, arm: tuple[str, str], history: tuple[str, str], version: str
) -> None:
    opened, wire, _ = session(answer(200, {"a": 1}), answer(200, {}), answer(200, b"x"), zone=zone)
    assert opened.arm("GetJob", "GET", f"{ID}/a b", query={"$skip": "5"}) == {"a": 1}
    opened.history("GetRunDetails", "GET", "runs/x/details")
    opened.blobs("ListBlobs", "https://acct.blob.core.windows.net/output", "a b?/c", query={"comp": "list"})
    first, second, third = wire.seen
    assert (first.audience, first.url) == (arm[0], f"{arm[1]}{ID}/a%20b")
    assert first.query == {"$skip": "5", "api-version": version}
    workspace = f"/subscriptions/{zone.subscription}/resourceGroups/azure-weu/providers"
    workspace += "/Microsoft.MachineLearningServices/workspaces/azure-weu-1a2b3c"
    assert (second.audience, second.url) == (history[0], f"{history[1]}/history/v1.0{workspace}/runs/x/details")
    assert third.audience == "https://storage.azure.com"
    assert third.url == "https://acct.blob.core.windows.net/output/a%20b%3F/c"
    assert (third.query, third.headers["x-ms-version"]) == ({"comp": "list"}, "2021-08-06")
    assert [call.options["enforce_https"] for call in wire.seen] == [True] * 3, "azure-core shows no token to http"


def test_a_signed_address_is_read_without_anybodys_token_and_only_in_the_zones_cloud() -> None:
    opened, wire, _ = session(answer(206, b"rest"), answer(416, b""))
    assert opened.signed("GetLog", SIGNED, start=7).read() == b"rest"
    assert opened.signed("GetLog", SIGNED, start=11) is None, "there is nothing behind the end"
    assert [call.audience for call in wire.seen] == ["", ""]
    assert wire.seen[0].headers["range"] == "bytes=7-"
    assert "enforce_https" not in wire.seen[0].options
    for elsewhere in (
        "https://evil.example/log.txt?sig=s",
        "https://acct.blob.core.windows.net.evil.example/x",
        "http://acct.blob.core.windows.net/x",
        "http://127.0.0.1:80/latest/meta-data",
    ):
        with pytest.raises(UnreachableError, match="something other than Azure"):
            opened.signed("GetLog", elsewhere)
    assert len(wire.seen) == 2


# Who


def found(monkeypatch: pytest.MonkeyPatch, zone: AzureZone, who: str) -> tuple[str, dict[str, Any]]:
    """The kind of credentials that a session would sign in with, and what it tells them."""
    asked: list[tuple[str, dict[str, Any]]] = []
    for kind in ("DefaultAzureCredential", "ManagedIdentityCredential"):
        monkeypatch.setattr(identity, kind, lambda kind=kind, **told: asked.append((kind, told)) or kind)
    Session(zone, identity=who, user="ada")._open()
    (one,) = asked
    return one


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPATCH_AZURE_ENDPOINT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nobody")
def test_people_are_themselves_and_machines_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    client = golden_zone().identities.agent_client_id
    kind, told = found(monkeypatch, golden_zone(), "agent")
    assert kind == "DefaultAzureCredential", "which ends with `az login`, and opens no browser"
    assert told["managed_identity_client_id"] == told["workload_identity_client_id"] == client
    assert told["authority"] == "https://login.microsoftonline.com"
    _, told = found(monkeypatch, golden_zone(), "ambient")
    assert not {"managed_identity_client_id", "workload_identity_client_id"} & set(told), "whatever there is"
    _, told = found(monkeypatch, government(), "agent")
    assert told["authority"] == "https://login.microsoftonline.us"


def test_an_identity_of_another_name_is_refused() -> None:
    with pytest.raises(UsageError, match="not agent or ambient"):
        Session(golden_zone(), identity="root", user="ada")


def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_AZURE_ENDPOINT", LOCAL)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{LOCAL}/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")


@pytest.mark.parametrize("who", ["agent", "ambient"])
def test_on_a_local_cloud_only_its_own_tokens_are_asked_for(monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    at_home(monkeypatch)
    kind, told = found(monkeypatch, golden_zone(), who)
    assert kind == "ManagedIdentityCredential", "the chain would go on to the person's own sign-in"
    assert told["client_id"] == (golden_zone().identities.agent_client_id if who == "agent" else None)
    assert told["transport"]._use_env_settings is False, "no proxy comes between"


@pytest.mark.parametrize(
    "there",
    [
        {},
        {"IDENTITY_ENDPOINT": f"{LOCAL}/identity"},
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:41741/msi/token", "IDENTITY_HEADER": "app service's"},
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:10/_azure/identity", "IDENTITY_HEADER": "another place's"},
    ],
    ids=["person", "no header", "app service", "another local cloud"],
)
@pytest.mark.usefixtures("nobody")
def test_a_token_of_azure_s_is_never_shown_to_what_listens_on_this_machine(
    there: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_AZURE_ENDPOINT", LOCAL)
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="the credentials found here are not of one") as caught:
        found(monkeypatch, golden_zone(), "agent")
    assert "localcloud run --" in caught.value.remedy


def test_credentials_of_a_local_cloud_are_never_shown_to_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(monkeypatch)
    monkeypatch.delenv("DISPATCH_AZURE_ENDPOINT")
    with pytest.raises(UsageError, match="are of a local cloud, and DISPATCH_AZURE_ENDPOINT is not set"):
        found(monkeypatch, golden_zone(), "agent")


def test_app_service_hands_out_tokens_on_its_own_machine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCH_AZURE_ENDPOINT", raising=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "app service's")
    assert found(monkeypatch, golden_zone(), "agent")[0] == "DefaultAzureCredential"


def test_every_call_names_the_person_and_a_token_goes_where_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(monkeypatch)
    opened = Session(golden_zone(), identity="agent", user="Ada L <ada@example.org>")
    opened._open()
    kinds = [type(one).__name__ for one in _policies(opened, "https://storage.azure.com")]
    assert "ARMChallengeAuthenticationPolicy" in kinds
    assert not [kind for kind in kinds if kind in ("RetryPolicy", "RedirectPolicy")], (
        "what is repeated is ours to say"
    )
    unsigned = _policies(opened, "")
    assert "ARMChallengeAuthenticationPolicy" not in [type(one).__name__ for one in unsigned]
    (told,) = (one.headers for one in unsigned if type(one).__name__ == "HeadersPolicy")
    assert told["User-Agent"].endswith("(Ada-L-ada@example.org)")


def _policies(opened: Session, audience: str) -> list[Any]:
    chain = opened._client(audience)._pipeline._impl_policies
    return [getattr(one, "_policy", one) for one in chain]


@pytest.mark.usefixtures("nobody")
def test_azure_identity_tells_nobody_but_us_what_it_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("azure"), "handlers", [])
    found(monkeypatch, golden_zone(), "agent")
    assert [type(one) for one in logging.getLogger("azure").handlers] == [logging.NullHandler]


@pytest.mark.parametrize("name", ["AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"])
def test_signing_in_is_one_command_and_what_is_in_the_way_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    assert Caller(golden_zone(), "agent").sign_in() == "run: az login"
    assert Caller(government(), "agent").sign_in() == "run: az cloud set --name AzureUSGovernment && az login"
    monkeypatch.setenv(name, "old")
    assert Caller(golden_zone(), "agent").sign_in() == f"renew what {name} holds, or unset it and run: az login"


def test_a_client_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("azure"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return importing(name, *rest)

    monkeypatch.delenv("DISPATCH_AZURE_ENDPOINT", raising=False)
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as caught:
        Session(golden_zone(), identity="agent", user="ada").arm("X", "GET", ID)
    assert caught.value.remedy == "pip install 'launchway[azure]'"


# How often

BUSY = refusal(503, "ServerBusy", "busy")


def test_a_read_is_made_again_when_the_service_is_busy_or_the_connection_breaks() -> None:
    read, wire, naps = session(BUSY, http.ServiceResponseError("reset"), answer(200, {"a": 1}))
    assert read.arm("GetJob", "GET", ID) == {"a": 1}
    assert naps == list(PAUSES[:2])
    assert {one.options["connection_timeout"] for one in wire.seen} == {CONNECT}
    assert {one.options["read_timeout"] for one in wire.seen} == {READ}


def test_a_pause_that_azure_asks_for_is_kept_within_reason() -> None:
    asked = answer(429, {"error": {"code": "TooManyRequests", "message": "wait"}}, Retry_After="17")
    long = answer(429, {"error": {"code": "TooManyRequests", "message": "wait"}}, Retry_After="3600")
    read, _, naps = session(asked, long, answer(200, {}))
    read.arm("GetJob", "GET", ID)
    assert naps == [17.0, PATIENCE]


def test_a_read_that_never_succeeds_ends_with_the_last_reason() -> None:
    read, wire, naps = session(*[BUSY] * 9)
    with pytest.raises(UnreachableError, match="failed at GetJob"):
        read.arm("GetJob", "GET", ID)
    assert (len(wire.seen), naps) == (len(PAUSES) + 1, list(PAUSES))


LOST = [http.ServiceResponseTimeoutError("slow"), http.ServiceRequestError("reset"), BUSY]


@pytest.mark.parametrize("lost", LOST)
def test_a_put_that_may_not_be_repeated_is_made_once_whatever_becomes_of_its_answer(lost: object) -> None:
    create, wire, naps = session(lost, answer(200, {"id": "second"}))
    with pytest.raises(UnreachableError):
        create.arm("PutJob", "PUT", ID, body={"properties": {"b": 1, "a": 2}}, again=False)
    (seen,) = wire.seen
    assert (seen.method, json.loads(seen.content)) == ("PUT", {"properties": {"b": 1, "a": 2}})
    assert (seen.options["connection_timeout"], seen.options["read_timeout"]) == (CONNECT, CREATE)
    assert naps == []


def test_a_quota_is_not_asked_for_a_second_time() -> None:
    text = "The specified subscription has a total vCPU quota of 0"
    read, wire, _ = session(refusal(429, "QuotaExceeded", text))
    with pytest.raises(QuotaExceeded):
        read.arm("PutJob", "PUT", ID, body={})
    assert len(wire.seen) == 1


@pytest.mark.parametrize("given", [answer(200, b"<html>hello</html>"), answer(200, [1]), answer(302, b"")])
def test_an_answer_that_is_not_azure_s_is_not_believed(given: Any) -> None:
    read, wire, _ = session(given)
    with pytest.raises(UnreachableError, match="something other than Azure"):
        read.arm("GetJob", "GET", ID)
    assert len(wire.seen) == 1, "and nobody follows it anywhere"


def test_an_answer_without_content_is_an_empty_one() -> None:
    read, *_ = session(answer(202, b""))
    assert read.arm("CancelJob", "POST", f"{ID}/cancel") == {}
