"""Talk to a running server's control side: health, faults, the record of requests."""

from __future__ import annotations

import http.client
import json
from typing import Any

from localcloud.place import HOST, Server

PREFIX = "/_localcloud"


class ControlError(Exception):
    """The server refused a control request; the text is its own."""


def call(server: Server, method: str, path: str, body: object = None, timeout: float = 10) -> Any:
    """Send one control request and return the decoded JSON. Raises ControlError, OSError. `timeout` in seconds."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=timeout)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, PREFIX + path, content, {"X-Localcloud-Token": server.token})
        response = connection.getresponse()
        answer = json.loads(response.read() or b"null")
    except (http.client.HTTPException, ValueError) as error:
        raise ControlError(f"port {server.port} does not answer like a localcloud server: {error!r}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise ControlError(
            answer.get("error", f"HTTP {response.status}") if isinstance(answer, dict) else str(answer)
        )
    return answer
