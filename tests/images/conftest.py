"""A real registry server on loopback, a real buildah, and zones of three clouds that they stand behind."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatcher import cli
from dispatcher.images.login import Login
from dispatcher.images.registry import Registry
from dispatcher.images.transport import ENDPOINT, Transport
from localcloud import Cloud, running
from tests.dispatcher.command_line import Said
from tests.images.front import ACR_USER, ISSUER, SERVICE, Rules, Signer, front
from tools import containers

CONTRACTS = Path(__file__).parents[1] / "golden" / "contracts"
READER = Login("", "reader", "may read and write everything", "the test")


def allowed(user: str, secret: str, repository: str) -> set[str]:
    """The rights of the tests' registry: each cloud's own sign-in for its own host, and public images for all."""
    host = repository.partition("/")[0]
    everything, kinds = (
        {"pull", "push"},
        {
            "AWS": (".amazonaws.com", "-auth-token"),
            "oauth2accesstoken": ("-docker.pkg.dev", ""),
            ACR_USER: (".azurecr.io", host),
        },
    )
    if (user, secret) == (READER.user, READER.secret):
        return everything
    if user in kinds and host.endswith(kinds[user][0]) and secret and kinds[user][1] in secret:
        return set() if "/denied" in repository else everything
    return (
        {"pull"} if not user and "/private/" not in repository and "." in host and host == "docker.io" else set()
    )


@dataclass
class Hub:
    """The registry: its address, who was seen there, and the environment of programs that talk to it."""

    address: str
    rules: Rules
    programs: dict[str, str]

    def registry(self, host: str) -> Registry:
        """The registry as somebody who may do everything (ENDPOINT has to lead here)."""
        return Registry(host, READER, Transport("tests"))


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the programs are found; fails with the line that gets them."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DISPATCH_", "DOCKER_"))
    }
    return containers.environment(tmp_path_factory.mktemp("containers"), kept)


@pytest.fixture(scope="module")
def hub(programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Debian's docker-registry, which takes tokens of our own server only."""
    root = tmp_path_factory.mktemp("registry")
    signer, rules = Signer.make(root / "bundle.pem"), Rules(allowed)
    inner, outer = _free_port(), _free_port()
    auth = {
        "realm": f"http://127.0.0.1:{outer}/token",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": str(root / "bundle.pem"),
    }
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(root / "data")}},
        "http": {"addr": f"127.0.0.1:{inner}", "relativeurls": True, "secret": "of these tests"},
        "auth": {"token": auth},
    }
    (root / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    with (root / "log").open("wb") as log:
        server = subprocess.Popen(
            ["docker-registry", "serve", str(root / "config.yml")],
            env=programs,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _answers(inner, server, root / "log")
            with front(inner, signer, rules, outer):
                plain = root / "registries.conf"
                plain.write_text(f'[[registry]]\nlocation = "127.0.0.1:{outer}"\ninsecure = true\n')
                reached = {**programs, "CONTAINERS_REGISTRIES_CONF": str(plain)}
                yield Hub(f"http://127.0.0.1:{outer}", rules, reached)
        finally:
            server.terminate()
            server.wait(10)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud: who the zones sign in as."""
    with running(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


Run = Callable[..., Said]


@pytest.fixture
def ours(hub: Hub, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The registry with nothing seen yet, this process pointed at it and at the cloud, and buildah in its PATH."""
    for name, value in {**cloud.environment, **hub.programs, ENDPOINT: hub.address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    hub.rules.seen.clear()
    hub.rules.calls.clear()
    return hub


@pytest.fixture
def run(ours: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `dispatch` in this process, on a ledger with a zone and a queue on each cloud."""
    zones = {}
    for name in ("aws", "gcp", "azure"):
        zones |= json.loads((CONTRACTS / f"{name}.json").read_text())["zones"]
    contract = {
        "version": 1,
        "updated_at": "2026-11-21T08:00:00Z",
        "environment": "golden",
        "regime": "none",
        "zones": zones,
    }
    (tmp_path / "outputs.json").write_text(json.dumps({"contract": contract}))
    queues = ", ".join(f"{{name: {zone}, zone: {zone}, identity: ambient}}" for zone in zones)
    (tmp_path / "q.yaml").write_text(f"queues: [{queues}]")
    monkeypatch.setenv("DISPATCH_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = cli.run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(int(code), said.out, said.err)

    synced = run("sync", "--outputs", "outputs.json", "--queues", "q.yaml")
    assert synced.code == 0, synced.err
    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder with a Dockerfile that starts from nothing; `lines` are added to it."""

    def make(*lines: str, name: str = "train") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "model.txt").write_text(f"of {name}\n")
        (folder / "Dockerfile").write_text("\n".join(["FROM scratch", "COPY model.txt /model.txt", *lines]) + "\n")
        return folder

    return make


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., str]:
    """Write a job file with an image and more lines, and return its name."""

    def write(image: str, *lines: str) -> str:
        (tmp_path / "job.yaml").write_text("\n".join([f"image: {image}", "max_runtime: 1h", *lines]) + "\n")
        return "job.yaml"

    return write


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the registry takes connections."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends and server.poll() is None:
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"docker-registry did not start: {log.read_text()}")
