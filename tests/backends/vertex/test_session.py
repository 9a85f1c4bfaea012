"""Who calls Google Cloud, where the calls go, and which of them are made again."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import google.auth
import pytest
import requests.exceptions as http
from google.auth import _cloud_sdk
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials as Person

from dispatcher.backends.faults import QuotaExceeded
from dispatcher.backends.vertex import session as module
from dispatcher.backends.vertex.caller import Caller
from dispatcher.backends.vertex.session import (
    CONNECT,
    CREATE,
    PAUSES,
    READ,
    Session,
    signed_in,
)
from dispatcher.errors import UnreachableError, UsageError
from tests.backends.vertex.doubles import answer, golden_zone, refusal, session

AGENT = golden_zone().identities.agent
PARENT = "v1/projects/p/locations/l"
LOCAL = "http://127.0.0.1:9/_gcp"


# Where


def test_an_endpoint_elsewhere_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_GCP_ENDPOINT", "https://evil.example/_gcp")
    with pytest.raises(UsageError, match="names a local cloud") as caught:
        Session(golden_zone(), identity="agent", user="ada").call("X", "storage", "v1")
    assert "unset DISPATCH_GCP_ENDPOINT" in caught.value.remedy


@pytest.mark.parametrize(
    ("service", "root"),
    [
        ("aiplatform", "https://europe-west4-aiplatform.googleapis.com"),
        ("storage", "https://storage.googleapis.com"),
        ("logging", "https://logging.googleapis.com"),
    ],
)
def test_a_service_is_called_at_its_host_and_vertex_at_that_of_the_region(service: str, root: str) -> None:
    opened, wire, _ = session(answer(200, {}))
    opened.call("X", service, PARENT, query={"pageSize": 5})
    (seen,) = wire.seen
    assert (seen["method"], seen["url"], seen["params"]) == ("GET", f"{root}/{PARENT}", {"pageSize": 5})


# Who


class Metadata(AnonymousCredentials):
    """The account of a machine, which knows its name once it has been asked."""

    def __init__(self, email: str) -> None:
        super().__init__()
        self.service_account_email = "default"
        self._email = email

    def refresh(self, request: Any) -> None:
        self.service_account_email = self._email


def opened(monkeypatch: pytest.MonkeyPatch, credentials: Any, identity: str) -> Any:
    """Return the credentials that calls would be made with."""
    monkeypatch.setattr(module, "signed_in", lambda ask: credentials)
    return Session(golden_zone(), identity=identity, user="ada")._open().credentials


PERSON = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}


def test_what_gcloud_wrote_is_read_without_starting_gcloud_and_without_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    person = {**PERSON, "client_id": _cloud_sdk.CLOUD_SDK_CLIENT_ID}
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(person))
    (tmp_path / "gcloud").write_text(f"#!/bin/sh\ntouch {tmp_path}/was-started\n")
    (tmp_path / "gcloud").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    found = signed_in(None)
    assert isinstance(found, Person)
    assert found.refresh_token == "r"
    assert not (tmp_path / "was-started").exists()
    assert not list(recwarn)


def test_a_file_that_is_named_comes_before_what_gcloud_wrote(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, token in (("application_default_credentials.json", "gcloud's"), ("named.json", "named")):
        (tmp_path / name).write_text(json.dumps({**PERSON, "refresh_token": token}))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "named.json"))
    assert signed_in(None).refresh_token == "named"


def test_without_a_file_it_is_the_machine_that_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    machine = Metadata(AGENT)
    monkeypatch.setattr(google.auth, "default", lambda **asked: (machine, None))
    assert signed_in(None) is machine


def test_the_agent_identity_is_impersonated_from_whatever_the_user_is_signed_in_as(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acting = opened(monkeypatch, Person("token"), "agent")
    assert acting.service_account_email == AGENT
    assert acting._iam_endpoint_override is None, "Google's own address, in Google's own universe"


def test_one_who_is_the_agent_already_needs_nobody_s_leave_to_become_it(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Metadata(AGENT)
    assert opened(monkeypatch, machine, "agent") is machine
    other = Metadata("somebody@else.iam.gserviceaccount.com")
    assert opened(monkeypatch, other, "agent") is not other


def test_an_ambient_identity_stays_who_it_is_and_bills_the_zone_s_project(monkeypatch: pytest.MonkeyPatch) -> None:
    person = opened(monkeypatch, Person("token"), "ambient")
    assert (person.token, person.quota_project_id) == ("token", "acme-ml-eu")
    own = opened(monkeypatch, Person("token", quota_project_id="mine"), "ambient")
    assert own.quota_project_id == "mine"
    account = AnonymousCredentials()
    assert opened(monkeypatch, account, "ambient") is account


def test_an_identity_of_another_name_is_refused() -> None:
    with pytest.raises(UsageError, match="not agent or ambient"):
        Session(golden_zone(), identity="root", user="ada")


def test_signing_in_is_one_command_and_a_key_file_that_is_in_the_way_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    person = Caller(golden_zone(), "agent")
    assert person.sign_in() == "run: gcloud auth application-default login"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "key.json")
    assert person.sign_in().startswith("renew key.json (GOOGLE_APPLICATION_CREDENTIALS), or unset it")


def test_a_client_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("google"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as caught:
        Session(golden_zone(), identity="agent", user="ada").call("X", "storage", "v1")
    assert caught.value.remedy == "pip install 'launchway[gcp]'"


def test_neither_proxies_nor_google_s_own_addresses_come_between_us_and_a_local_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPATCH_GCP_ENDPOINT", LOCAL)
    monkeypatch.setattr(module, "signed_in", lambda ask: Person("token", token_uri=f"{LOCAL}/oauth2/token"))
    local = Session(golden_zone(), identity="agent", user="ada")
    http_session = local._open()
    assert http_session.trust_env is False
    assert not hasattr(http_session.credentials, "_maybe_start_regional_access_boundary_refresh")
    assert local._root("aiplatform") == "http://127.0.0.1:9/_gcp/aiplatform"


@pytest.mark.parametrize("identity", ["agent", "ambient"])
@pytest.mark.parametrize(
    "google",
    [Person("token", token_uri="https://oauth2.googleapis.com/token"), Metadata(AGENT)],
    ids=["person", "machine"],
)
def test_a_token_of_google_s_is_never_shown_to_what_listens_on_this_machine(
    identity: str, google: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_GCP_ENDPOINT", LOCAL)
    with pytest.raises(UsageError, match="the credentials found here are not of one") as caught:
        opened(monkeypatch, google, identity)
    assert "localcloud run --" in caught.value.remedy


def test_credentials_of_a_local_cloud_are_never_shown_to_google(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCH_GCP_ENDPOINT", raising=False)
    local = Person("token", token_uri=f"{LOCAL}/oauth2/token")
    with pytest.raises(UsageError, match="are of a local cloud, and DISPATCH_GCP_ENDPOINT is not set"):
        opened(monkeypatch, local, "agent")


# How often

BUSY = refusal(503, "UNAVAILABLE", "busy")


def test_a_read_is_made_again_when_the_service_is_busy_or_the_connection_breaks() -> None:
    read, wire, naps = session(
        refusal(503, "UNAVAILABLE", "busy"), http.ConnectionError("reset"), answer(200, {"a": 1})
    )
    assert read.call("ListCustomJobs", "aiplatform", PARENT) == {"a": 1}
    assert naps == list(PAUSES[:2])
    assert {call["timeout"] for call in wire.seen} == {(CONNECT, READ)}


def test_a_read_that_never_succeeds_ends_with_the_last_reason() -> None:
    read, wire, naps = session(*[refusal(503, "UNAVAILABLE", "busy")] * 9)
    with pytest.raises(UnreachableError, match="failed at ListCustomJobs"):
        read.call("ListCustomJobs", "aiplatform", PARENT)
    assert (len(wire.seen), naps) == (len(PAUSES) + 1, list(PAUSES))


@pytest.mark.parametrize("lost", [http.ReadTimeout("slow"), http.ConnectionError("reset"), BUSY])
def test_a_create_is_made_once_whatever_becomes_of_its_answer(lost: object) -> None:
    create, wire, naps = session(lost, answer(200, {"name": "second"}))
    with pytest.raises(UnreachableError):
        create.call("CreateCustomJob", "aiplatform", PARENT, body={"displayName": "x"}, again=False)
    (seen,) = wire.seen
    assert (seen["method"], seen["json"], seen["timeout"]) == ("POST", {"displayName": "x"}, (CONNECT, CREATE))
    assert naps == []


def test_a_quota_is_not_asked_for_a_second_time() -> None:
    text = "The following quota metrics exceed quota limits: aiplatform.googleapis.com/x"
    read, wire, _ = session(refusal(429, "RESOURCE_EXHAUSTED", text))
    with pytest.raises(QuotaExceeded):
        read.call("X", "aiplatform", PARENT)
    assert len(wire.seen) == 1


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"[1]"])
def test_an_answer_that_is_not_google_s_is_not_believed(content: bytes) -> None:
    read, *_ = session(answer(200, content))
    with pytest.raises(UnreachableError, match="something other than Google Cloud"):
        read.call("X", "aiplatform", PARENT)


def test_a_create_has_a_minute_to_answer() -> None:
    assert module.CREATE == 60
