"""Which jobs of an account are a dispatcher's, told from a list without tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dispatcher.backends.sagemaker import listing
from dispatcher.errors import NotFoundError
from tests.backends.sagemaker.cases import open_zone

ZONE = open_zone()
MADE = datetime(2026, 11, 21, 8, tzinfo=UTC)


def summary(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:::training-job/{name}",
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Training",
        "CreationTime": MADE,
    }


def described(name: str, **changed: Any) -> dict[str, Any]:
    return {
        **summary(name),
        "RoleArn": ZONE.identities.execution,
        "Environment": {"DISPATCH_JOB_ID": name.split("-")[-2]},
        "OutputDataConfig": {"S3OutputPath": ZONE.buckets.output.uri},
        **changed,
    }


def ours(*answers: dict[str, Any], known: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """The names that are found, and those that were described for it."""
    asked: list[str] = []

    def describe(name: str) -> Mapping[str, Any]:
        asked.append(name)
        answer = next(one for one in answers if one["TrainingJobName"] == name)
        if "Gone" in answer:
            raise NotFoundError("gone")
        return answer

    names = [summary(one["TrainingJobName"]) for one in answers]
    found = [one.seen.name for one in listing.ours(names, describe, ZONE, lambda name: name in known)]
    return found, asked


def test_a_name_that_no_dispatcher_gives_is_passed_over_without_a_call() -> None:
    sdk = described("pytorch-training-2026-11-21-08-00-00-000")
    assert ours(sdk, described("TRAIN-abcdefgh-1")) == ([], [])


def test_one_that_is_known_needs_no_description_and_another_does() -> None:
    known, other = described("train-abcdefgh-1"), described("train-ijklmnop-2")
    assert ours(known, other, known=("train-abcdefgh-1",)) == (
        ["train-abcdefgh-1", "train-ijklmnop-2"],
        ["train-ijklmnop-2"],
    )


def test_one_that_only_looks_like_ours_or_is_another_zone_s_or_is_gone_is_left_out() -> None:
    alike = described("model-20261121-1", Environment={})
    elsewhere = described(
        "train-abcdefgh-1",
        RoleArn="arn:aws:iam::123456789012:role/other",
        OutputDataConfig={"S3OutputPath": "s3://other/out"},
    )
    gone = described("train-ijklmnop-1", Gone=True)
    assert ours(alike, elsewhere, gone)[0] == []
