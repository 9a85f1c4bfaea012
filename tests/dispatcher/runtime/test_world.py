"""The call that reads secrets, on a real socket: certificates, redirects, proxies, silent servers."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dispatcher.runtime.secrets.world import Call, Unreachable, is_loopback, said, send

pytestmark = pytest.mark.wire


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/token")
        else:
            self.send_response(200)
        self.send_header("X-Seen", self.headers.get("Authorization", "none"))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that only itself vouches for, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=True
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, *form) + made.public_bytes(pem))
    return file


def test_a_redirect_is_an_answer_and_not_followed_with_credentials() -> None:
    with serving() as url:
        answer = send(Call("GET", f"{url}/elsewhere", {"Authorization": "Bearer secret"}))
    assert (answer.status, answer.headers["x-seen"]) == (302, "Bearer secret")


def test_metadata_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as url:
        assert send(Call("GET", url, direct=True)).status == 200
        with pytest.raises(Unreachable, match="refused"):
            send(Call("GET", url))  # the tests' proxy is a closed port


def test_a_store_is_known_by_its_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with serving(context) as url:
        with pytest.raises(Unreachable) as caught:
            send(Call("GET", url))
        assert "does the image have CA certificates" in str(caught.value)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert send(Call("GET", url)).status == 200


def test_who_does_not_answer_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unreachable, match=r"127.0.0.1:.* cannot be reached: .*timed out"):
            send(Call("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=0.05))
    with pytest.raises(Unreachable, match="refused"):
        send(Call("GET", "http://127.0.0.1:9/"))


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:5000", True),
        ("http://localhost/x", True),
        ("http://[::1]:80", True),
        ("http://127.0.0.1.example.org", False),
        ("http://localhost.example.org", False),
        ("https://198.51.100.1", False),
        ("not a url", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_what_a_service_says_becomes_one_short_line() -> None:
    assert said(403, "Access\ndenied\x1b[31m  here") == "403 Access denied[31m here"
    assert len(said("x" * 1000)) == 303
