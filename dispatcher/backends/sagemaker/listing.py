"""SageMaker's list of training jobs, looked through for those of a zone that a dispatcher has made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dispatcher import naming
from dispatcher.backends.base import Sighting
from dispatcher.backends.sagemaker import observe
from dispatcher.backends.times import moment
from dispatcher.errors import NotFoundError

if TYPE_CHECKING:
    from dispatcher.contract import AwsZone

PAGE = 100
"""Jobs of one ListTrainingJobs answer, the vendor's maximum."""


def ours(
    summaries: Iterable[Mapping[str, Any]],
    describe: Callable[[str], Mapping[str, Any]],
    zone: AwsZone,
    known: Callable[[str], bool],
) -> Iterator[Sighting]:
    """Yield them. `describe` is asked about names that may be a dispatcher's and are not `known`."""
    for summary in summaries:
        name = summary["TrainingJobName"]
        submission = naming.parsed(name)
        if submission is None:
            continue
        if known(name) and (brief := observe.from_summary(summary, zone)):
            yield Sighting(brief)
            continue
        try:
            answer = describe(name)
        except NotFoundError:
            continue  # a list may still show what is gone
        if _made_here(answer, submission.id, zone):
            yield Sighting(observe.from_description(answer, zone))


def summaries(client: Any, since: str) -> Iterator[Mapping[str, Any]]:
    """Every job of the account and region since then, newest first, a hundred to a call."""
    asked: dict[str, Any] = {
        "CreationTimeAfter": moment(since),
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": PAGE,
    }
    while True:
        answer = client.list_training_jobs(**asked)
        yield from answer.get("TrainingJobSummaries", ())
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _made_here(answer: Mapping[str, Any], id: str, zone: AwsZone) -> bool:
    """Whether a dispatcher made it, which alone sets the job's id, for this zone and no other of the account."""
    if answer.get("Environment", {}).get("DISPATCH_JOB_ID") != id:
        return False
    output = str(answer.get("OutputDataConfig", {}).get("S3OutputPath", ""))
    return answer.get("RoleArn") == zone.identities.execution or output.startswith(zone.buckets.output.uri)
