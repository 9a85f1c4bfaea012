"""HTTP/1.1 on loopback with connections kept open: bytes become a `Call`, an `Answer` becomes bytes.

moto's own development server closes every connection and waits 10 ms after each answer; a `pulumi up` makes
hundreds of calls.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from localcloud.place import HOST


@dataclass(frozen=True)
class Call:
    """One request as it came in. `target` is the raw path with query, `headers` keep order and spelling."""

    method: str
    target: str
    host: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @cached_property
    def lower(self) -> Mapping[str, str]:
        """Headers by lower-case name; repeated ones joined with commas."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            name = name.lower()
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return joined

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @cached_property
    def credential(self) -> tuple[str, str, str]:
        """(access key id, region, service) of a SigV4 signature, in header or query; empty words when unsigned."""
        scope = self.query.get("X-Amz-Credential", "")
        authorization = self.lower.get("authorization", "")
        if "Credential=" in authorization:
            scope = authorization.partition("Credential=")[2].partition(",")[0]
        words = scope.strip().split("/")
        return (words[0], words[-3], words[-2]) if len(words) >= 5 else ("", "", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `drop` closes the connection without a word instead, as a broken network would."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    drop: bool = False

    @classmethod
    def json(cls, value: object, status: int = 200, kind: str = "application/json", **headers: str) -> Answer:
        """A JSON document; keyword names become header names with dashes."""
        named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
        return cls(status, (("Content-Type", kind), *named), json.dumps(value).encode())


Application = Callable[[Call], Answer]


@dataclass
class Listener:
    """A bound port that serves an application once told to."""

    application: Application
    port: int = 0
    _server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"application": staticmethod(self.application)})
        self._server = _Server((HOST, self.port), handler)
        self.port = self._server.server_address[1]

    def serve(self) -> None:
        """Serve until `stop` is called from another thread."""
        self._server.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # HTTPServer.server_bind asks the resolver for its own name, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    application: Application
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "localcloud", ""
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        answer = self.application(self._call())
        if answer.drop:
            self._drop()
            return
        self.send_response(answer.status)
        given = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers:
            self.send_header(name, value)
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        if "content-length" not in given and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Tell a client that waits for it to go on: boto3 does with every S3 upload, for a second."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _call(self) -> Call:
        # A client that uses us as a proxy (S3 Control puts the account before the host name) sends a whole URL.
        url = urlsplit(self.path)
        target, host = self.path, self.headers.get("Host", "")
        if url.scheme and url.netloc:
            target, host = url._replace(scheme="", netloc="").geturl() or "/", url.netloc
        return Call(self.command, target, host, tuple(self.headers.items()), self._body())

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _drop(self) -> None:
        """Reset the connection: zero linger makes close send RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the record of requests is the log."""
