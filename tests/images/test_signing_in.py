"""A short-lived login is shown to its registry only, and lent to a builder without touching what the user has."""

from __future__ import annotations

import base64
import contextlib
import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dispatcher.errors import DispatchError, UsageError
from dispatcher.images import sign_in
from dispatcher.images.challenge import Authority
from dispatcher.images.login import Login
from dispatcher.images.registry import Registry
from dispatcher.images.transport import ENDPOINT, Answer, Transport, stand_in
from tests.images.test_resolving import zone as golden

OURS = Login("zone.azurecr.io", "somebody", "a token", "the agent")
BASIC = f"Basic {base64.b64encode(b'somebody:a token').decode()}"


class Listening(Transport):
    """Answers every call with a token, and keeps what was shown."""

    shown: list[dict[str, str]]

    @contextlib.contextmanager
    def send(self, method: str, url: str, headers: Any, body: Any = None, size: int = 0) -> Iterator[Answer]:
        import io

        object.__getattribute__(self, "shown").append(dict(headers))
        yield Answer(url, 200, {}, io.BytesIO(b'{"access_token": "t"}'))


def listening() -> Listening:
    made = Listening("ada")
    object.__setattr__(made, "shown", [])
    return made


@pytest.mark.parametrize(
    ("realm", "trusted"),
    [
        ("https://zone.azurecr.io/oauth2/token", True),
        ("http://zone.azurecr.io/oauth2/token", False),
        ("https://zone.azurecr.io.example.com/token", False),
        ("https://auth.docker.io/token", False),
        ("http://127.0.0.1:5001/token", False),
        ("https://localhost/token", False),
    ],
)
def test_a_login_is_shown_to_the_registry_s_own_token_server_only(
    realm: str, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    calls = listening()
    authority = Authority("zone.azurecr.io", OURS, calls)
    scope = "repository:train:pull"
    assert authority.meet(f'Bearer realm="{realm}",service="zone.azurecr.io"', scope)
    assert calls.shown == [{"Authorization": BASIC} if trusted else {}]
    assert authority.shown(scope) == {"Authorization": "Bearer t"}
    assert not authority.meet(f'Bearer realm="{realm}"', scope), "the same answer twice helps nobody"


def test_a_token_server_of_this_machine_is_shown_a_login_where_a_registry_of_it_stands_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:5000")
    calls = listening()
    assert Authority("127.0.0.1:5000", OURS, calls).meet('Bearer realm="http://127.0.0.1:5001/token"', "any")
    assert calls.shown == [{"Authorization": BASIC}]


def test_ecr_s_way_is_the_login_itself_once() -> None:
    authority = Authority("zone.azurecr.io", OURS, listening())
    assert authority.meet('Basic realm="https://x/"', "any")
    assert authority.shown("another") == {"Authorization": BASIC}
    assert not authority.meet('Basic realm="https://x/"', "any")
    assert not Authority("x", None, listening()).meet("Basic", "any")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user who is signed in elsewhere, through a helper too, and has a docker context."""
    docker = tmp_path / "home" / ".docker"
    (docker / "contexts").mkdir(parents=True)
    document = {"auths": {"ghcr.io": {"auth": "eA=="}}, "credsStore": "desktop", "currentContext": "remote"}
    (docker / "config.json").write_text(json.dumps(document))
    return tmp_path / "home"


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_a_token_of_ecr_is_asked_for_where_it_counts(region: str) -> None:
    from dispatcher.backends.sagemaker import registry

    class Ecr:
        def __init__(self, name: str) -> None:
            self.name = name

        def get_authorization_token(self) -> dict[str, Any]:
            token = base64.b64encode(f"AWS:of {self.name}".encode()).decode()
            return {"authorizationData": [{"authorizationToken": token}]}

    class Signed:
        zone, identity = golden("aws"), "agent"

        def client(self, service: str) -> Ecr:
            return Ecr(self.zone.region)

        def client_in(self, service: str, region: str) -> Ecr:
            return Ecr(region)

    host = f"763104351884.dkr.ecr.{region}.amazonaws.com"
    signed: Any = Signed()
    found = registry.login(signed, host)
    assert (found.host, found.user, found.secret) == (host, "AWS", f"of {region}")


def test_a_lent_sign_in_stands_beside_the_user_s_own_in_files_that_nobody_else_reads(
    home: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    lent = sign_in.lent([OURS], {"HOME": str(home), "PATH": "p"}, tmp_path)
    docker = Path(lent["DOCKER_CONFIG"])
    config, auth = (
        json.loads(file.read_text()) for file in (docker / "config.json", Path(lent["REGISTRY_AUTH_FILE"]))
    )
    assert config["auths"] == {"ghcr.io": {"auth": "eA=="}, OURS.host: {"auth": BASIC.removeprefix("Basic ")}}
    assert config["credHelpers"] == {OURS.host: ""}, "or docker would ask its store, which has no such login"
    assert (config["credsStore"], config["currentContext"]) == ("desktop", "remote")
    assert (docker / "contexts").is_dir()
    assert auth["auths"].keys() == {"ghcr.io", OURS.host}
    assert "credHelpers" not in auth, "buildah would start a helper without a name"
    for file in (docker / "config.json", Path(lent["REGISTRY_AUTH_FILE"])):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_without_a_login_nothing_is_lent(home: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(home)}
    assert sign_in.lent([], environment, tmp_path) == environment


@pytest.mark.parametrize("address", ["https://registry.example.com", "http://10.0.0.1:5000", "127.0.0.1:5000"])
def test_only_a_registry_on_this_machine_stands_in_for_all(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, address)
    with pytest.raises(UsageError, match=ENDPOINT):
        stand_in()


@pytest.fixture
def redirecting() -> Iterator[tuple[str, list[str | None]]]:
    """A registry that wants to be shown a login, and keeps its layers elsewhere; what it was shown."""
    shown: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            shown.append(self.headers.get("Authorization"))
            if self.path.startswith("/v2/"):
                known = self.headers.get("Authorization") == BASIC
                self.send_response(307 if known else 401)
                place = (
                    f"http://localhost:{self.server.server_address[1]}/layer"
                    if "evil" not in self.path
                    else "http://example.com/"
                )
                self.send_header(*(("Location", place) if known else ("WWW-Authenticate", 'Basic realm="x"')))
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"layer")

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", shown
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.wire
def test_where_a_registry_keeps_its_layers_our_login_is_not_shown(
    redirecting: tuple[str, list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, shown = redirecting
    monkeypatch.setenv(ENDPOINT, address)
    registry = Registry(OURS.host, OURS, Transport("ada", pauses=()))
    with registry.blob("train", "sha256:1") as stream:
        assert stream.read() == b"layer"
    assert shown == [None, BASIC, None]
    with (
        pytest.raises(DispatchError, match=r"sends us to http://example\.com, which is not safe"),
        registry.blob("evil", "x"),
    ):
        pass
