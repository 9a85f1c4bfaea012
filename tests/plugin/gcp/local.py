"""The local Google Cloud inside a test's own process: a provider whose calls reach the stores without a socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud.gcp.enablement import Enabled
from localcloud.gcp.front import Google
from localcloud.gcp.operations import Operations
from localcloud.gcp.state import PROJECT, State
from localcloud.place import Place
from localcloud.plugin.gcp.provider import GcpProvider
from localcloud.plugin.gcp.session import Gcp, Settings
from localcloud.server.wire import Call

HOST = "127.0.0.1:1"
URL = f"http://{HOST}"
SERVICES = (
    *("accesscontextmanager", "artifactregistry", "billingbudgets", "cloudkms", "compute", "dns", "iam"),
    *("monitoring", "secretmanager", "servicenetworking"),
)
Send = Callable[[str, str, Any, str], tuple[int, bytes]]


class Local:
    """A cloud of one's own with everything enabled. `calls` are what was sent: method, path, body."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.state = State(Place(folder), URL, clock)
        self.state.store(Enabled).services.update(f"{name}.googleapis.com" for name in SERVICES)
        self.google = Google(self.state)
        self.calls: list[tuple[str, str, Any]] = []

    def send(self, method: str, url: str, body: Any, token: str) -> tuple[int, bytes]:
        target = url.removeprefix(URL)
        self.calls.append((method, target.removeprefix("/_gcp/"), body))
        headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.google.visit(Call(method, target, HOST, headers, data)).serve()
        return answer.status, answer.body

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call of an API: its status and document."""
        status, content = self.send(method, f"{URL}/_gcp/{path}", body, "testing")
        return status, json.loads(content or b"{}")

    def provider(self, **settings: Any) -> GcpProvider:
        known = {"project": PROJECT, "region": "us-central1", "token": "testing", **settings}
        made = GcpProvider()
        made._connection = Gcp(Settings(**known), self.send)
        return made

    def slow(self, polls: int) -> None:
        """Operations answer so often that they are still at it."""
        self.state.store(Operations).polls = polls
