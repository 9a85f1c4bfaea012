"""The local Azure inside a test's own process: a provider whose calls reach the stores without a socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localcloud.azure.arm.registration import Registered, namespaces
from localcloud.azure.front import Azure
from localcloud.azure.state import SUBSCRIPTION, State
from localcloud.place import Place
from localcloud.plugin.azure.provider import AzureProvider
from localcloud.plugin.azure.session import Arm, Settings
from localcloud.plugin.loopback import Answer
from localcloud.server.wire import Call

HOST = "127.0.0.1:1"
URL = f"http://{HOST}"
SECRET = "header"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g"


class Local:
    """A cloud of one's own with everything registered. `calls` are what was sent: method, path, body."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.state = State(Place(folder), URL, clock, SECRET)
        self.state.store(Registered).states.update({name.lower(): "Registered" for name in namespaces()})
        self.azure = Azure(self.state)
        self.calls: list[tuple[str, str, Any]] = []
        self.pauses: list[float] = []

    def send(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
        target = url.removeprefix(URL)
        self.calls.append((method, target.removeprefix("/_azure/"), body))
        given = (*headers.items(), ("Content-Type", "application/json"))
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.azure.visit(Call(method, target, HOST, given, data)).serve()
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)

    def ask(self, method: str, id: str, version: str, body: Any = None) -> tuple[int, Any]:
        """One call of ARM: its status and document."""
        url = f"{URL}/_azure/arm{id}?api-version={version}"
        answer = self.send(method, url, body, {"Authorization": "Bearer testing"})
        return answer.status, answer.document()

    def provider(self, **settings: str) -> AzureProvider:
        known = {"subscription": SUBSCRIPTION, "location": "westeurope", **settings}
        made = AzureProvider()
        made._arm = Arm(Settings(**known), self.send, self.pauses.append)
        return made
