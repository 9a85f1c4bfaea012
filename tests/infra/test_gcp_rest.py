"""Questions to Google's APIs: where they go, whose project pays, and what an answer says."""

from __future__ import annotations

from typing import Any

import pytest

from infra.gcp.rest import Answer, Rest


class Response:
    """What requests returns, as far as it is read."""

    def __init__(self, status: int, body: Any) -> None:
        self.status_code, self.body = status, body

    def json(self) -> Any:
        if self.body is None:
            raise ValueError("no JSON")
        return self.body


def asked(monkeypatch: pytest.MonkeyPatch, response: Response) -> list[dict[str, Any]]:
    """Answer every request with `response` and keep what was asked."""
    calls: list[dict[str, Any]] = []

    def request(verb: str, url: str, **more: Any) -> Response:
        calls.append({"verb": verb, "url": url, **more})
        return response

    monkeypatch.setattr("requests.request", request)
    return calls


def test_an_emulator_is_asked_by_the_first_label_of_the_host_with_a_token_that_means_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = asked(monkeypatch, Response(200, {"name": "x"}))
    answer = Rest("acme-ml-eu", "http://127.0.0.1:5000/_gcp").ask("cloudkms", "v1/projects/acme-ml-eu/locations")
    assert answer == Answer(200, {"name": "x"})
    [call] = calls
    assert (call["verb"], call["url"]) == (
        "GET",
        "http://127.0.0.1:5000/_gcp/cloudkms/v1/projects/acme-ml-eu/locations",
    )
    assert call["headers"] == {"Authorization": "Bearer testing", "x-goog-user-project": "acme-ml-eu"}
    assert call["timeout"] <= 10


def test_google_is_asked_as_whoever_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = asked(monkeypatch, Response(200, {}))
    monkeypatch.setattr(Rest, "_token", lambda self: "of-the-deployer")
    Rest("acme-ml-eu").ask("europe-west4-aiplatform", "v1/x", {"a": 1})
    [call] = calls
    assert (call["verb"], call["url"]) == ("POST", "https://europe-west4-aiplatform.googleapis.com/v1/x")
    assert call["json"] == {"a": 1}
    assert call["headers"]["Authorization"] == "Bearer of-the-deployer"


@pytest.mark.parametrize("body", [None, [], "text"])
def test_an_answer_without_an_object_is_an_answer_all_the_same(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Response(502, body))
    assert Rest("p", "http://127.0.0.1:5000").ask("dns", "x") == Answer(502, {})


def test_the_reason_is_read_out_of_googles_error_details() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"reason": "SERVICE_DISABLED"}]
    assert Answer(403, {"error": {"details": details}}).reason == "SERVICE_DISABLED"
    assert Answer(403, {"error": {"message": "no"}}).reason == ""
    assert Answer(200, {}).reason == ""


def test_the_deployers_own_sign_in_makes_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    class Credentials:
        token: str | None = None

        def refresh(self, request: object) -> None:
            self.token = "fresh"

    scopes: list[list[str]] = []

    def default(scopes_wanted: list[str]) -> tuple[Credentials, str]:
        scopes.append(scopes_wanted)
        return Credentials(), "elsewhere"

    monkeypatch.setattr("google.auth.default", lambda scopes: default(scopes))
    calls = asked(monkeypatch, Response(200, {}))
    Rest("acme-ml-eu").ask("dns", "x")
    assert calls[0]["headers"]["Authorization"] == "Bearer fresh"
    assert calls[0]["headers"]["x-goog-user-project"] == "acme-ml-eu"
    assert scopes == [["https://www.googleapis.com/auth/cloud-platform"]]
