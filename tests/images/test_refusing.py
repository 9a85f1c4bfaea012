"""What a real registry says of a job's image is heard before the job is sent, and named with who lacks what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud import Cloud
from tests.images.conftest import Hub, Run

pytestmark = pytest.mark.images

START = 'ENTRYPOINT ["/bin/train"]'
COMMAND = "command: [run]"


def nothing_was_sent(run: Run, cloud: Cloud) -> bool:
    created = [call for call in cloud.requests() if call["operation"].startswith(("Create", "Put"))]
    return run("list", "-o", "json").json == created == []


@pytest.mark.parametrize("queue", ["aws-euc1", "gcp-euw4", "azure-weu"])
def test_a_missing_image_is_refused_before_anything_is_recorded_or_sent(
    run: Run, job: Callable[..., str], cloud: Cloud, queue: str
) -> None:
    said = run("submit", job("train:v9", COMMAND), "-q", queue)
    assert said.code == 2
    assert "job.yaml:1: image:" in said.err
    assert "is not there" in said.err
    assert f"dispatch build --zone {queue} --name train:v9 --push" in said.err
    assert nothing_was_sent(run, cloud)
    assert run("submit", job("train:v9", COMMAND), "-q", queue, "--dry-run").code == 0, "which asks nobody"


@pytest.mark.parametrize(
    ("queue", "puller"),
    [
        ("gcp-euw4", "service-112233445566@gcp-sa-aiplatform.iam.gserviceaccount.com"),
        ("azure-weu", "userAssignedIdentities/azure-weu-execution"),
    ],
)
def test_a_private_image_that_the_nodes_cannot_pull_is_refused_with_who_cannot(
    run: Run, job: Callable[..., str], cloud: Cloud, queue: str, puller: str
) -> None:
    said = run("submit", job("docker.io/private/model:1", COMMAND), "-q", queue)
    assert said.code == 2
    assert "docker.io refuses docker.io/private/model:1" in said.err
    assert "cannot sign in there" in said.err
    assert puller in said.err
    assert f"dispatch image copy docker.io/private/model:1 --zone {queue}" in said.err
    assert nothing_was_sent(run, cloud)


def test_an_image_for_another_processor_is_refused_by_the_ledger_and_by_the_registry(
    run: Run, recipe: Callable[..., Path], job: Callable[..., str], cloud: Cloud
) -> None:
    words = (
        "build",
        str(recipe(START)),
        "--zone",
        "azure-weu",
        "--platform",
        "linux/arm64",
        "--push",
        "-o",
        "json",
    )
    (built,) = run(*words).json
    for image, dry in (("train", ["--dry-run"]), (built["tag"], [])):
        said = run("submit", job(image, COMMAND), "-q", "azure-weu", *dry)
        assert said.code == 2
        assert "is made for linux/arm64, and Standard_" in said.err
        assert "runs linux/amd64" in said.err
    assert nothing_was_sent(run, cloud)


def test_an_image_without_an_entry_point_is_refused_where_the_job_has_no_command(
    run: Run, recipe: Callable[..., Path], job: Callable[..., str], cloud: Cloud
) -> None:
    built = run("build", str(recipe('CMD ["python", "train.py"]')), "--zone", "aws-euc1", "--push", "-o", "json")
    assert "on SageMaker a job of it needs a command" in built.err
    for image, dry in (("train", ["--dry-run"]), (built.json[0]["tag"], [])):
        said = run("submit", job(image), "-q", "aws-euc1", *dry)
        assert said.code == 2
        assert "SageMaker would run `train` in it in place of its CMD 'python train.py'" in said.err
    assert nothing_was_sent(run, cloud)


def test_a_tag_is_pinned_to_the_digest_that_it_names_when_the_job_is_submitted(
    run: Run, recipe: Callable[..., Path], job: Callable[..., str]
) -> None:
    (built,) = run("build", str(recipe(START)), "--zone", "gcp-euw4", "--push", "-o", "json").json
    said = run("submit", job(built["tag"], COMMAND), "-q", "gcp-euw4")
    assert f"this job takes what it names now, {built['digest']}" in said.err
    (entry,) = run("list", "-o", "json").json
    assert run("show", entry["id"], "-o", "json").json["job"]["image"] == built["reference"]


@pytest.mark.parametrize(
    ("queue", "right"),
    [
        ("aws-euc1", "aws-euc1-execution-1a2b3c needs ecr:BatchGetImage"),
        ("gcp-euw4", "gcp-sa-aiplatform-cc.iam.gserviceaccount.com needs roles/artifactregistry.reader"),
        ("azure-weu", "azure-weu-execution needs AcrPull"),
    ],
)
def test_where_we_may_not_look_the_job_goes_on_with_the_right_that_its_puller_needs(
    run: Run, ours: Hub, job: Callable[..., str], queue: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours.rules, "may", lambda user, secret, repository: set())
    said = run("submit", job("train:v9", COMMAND), "-q", queue)
    assert "could not be looked at" in said.err
    assert right in said.err
    assert len(run("list", "-o", "json").json) == 1


def test_a_registry_that_does_not_answer_stands_in_nobody_s_way(
    run: Run, job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_REGISTRY_ENDPOINT", "http://127.0.0.1:9")
    said = run("submit", job("train:v9", COMMAND), "-q", "aws-euc1")
    assert "registry 127.0.0.1:9 did not answer" in said.err
    assert len(run("list", "-o", "json").json) == 1


def test_a_local_cloud_without_a_registry_is_not_asked_and_builds_nothing_to_push(
    run: Run, recipe: Callable[..., Path], job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPATCH_REGISTRY_ENDPOINT")
    for queue in ("aws-euc1", "gcp-euw4", "azure-weu"):
        said = run("submit", job("train:v9", COMMAND), "-q", queue)
        assert "could not be looked at" not in said.err
        said = run("build", str(recipe(START)), "--zone", queue, "--push")
        assert said.code == 7
        assert "DISPATCH_REGISTRY_ENDPOINT=" in said.err
