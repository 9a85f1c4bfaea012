"""The control side of the port: health, faults, the record of requests, settings. Needs the server's token."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud import control
from localcloud.azure.settings import Settings
from localcloud.gcp.vertex.jobs import CustomJobs
from localcloud.place import Server
from localcloud.server.faults import Fault, FaultError
from localcloud.server.front import Front
from localcloud.server.wire import Answer, Call

_SETTINGS = frozenset({"check_images", "inside", "stop_seconds"})


@dataclass
class Desk:
    server: Server
    front: Front

    def __call__(self, call: Call) -> Answer:
        if call.lower.get("x-localcloud-token") != self.server.token:
            return Answer.json({"error": "not the token of this server"}, 403)
        words = call.path.removeprefix(control.PREFIX).strip("/").split("/")
        try:
            body = json.loads(call.body or b"null")
            answer = self._answer(call.method, words, body, call.query)
        except (FaultError, TypeError, ValueError) as error:
            return Answer.json({"error": str(error)}, 400)
        if answer is None:
            return Answer.json({"error": f"no such control request: {call.method} {call.path}"}, 404)
        return Answer.json(answer)

    def _answer(self, method: str, words: list[str], body: Any, query: Mapping[str, str]) -> object:
        front = self.front
        match method, *words:
            case "GET", "health":
                running = front.runner.running()
                return {"pid": os.getpid(), "started": self.server.started, "jobs": running}
            case "GET", "faults":
                return front.faults.all()
            case "POST", "faults":
                number = front.faults.add(Fault.read(body))
                front.runner.poke()
                return {"id": number}
            case "DELETE", "faults":
                return {"cleared": front.faults.clear()}
            case "DELETE", "faults", number:
                return {"cleared": front.faults.clear(int(number))}
            case "GET", "requests":
                return front.record.find(query.get("service", ""), query.get("operation", ""))
            case "DELETE", "requests":
                front.record.clear()
                return {}
            case (("GET" | "POST"), "settings"):
                return self._settings(body or {})
        return None

    @property
    def _vertex(self) -> CustomJobs:
        return self.front.google.state.store(CustomJobs)

    def _settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is given, return all: `check_images`, `stop_seconds` between SIGTERM and SIGKILL, and
        whether callers are `inside` the networks of Azure's private things."""
        if unknown := changes.keys() - _SETTINGS:
            raise FaultError(f"unknown setting {sorted(unknown)[0]!r}; there are {', '.join(sorted(_SETTINGS))}")
        azure = self.front.azure.state.store(Settings)
        if "check_images" in changes:
            asked = bool(changes["check_images"])
            self.front.aws.sagemaker.check_images = self._vertex.check_images = asked
            azure.check_images = asked
        if "inside" in changes:
            azure.inside = bool(changes["inside"])
        if "stop_seconds" in changes:
            self.front.runner.stop_seconds = float(changes["stop_seconds"])
        return {
            "check_images": self.front.aws.sagemaker.check_images,
            "inside": azure.inside,
            "stop_seconds": self.front.runner.stop_seconds,
        }
