"""What stands before Debian's docker-registry in the tests: a token server like the clouds', which notes who came.

The registry itself decides: it takes signed tokens only, and holds each call to what its token says.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SERVICE, ISSUER = "registry", "tests"
ACR_USER = "00000000-0000-0000-0000-000000000000"


@dataclass
class Signer:
    """A key, and the certificate that the registry trusts."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, bundle: Path) -> Signer:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ISSUER)])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        certificate = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
        bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(key, certificate)

    def token(self, access: list[dict[str, Any]]) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": "", "aud": SERVICE, "iat": now, "nbf": now - 10, "exp": now + 600}
        der = base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()
        return jwt.encode({**claims, "jti": "1", "access": access}, self.key, "ES256", {"x5c": [der]})


@dataclass
class Rules:
    """Who may what: `may(user, secret, repository)` is the set of actions; nobody is user and secret ''."""

    may: Callable[[str, str, str], set[str]]
    seen: list[str] = field(default_factory=list)
    """Users that asked for tokens."""
    calls: list[str] = field(default_factory=list)
    """`METHOD /path` of every call to the registry."""


@contextlib.contextmanager
def front(backend: int, signer: Signer, rules: Rules, port: int) -> Iterator[None]:
    """Serve on `port` until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        signer_: ClassVar[Signer] = signer

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, document: object) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole

        def _token(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            user, _, secret = (
                base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
                .decode()
                .partition(":")
            )
            rules.seen.append(user)
            access = []
            for scope in query.get("scope", []):
                kind, _, rest = scope.partition(":")
                repository, _, actions = rest.rpartition(":")
                granted = rules.may(user, secret, repository) & set(actions.split(","))
                access.append({"type": kind, "name": repository, "actions": sorted(granted)})
            self._answer(200, {"token": signer.token(access)})

        def _exchange(self) -> None:
            form = parse_qs(self._body().decode())
            assert form["grant_type"] == ["access_token"]
            self._answer(200, {"refresh_token": f"{form['service'][0]} {form['access_token'][0]}"})

        def _pass_on(self) -> None:
            rules.calls.append(f"{self.command} {urlsplit(self.path).path}")
            connection = http.client.HTTPConnection("127.0.0.1", backend, timeout=30)
            with contextlib.closing(connection):
                dropped = ("transfer-encoding", "content-length")
                names = {name for name in self.headers if name.lower() not in dropped}
                headers = {name: ", ".join(self.headers.get_all(name, [])) for name in names}
                body = self._body()
                connection.request(
                    self.command, self.path, body or None, {**headers, "Content-Length": str(len(body))}
                )
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "date"):
                        self.send_header(name, value)
                if answer.getheader("Content-Length") is None:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        def _any(self) -> None:
            path = urlsplit(self.path).path
            if path == "/token":
                self._token()
            elif path == "/oauth2/exchange":
                self._exchange()
            else:
                self._pass_on()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
