"""Ask Google's APIs a question over plain REST, as whoever deploys: for what the provider does not wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT = 10.0  # seconds for one answer


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the decoded JSON of its body ({} when there is none)."""

    status: int
    body: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """The `reason` in Google's error details, such as SERVICE_DISABLED; empty when there is none."""
        details = self.body.get("error", {}).get("details", [])
        return next((detail["reason"] for detail in details if "reason" in detail), "")


@dataclass(frozen=True, slots=True)
class Rest:
    """Calls billed to `project`; with `emulator`, at that address with a token that means nothing."""

    project: str
    emulator: str | None = None

    def ask(self, host: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """GET, or POST when there is a body. `host` is the first label of the API's host.

        Raises requests' and google-auth's own errors when nobody answers or nobody is signed in.
        """
        import requests

        headers = {"Authorization": f"Bearer {self._token()}", "x-goog-user-project": self.project}
        base = f"{self.emulator}/{host}" if self.emulator else f"https://{host}.googleapis.com"
        verb = "GET" if body is None else "POST"
        answer = requests.request(verb, f"{base}/{path}", json=body, headers=headers, timeout=TIMEOUT)
        try:
            decoded = answer.json()
        except ValueError:
            decoded = {}
        return Answer(answer.status_code, decoded if isinstance(decoded, dict) else {})

    def _token(self) -> str:
        if self.emulator:
            return "testing"
        import google.auth
        from google.auth.transport.requests import Request

        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]  # google-auth types it in part
        return str(credentials.token)
