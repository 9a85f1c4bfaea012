"""The host of an image: what is none is refused before anybody signs in to it, whoever names it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends import image_reference
from dispatcher.backends.azureml import registry
from dispatcher.errors import DispatchError, SpecError, UsageError
from dispatcher.images import asking, place, verbs
from dispatcher.images.login import Login
from dispatcher.images.transport import Transport
from dispatcher.job import Job
from dispatcher.placement.catalog import Hardware
from tests.images.test_resolving import CONTRACTS, MACHINE, zone

SUFFIXES = {
    "aws": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "gcp": "europe-west3-docker.pkg.dev",
    "azure": "zone.azurecr.io",
}
DISGUISES = [
    "attacker.example#.{}", "attacker.example#{}", "attacker.example?.{}", "attacker.example:443#{}",
    "attacker.example\\.{}", "attacker.example\\@{}", "attacker.example;.{}", "attacker.example%23.{}",
    "attacker.example .{}", "attacker.example\t.{}", "attacker.example\n.{}", "u:p.attacker.example:{}",
    "{}:443#", "{}:x", "{}:", "{}.", ".{}", "{}:443:443", "[::1].{}", "-.{}", "a..{}", "{}\n", "{}\x00", "é.{}",
]  # fmt: skip
PASSING = ["{}", "{}:443", "127.0.0.1:5000", "[::1]:5000", "localhost", "localhost:5000", "registry.example.com"]


class Cloud:
    """A backend that fails the test when somebody wants to sign in."""

    def local(self) -> bool:
        return False

    def registry_login(self, host: str, calls: Transport) -> Login:
        pytest.fail(f"signed in to {host!r}")


class Recorded(Cloud):
    """A backend that notes to which host somebody wants to sign in."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def registry_login(self, host: str, calls: Transport) -> Login:
        self.hosts.append(host)
        raise DispatchError("enough")


@pytest.fixture
def dispatcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dispatcher with a zone and a queue on each cloud, none of which may be signed in to."""
    zones: dict[str, Any] = {}
    for name in SUFFIXES:
        zones |= json.loads((CONTRACTS / f"{name}.json").read_text())["zones"]
    contract = json.loads((CONTRACTS / "aws.json").read_text()) | {"zones": zones}
    (tmp_path / "outputs.json").write_text(json.dumps({"contract": contract}))
    (tmp_path / "q.yaml").write_text(f"queues: [{', '.join(f'{{name: {one}, zone: {one}}}' for one in zones)}]")
    with Dispatcher(tmp_path / "ledger.db", environment={"USER": "ada"}) as made:
        made.sync(outputs=[tmp_path / "outputs.json"], queues=tmp_path / "q.yaml", project=tmp_path)
        monkeypatch.setattr(made, "backend", lambda *_, **__: Cloud())
        yield made


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("cloud", SUFFIXES)
def test_what_only_ends_like_a_registry_is_signed_in_to_by_nobody(
    cloud: str, disguise: str, dispatcher: Dispatcher
) -> None:
    host = disguise.format(SUFFIXES[cloud])
    image = f"{host}/team/train:1"
    assert not place.puller(zone(cloud)).signs_in(host) or disguise == "{}:443"
    with pytest.raises(SpecError, match="not an image reference"):
        asking.ask(Job(image=image, command=("run",)), zone(cloud), "z", MACHINE, Cloud(), "ada")
    name = next(row.name for row in dispatcher.reading.zones() if json.loads(row.document)["cloud"] == cloud)
    with pytest.raises(UsageError, match="not an image reference"):
        verbs.copy(dispatcher, image, name, lambda _: None)
    with pytest.raises(DispatchError):
        dispatcher.submit(Job(image=image, command=("run",)), queue=name)
    assert dispatcher.list() == []


@pytest.mark.parametrize("disguise", DISGUISES)
def test_azure_s_token_is_not_even_asked_for(disguise: str) -> None:
    session: Any = SimpleNamespace(token=lambda: pytest.fail("asked for a token"))
    with pytest.raises(UsageError, match="not the host of a registry"):
        registry.login(session, disguise.format(SUFFIXES["azure"]), Transport("ada"))


@pytest.mark.parametrize("form", PASSING)
def test_a_host_with_or_without_a_port_is_one(form: str) -> None:
    host = form.format(SUFFIXES["azure"])
    image = image_reference.read(f"{host}/team/train:1")
    assert (image.host, image.name, image.tag) == (host, "team/train", "1")


@pytest.mark.parametrize("cloud", SUFFIXES)
def test_a_cloud_s_own_registry_is_signed_in_to(cloud: str) -> None:
    backend, machine = Recorded(), Hardware(cloud, "any", architecture="x86_64")
    job = Job(image=f"{SUFFIXES[cloud]}/team/train:1", command=("run",))
    (warning,) = asking.ask(job, zone(cloud), "z", machine, backend, "ada").warnings
    assert backend.hosts == [SUFFIXES[cloud]]
    assert "could not be looked at: enough" in warning
