"""`dispatch image copy` between real registries: by ourselves, by a real skopeo, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.images import archive, carriers, registry, transfer
from tests.images.conftest import Hub, Run

pytestmark = pytest.mark.images

START = 'ENTRYPOINT ["/bin/train"]'
AWS = ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "aws-euc1-images-1a2b3c")


@dataclasses.dataclass
class Public:
    """An image for two processors on Docker Hub (the tests' registry stands in for it): the digest of each."""

    name: str
    amd64: str
    arm64: str


@pytest.fixture
def public(ours: Hub, recipe: Callable[..., Path], tmp_path: Path) -> Callable[[str], Public]:
    """Publish an index as `docker.io/NAME:1`."""

    def publish(name: str) -> Public:
        folder = recipe(START, f"LABEL of={name}", name="base")

        def buildah(*words: str) -> str:
            done = subprocess.run(
                ["buildah", *words], env=ours.programs, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        target, digests = ours.registry("docker.io"), {}
        entries = []
        for platform in ("linux/amd64", "linux/arm64"):
            image = tmp_path / platform.replace("/", "-")
            buildah("build", "--quiet", "--platform", platform, "--iidfile", f"{image}.id", str(folder))
            buildah("push", "--quiet", Path(f"{image}.id").read_text(), f"oci:{image}")
            built = archive.layout(image, platform)
            transfer.push(built, target, name, built.manifest.digest, lambda _: None)
            system, _, architecture = platform.partition("/")
            entries.append(
                {
                    "mediaType": built.manifest.media_type,
                    "digest": built.manifest.digest,
                    "size": len(built.manifest.content),
                    "platform": {"os": system, "architecture": architecture},
                }
            )
            digests[architecture] = built.manifest.digest
        target.put_manifest(name, "1", index(entries))
        return Public(f"docker.io/{name}:1", **digests)

    return publish


def index(entries: list[dict[str, object]]) -> registry.Manifest:
    """An index of these entries, and an attestation, which is for no platform."""
    attested = {**entries[0], "platform": {"os": "unknown", "architecture": "unknown"}}
    document = {"schemaVersion": 2, "mediaType": registry.INDEXES[0], "manifests": [attested, *entries]}
    content = json.dumps(document).encode()
    return registry.Manifest(f"sha256:{hashlib.sha256(content).hexdigest()}", registry.INDEXES[0], content)


@pytest.mark.parametrize("carrier", ["dispatch", "skopeo"])
def test_the_manifest_for_the_zone_s_machines_arrives_unchanged(
    run: Run, ours: Hub, public: Callable[[str], Public], carrier: str
) -> None:
    image = public(f"acme/base-{carrier}")
    said = run("image", "copy", image.name, "--zone", "aws-euc1", "--with", carrier, "-o", "json")
    assert said.code == 0, said.err
    assert said.json["digest"] == image.amd64 != image.arm64
    assert said.json["name"] == f"base-{carrier}"
    host, repository = AWS
    tag = said.json["tag"].rpartition(":")[2]
    assert ours.registry(host).manifest(repository, tag).digest == image.amd64
    again = run("image", "copy", image.name, "--zone", "aws-euc1", "--platform", "linux/arm64", "-o", "json")
    assert again.json["digest"] == image.arm64


@pytest.mark.parametrize("carrier", ["dispatch", "skopeo"])
def test_what_one_zone_has_is_copied_into_another_by_its_name(
    run: Run, recipe: Callable[..., Path], carrier: str
) -> None:
    folder = recipe(START, f"LABEL of={carrier}")
    (built,) = run("build", str(folder), "--zone", "gcp-euw4", "--push", "-o", "json").json
    said = run("image", "copy", "train", "--zone", "azure-weu", "--with", carrier, "-o", "json")
    assert said.code == 0, said.err
    assert said.json["digest"] == built["digest"]
    assert said.json["source"] == built["reference"]
    rows = run("image", "show", "train", "-o", "json").json
    assert [row["zone"] for row in rows] == ["azure-weu", "gcp-euw4"]
    shown = run("image", "show", "train").out
    assert "entrypoint" in shown
    assert "/bin/train" in shown


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["docker.io/acme/nothing:1"], 7, "docker.io/acme/nothing:1 is not there"),
        (
            ["docker.io/private/thing:1"],
            4,
            "docker.io refuses docker.io/private/thing:1 to somebody who is not signed",
        ),
        (["train"], 7, "has not been built or copied for any zone"),
        (["docker.io/acme/base:1", "--with", "crane"], 7, "crane is not installed"),
        (["docker.io/acme/base:1", "--with", "rsync"], 2, "no program rsync"),
        (
            ["docker.io/acme/base:1", "--platform", "linux/s390x"],
            7,
            "not made for linux/s390x, but for linux/amd64",
        ),
    ],
)
def test_what_cannot_be_copied_is_said_with_what_there_is(
    run: Run, public: Callable[[str], Public], words: list[str], code: int, part: str
) -> None:
    public("acme/base")
    said = run("image", "copy", "--zone", "azure-weu", *words)
    assert said.code == code, said.err
    assert part in said.err


def test_crane_is_told_the_same_as_skopeo_and_the_first_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "crane").write_text("")
    (tmp_path / "crane").chmod(0o755)
    found = carriers.find(None, {"PATH": str(tmp_path)})
    assert found is not None
    assert found.command("a/b@sha256:1", "c/d:t", False) == ["crane", "copy", "a/b@sha256:1", "c/d:t"]
    assert carriers.find(None, {"PATH": ""}) is None
    assert carriers.find("dispatch", {"PATH": str(tmp_path)}) is None


def test_what_docker_saves_is_pushed_like_an_image_of_any_builder(
    ours: Hub, recipe: Callable[..., Path], tmp_path: Path
) -> None:
    folder = recipe(START, "LABEL io.launchway.dispatch-run=0.1.0")
    env = ours.programs
    subprocess.run(["buildah", "build", "--quiet", "--iidfile", tmp_path / "id", folder], env=env, check=True)
    image = (tmp_path / "id").read_text()
    subprocess.run(
        ["buildah", "push", "--quiet", image, f"docker-archive:{tmp_path}/saved.tar"], env=env, check=True
    )
    first, second = (archive.saved(tmp_path / "saved.tar", tmp_path / name) for name in ("one", "two"))
    assert first.manifest == second.manifest, "equal layers give equal bytes"
    (layer,) = (part for part in json.loads(first.manifest.content)["layers"])
    assert first.files[layer["digest"]].read_bytes()[4:8] == bytes(4), "no time is in them"
    assert first.config.runtime == "0.1.0"
    target = ours.registry("azureweu1a2b3c.azurecr.io")
    transfer.push(first, target, "saved", "1", lambda _: None)
    plain = f"docker://{carriers.address(target.host, 'saved')}:1"
    reader = ["--creds", "reader:may read and write everything", "--tls-verify=false"]
    seen = subprocess.run(
        ["skopeo", "inspect", *reader, plain], env=env, capture_output=True, text=True, check=False
    )
    assert seen.returncode == 0, seen.stderr
    assert json.loads(seen.stdout)["Digest"] == first.manifest.digest
    assert json.loads(seen.stdout)["Labels"]["io.launchway.dispatch-run"] == "0.1.0"
