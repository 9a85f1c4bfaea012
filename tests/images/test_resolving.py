"""What the ledger knows of an image decides what a job of its name takes, offline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatcher import contract
from dispatcher.contract import Compute, Zone
from dispatcher.errors import SpecError, UsageError
from dispatcher.images import judging, place, resolving
from dispatcher.images.config import Config
from dispatcher.job import Job
from dispatcher.ledger import ImageRow
from dispatcher.placement.catalog import Hardware

CONTRACTS = Path(__file__).parents[1] / "golden" / "contracts"
NEW, OLD = (f"sha256:{letter * 64}" for letter in "ab")
MACHINE = Hardware("aws", "ml.m5.large", architecture="x86_64")
JOB = Job(image="train", command=("run",))


def zone(cloud: str = "aws") -> Zone:
    (found,) = json.loads((CONTRACTS / f"{cloud}.json").read_text())["zones"].values()
    return contract.trusted(found)


def row(digest: str = NEW, **columns: Any) -> ImageRow:
    given: dict[str, Any] = {"zone": "z", "name": "train", "reference": "r", "tag": "t", "platform": "linux/amd64"}
    given |= {"recorded_at": "2026-11-21T08:00:00Z", "who": "ada", "source": ".", "pushed": 1, **columns}
    return ImageRow(digest=digest, **given)


def image_of(job: Job, *rows: ImageRow) -> str:
    return resolving.resolve(job, zone(), rows, MACHINE).job.image


def test_the_newest_that_was_pushed_under_the_name_is_taken() -> None:
    assert image_of(JOB, row(NEW), row(OLD)) == f"train@{NEW}"
    assert image_of(JOB, row(NEW, pushed=0), row(OLD)) == f"train@{OLD}"
    assert image_of(replace(JOB, image="train:v2"), row(NEW), row(OLD, name="train:v2")) == f"train@{OLD}"


@pytest.mark.parametrize("name", ["other", "train:v2", "docker.io/library/train", f"train@sha256:{'c' * 64}"])
def test_a_name_that_nothing_was_built_under_stays_as_it_is(name: str) -> None:
    assert image_of(replace(JOB, image=name), row()) == name


def test_an_unpushed_build_is_told_of_with_what_is_taken_instead() -> None:
    (warning,) = resolving.resolve(JOB, zone(), [row(NEW, pushed=0), row(OLD)], MACHINE).warnings
    assert "not pushed" in warning
    assert OLD in warning
    assert "dispatch build --zone z --push" in warning


@pytest.mark.parametrize(("said", "recorded", "found"), [(None, "0.1.0", True), (False, "0.1.0", False)])
def test_an_image_whose_label_says_so_has_dispatch_run_unless_the_job_says_otherwise(
    said: bool | None, recorded: str, found: bool
) -> None:
    for image in ("train", f"train@{NEW}", f"anywhere.azurecr.io/train@{NEW}"):
        job = replace(JOB, image=image, runtime=said)
        assert resolving.resolve(job, zone(), [row(runtime=recorded)], MACHINE).job.runtime is found
    assert resolving.resolve(JOB, zone(), [row()], MACHINE).job.runtime is None


def test_what_is_known_to_be_for_another_processor_is_refused() -> None:
    with pytest.raises(SpecError, match=r"is made for linux/arm64, and ml\.m5\.large runs linux/amd64"):
        resolving.resolve(JOB, zone(), [row(platform="linux/arm64")], MACHINE)
    unknown = replace(MACHINE, architecture=None)
    assert resolving.resolve(JOB, zone(), [row(platform="linux/arm64")], unknown).job.image == f"train@{NEW}"


@pytest.mark.parametrize(
    ("cloud", "entrypoint", "command", "rule"),
    [
        ("aws", None, None, "SageMaker would run `train` in it"),
        ("aws", None, ("serve",), "in place of its CMD 'serve'"),
        ("aws", ("/bin/sh", "-c", "python train.py"), None, "shell form"),
        ("aws", ("python", "train.py"), None, None),
        ("aws", ("/bin/sh", "start.sh"), None, None),
        ("gcp", None, None, "neither an entry point nor a command"),
        ("gcp", None, ("serve",), None),
        ("azure", ("/bin/sh", "-c", "x"), None, None),
    ],
)
def test_an_image_starts_something_by_itself_or_is_refused_for_a_job_without_a_command(
    cloud: str, entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, rule: str | None
) -> None:
    config = Config("linux/amd64", entrypoint, command, None)
    found = judging.of_start("train", config, Job(image="train"), cloud)
    assert [str(rule) in problem.rule for problem in found] == ([True] if rule else [])
    assert judging.of_start("train", config, JOB, cloud) == []


@pytest.mark.parametrize(
    ("cloud", "tag"),
    [
        ("aws", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/aws-euc1-images-1a2b3c:team-train-"),
        ("gcp", "europe-west4-docker.pkg.dev/acme-ml-eu/gcp-euw4-images/team/train:"),
        ("azure", "azureweu1a2b3c.azurecr.io/team/train:"),
    ],
)
def test_an_image_s_tag_in_a_zone_is_its_digest(cloud: str, tag: str) -> None:
    names = place.names("team/train:v2", NEW, zone(cloud))
    assert names.tag == tag + "a" * 64
    assert names.digest.endswith(f"@{NEW}")


def test_an_image_is_built_for_what_the_zone_s_machines_run() -> None:
    google = zone("gcp")
    arm, usual = (Compute(name, name) for name in ("a4x-highgpu-4g", "n2-standard-4"))
    assert place.platform(replace(google, compute=(arm,))) == "linux/arm64"
    assert place.platform(replace(google, compute=(arm, usual))) == "linux/amd64"
    assert place.platform(replace(google, compute=())) == "linux/amd64"


@pytest.mark.parametrize("name", ["Train", "", "ghcr.io/train", f"train@{NEW}", "train:", "x" * 64])
def test_a_name_that_no_registry_takes_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        place.names(name, NEW, zone())
