"""Every job that the clouds of a run hold, in their own words: what the ledger is compared with.

Nothing of the dispatcher's own reading of clouds is used, so that a mistake in that is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localcloud import Cloud
from localcloud.place import PROJECT
from tests.localcloud.azure.inside import WORKSPACE, api_version
from tests.localcloud.azure.stage import HISTORY

STATES: Mapping[str, str] = {
    **{"Completed": "succeeded", "Failed": "failed", "Stopped": "cancelled", "Canceled": "cancelled"},
    **{"JOB_STATE_SUCCEEDED": "succeeded", "JOB_STATE_FAILED": "failed", "JOB_STATE_CANCELLED": "cancelled"},
}
"""What a cloud calls an end, and how a submission that came to it has ended. Anything else is no end."""


@dataclass(frozen=True, slots=True)
class Found:
    """One job on a cloud: `provider_id` is the cloud's own id, `state` its end in our words, else its own word.

    `ended` is empty while it goes on, `billed` in seconds and None where nothing is billed yet.
    """

    name: str
    provider_id: str
    zone: str
    state: str
    created: str
    ended: str
    billed: int | None


def sagemaker(cloud: Cloud, zone: str, region: str) -> Iterator[Found]:
    """All training jobs, by their descriptions; AWS says itself what it bills."""
    client = cloud.client("sagemaker", region)
    pages = client.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 100})
    for name in (job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]):
        job = client.describe_training_job(TrainingJobName=name)
        word = job["TrainingJobStatus"]
        ended = job.get("TrainingEndTime")
        yield Found(
            name,
            job["TrainingJobArn"],
            zone,
            STATES.get(word, word),
            job["CreationTime"].isoformat(),
            ended.isoformat() if ended else "",
            job.get("BillableTimeInSeconds"),
        )


def vertex(cloud: Cloud, zone: str, region: str) -> Iterator[Found]:
    """All custom jobs, twice where there are two of one name; Google bills from start to end."""
    path = f"aiplatform/v1/projects/{PROJECT}/locations/{region}/customJobs?pageSize=100"
    token = ""
    while True:
        page: dict[str, Any] = cloud.google("GET", path + (f"&pageToken={token}" if token else ""))
        for job in page.get("customJobs", ()):
            word, ended = job["state"], job.get("endTime", "")
            billed = _seconds(job.get("startTime"), ended)
            yield Found(
                job["displayName"], job["name"], zone, STATES.get(word, word), job["createTime"], ended, billed
            )
        token = page.get("nextPageToken", "")
        if not token:
            return


def azureml(cloud: Cloud, zone: str) -> Iterator[Found]:
    """All command jobs; when they ran is in run history, and Azure bills from start to end."""
    path = f"arm{WORKSPACE}/jobs?api-version={api_version(f'{WORKSPACE}/jobs')}"
    while path:
        page: dict[str, Any] = cloud.azure("GET", path)
        for job in page["value"]:
            run = cloud.azure("GET", f"{HISTORY}/runs/{job['name']}")
            word, ended = job["properties"]["status"], run.get("endTimeUtc") or ""
            billed = _seconds(run.get("startTimeUtc"), ended)
            yield Found(job["name"], job["id"], zone, STATES.get(word, word), run["createdUtc"], ended, billed)
        following = str(page.get("nextLink") or "")
        path = "arm" + following.partition("/arm")[2] if following else ""


def _seconds(started: str | None, ended: str) -> int | None:
    """Whole seconds between two moments; 0 for what ended and never began."""
    if not ended:
        return None
    if not started:
        return 0
    return round((datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())
