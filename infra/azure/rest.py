"""Ask Resource Manager or the directory over plain REST, as whoever deploys: what the provider does not do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIMEOUT = 30.0  # seconds for one answer


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the decoded JSON of its body ({} when there is none)."""

    status: int
    body: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The `code` of an ARM error, such as AuthorizationFailed; empty when there is none."""
        error = self.body.get("error")
        return str(error.get("code", "")) if isinstance(error, Mapping) else ""


@dataclass(frozen=True, slots=True)
class Rest:
    """Calls to `endpoint` (`https://management.azure.com` or the local cloud's) with a token of the deployer's."""

    endpoint: str
    token: str = field(repr=False)

    def ask(self, path: str, version: str | None, verb: str = "GET", **query: str) -> Answer:
        """One call without a body; `path` begins with a slash, `version` is the API version, if any.

        Raises requests' own errors when nobody answers.
        """
        import requests

        answer = requests.request(
            verb,
            f"{self.endpoint}{path}",
            params={**({"api-version": version} if version else {}), **query},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=TIMEOUT,
        )
        try:
            decoded = answer.json()
        except ValueError:
            decoded = {}
        return Answer(answer.status_code, decoded if isinstance(decoded, dict) else {})
