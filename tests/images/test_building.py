"""`dispatch build` with a real buildah against a real registry: what is pushed, as whom, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.conftest import Hub, Run, allowed
from tests.images.front import ACR_USER

pytestmark = pytest.mark.images

ZONES = ("aws-euc1", "gcp-euw4", "azure-weu")
EVERYWHERE = [word for zone in ZONES for word in ("--zone", zone)]
START = 'ENTRYPOINT ["/bin/train"]'
HAS_RUNTIME = "LABEL io.launchway.dispatch-run=0.1.0"


def test_one_build_is_pushed_to_three_registries_under_its_digest_by_three_short_lived_logins(
    run: Run, recipe: Callable[..., Path], ours: Hub
) -> None:
    said = run("build", str(recipe(START, HAS_RUNTIME)), *EVERYWHERE, "--push", "-o", "json")
    assert said.code == 0, said.err
    aws, gcp, azure = said.json
    (digest,) = {row["digest"] for row in said.json}
    tag = digest.removeprefix("sha256:")
    assert aws["reference"] == f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/aws-euc1-images-1a2b3c@{digest}"
    assert aws["tag"].endswith(f"/aws-euc1-images-1a2b3c:train-{tag}")
    assert gcp["reference"] == f"europe-west4-docker.pkg.dev/acme-ml-eu/gcp-euw4-images/train@{digest}"
    assert azure["tag"] == f"azureweu1a2b3c.azurecr.io/train:{tag}"
    assert set(ours.rules.seen) == {"AWS", "oauth2accesstoken", ACR_USER}
    for row, repository in zip(
        said.json, ("aws-euc1-images-1a2b3c", "acme-ml-eu/gcp-euw4-images/train", "train"), strict=True
    ):
        host = row["reference"].partition("/")[0]
        assert ours.registry(host).manifest(repository, row["tag"].rpartition(":")[2]).digest == digest
    assert (aws["entrypoint"], aws["runtime"], aws["pushed"]) == ('["/bin/train"]', "0.1.0", 1)


def test_what_was_pushed_is_not_sent_again_and_is_what_a_job_of_that_name_takes(
    run: Run, recipe: Callable[..., Path], ours: Hub, job: Callable[..., str]
) -> None:
    folder = recipe(START, HAS_RUNTIME)
    (first,) = run("build", str(folder), "--zone", "gcp-euw4", "--push", "-o", "json").json
    (folder / "model.txt").write_text("another\n")
    (second,) = run("build", str(folder), "--zone", "gcp-euw4", "--push", "-o", "json").json
    ours.rules.calls.clear()
    again = run(
        "image", "copy", second["reference"], "--zone", "gcp-euw4", "--name", "train", "--with", "dispatch"
    )
    assert again.code == 0, again.err
    assert not [call for call in ours.rules.calls if call.startswith(("PUT", "POST"))]
    planned = run("submit", job("train", "command: [run]"), "-q", "gcp-euw4", "--dry-run", "-o", "json")
    assert planned.code == 0, planned.err
    (request,) = planned.json["requests"]
    container = request["body"]["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
    assert container["imageUri"] == second["reference"] != first["reference"]
    assert container["command"][0] == "dispatch-run", "its label says that it has it"


def test_an_image_that_was_not_pushed_is_recorded_and_not_taken(
    run: Run, recipe: Callable[..., Path], ours: Hub, job: Callable[..., str]
) -> None:
    built = run("build", str(recipe(START)), "--zone", "azure-weu")
    assert built.code == 0, built.err
    assert "not pushed" in built.err
    assert "dispatch image runtime" in built.err, "it has no dispatch-run"
    assert ours.rules.seen == ours.rules.calls == []
    planned = run("submit", job("train", "command: [run]"), "-q", "azure-weu", "--dry-run")
    assert "was built on" in planned.err + planned.out
    assert "@sha256:" not in planned.out
    assert [(row["name"], row["pushed"]) for row in run("image", "show", "-o", "json").json] == [("train", 0)]


def test_who_may_not_push_is_named_with_the_right_that_is_lacking(
    run: Run, recipe: Callable[..., Path], ours: Hub
) -> None:
    ours.rules.may = lambda user, secret, repository: {"pull"}
    try:
        said = run("build", str(recipe(START, "LABEL a=b")), "--zone", "azure-weu", "--push")
    finally:
        ours.rules.may = allowed
    assert said.code == 4
    assert "AcrPush" in said.err
    assert "imagePush: true" in said.err


def test_a_base_image_in_the_zone_s_registry_is_pulled_with_the_zone_s_login(
    run: Run, recipe: Callable[..., Path], ours: Hub
) -> None:
    (base,) = run("build", str(recipe(START, name="base")), "--zone", "gcp-euw4", "--push", "-o", "json").json
    local = ours.address.removeprefix("http://")
    folder = recipe(name="on-top")
    (folder / "Dockerfile").write_text(f"FROM {local}/{base['reference']}\nLABEL of={base['reference']}\n")
    ours.rules.seen.clear()
    said = run("build", str(folder), "--zone", "gcp-euw4")
    assert said.code == 0, said.err
    assert ours.rules.seen == ["oauth2accesstoken"]
    assert not (Path(ours.programs["HOME"]) / ".config" / "containers" / "auth.json").exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nowhere"], "nowhere is no folder"),
        (["."], "there is no Dockerfile"),
        (["train", "-f", "train/Other"], "there is no train/Other"),
        (["train", "--name", "Train"], "is no name of an image"),
        (["train", "--builder", "kaniko"], "there is no builder kaniko"),
        (["train", "--zone", "azure-euw"], "did you mean azure-weu?"),
    ],
)
def test_what_cannot_be_built_is_said_before_anything_is(
    run: Run, recipe: Callable[..., Path], words: list[str], part: str
) -> None:
    recipe(START)
    said = run("build", "--zone", "azure-weu", *words) if "--zone" not in words else run("build", *words)
    assert said.code in (2, 7)
    assert part in said.err


def test_a_build_that_fails_is_an_error_with_the_builder_s_own_words_above_it(
    run: Run, recipe: Callable[..., Path]
) -> None:
    said = run("build", str(recipe("COPY missing /missing")), "--zone", "azure-weu")
    assert said.code == 1
    assert "`buildah build` failed" in said.err


def test_without_any_builder_each_one_is_named_with_what_it_lacks(
    run: Run, recipe: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    folder = recipe(START)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin-of-nothing")
    said = run("build", str(folder), "--zone", "azure-weu")
    assert said.code == 7
    assert "docker does not work (Cannot connect to the Docker daemon)" in said.err
    assert "buildah is not installed" in said.err


def test_the_example_s_dockerfile_says_nothing_twice() -> None:
    text = (Path(__file__).parents[2] / "examples" / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == len(set(lines))
    assert HAS_RUNTIME in lines
