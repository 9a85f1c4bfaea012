"""Every job that the clouds of a run hold, as each of them tells it: what the ledger is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dispatcher.backends.base import Backend, Observation
from localcloud import Cloud
from localcloud.place import PROJECT


@dataclass(frozen=True, slots=True)
class Found:
    """One job on a cloud: `provider_id` is the cloud's own id, `state` in our words, `billed` in seconds."""

    name: str
    provider_id: str
    zone: str
    state: str
    created: str
    ended: str
    billed: int | None


def sagemaker(cloud: Cloud, region: str) -> Iterator[str]:
    """Names of all training jobs."""
    pages = cloud.client("sagemaker", region).get_paginator("list_training_jobs")
    for page in pages.paginate(PaginationConfig={"PageSize": 100}):
        yield from (job["TrainingJobName"] for job in page["TrainingJobSummaries"])


def vertex(cloud: Cloud, region: str) -> Iterator[str]:
    """Names of all custom jobs, twice where there are two of one name."""
    path = f"aiplatform/v1/projects/{PROJECT}/locations/{region}/customJobs?pageSize=100"
    token = ""
    while True:
        page: dict[str, Any] = cloud.google("GET", path + (f"&pageToken={token}" if token else ""))
        yield from (job["displayName"] for job in page.get("customJobs", ()))
        token = page.get("nextPageToken", "")
        if not token:
            return


def azureml(cloud: Cloud, workspace: str, version: str) -> Iterator[str]:
    """Names of all command jobs."""
    path = f"arm{workspace}/jobs?api-version={version}"
    while path:
        page: dict[str, Any] = cloud.azure("GET", path)
        yield from (job["name"] for job in page["value"])
        following = str(page.get("nextLink") or "")
        path = "arm" + following.partition("/arm")[2] if following else ""


def observed(zone: str, names: list[str], backend: Backend) -> list[Found]:
    """What became of each of them; a name that is there twice is there twice."""
    answers: dict[str, Observation] = {}
    for start in range(0, len(names), 100):
        answers.update(backend.poll(names[start : start + 100]))
    found = []
    for name in names:
        seen = answers[name]
        state = seen.state.value if seen.state is not None else seen.vendor_state
        found.append(
            Found(
                name,
                seen.provider_id,
                zone,
                state,
                seen.created_at or "",
                seen.ended_at or "",
                seen.billable_seconds,
            )
        )
    return found
