"""The one application of the port: sends a call to control, to SageMaker or to moto."""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import dataclass

from localcloud import control
from localcloud.place import Server
from localcloud.server.moto_app import Moto
from localcloud.server.wire import Answer, Call


@dataclass
class Front:
    """`server` is who we are, told to whoever holds the token."""

    server: Server
    moto: Moto

    def __call__(self, call: Call) -> Answer:
        try:
            if call.path.startswith(control.PREFIX + "/"):
                return self._control(call)
            return self.moto(call)
        except Exception:
            traceback.print_exc()
            return Answer.json({"__type": "InternalFailure", "message": "localcloud failed; see server.log"}, 500)

    def _control(self, call: Call) -> Answer:
        if call.lower.get("x-localcloud-token") != self.server.token:
            return Answer.json({"error": "not the token of this server"}, 403)
        body = json.loads(call.body or b"null")
        path = call.path.removeprefix(control.PREFIX)
        if (call.method, path) == ("GET", "/health"):
            return Answer.json({"pid": os.getpid(), "started": self.server.started, "jobs": []})
        return Answer.json({"error": f"no such control request: {call.method} {path} {body}"}, 404)
