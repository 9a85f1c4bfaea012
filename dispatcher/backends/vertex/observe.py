"""What Vertex AI says of a job, in our words: states, times, reasons and links."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dispatcher.backends.base import Observation, State
from dispatcher.backends.times import moment, stamp

if TYPE_CHECKING:
    from dispatcher.contract import GcpZone

NAME = "dispatch-name"
"""Label that carries the cloud name of a job: Vertex numbers its jobs, and lets display names repeat."""

_DATA = Path(__file__).parent / "data"
_CODES = {5: "request", 7: "request", 9: "request", 13: "provider", 14: "provider"}
"""Code of a job's error (google/rpc/code.proto) -> whose fault, where its text does not say."""
_PARTIAL = "Vertex AI calls it partially succeeded: some results may be missing"


@functools.cache
def _table() -> Mapping[str, tuple[int, State | None]]:
    with (_DATA / "states.csv").open(newline="", encoding="utf-8") as rows:
        return {
            row["name"]: (int(row["number"]), State(row["state"]) if row["state"] else None)
            for row in csv.DictReader(rows)
        }


@functools.cache
def _failures() -> tuple[tuple[str, str], ...]:
    with (_DATA / "failures.csv").open(newline="", encoding="utf-8") as rows:
        return tuple((row["pattern"], row["cause"]) for row in csv.DictReader(rows))


def word(value: object) -> str:
    """Return the enum's name for a state that may have come as a number (clients ask for `enum-encoding=int`)."""
    if isinstance(value, int):
        return next((name for name, (number, _) in _table().items() if number == value), str(value))
    return str(value or "JOB_STATE_UNSPECIFIED")


def state(value: object) -> State | None:
    """Return our state for the vendor's word; None leaves the known state as it is (data/states.csv)."""
    return _table().get(word(value), (0, None))[1]


def cause(text: str, code: int = 0) -> str:
    """Return whose fault an error is by its text, or by its code; empty when neither says (data/failures.csv)."""
    lower = text.lower()
    return next((cause for pattern, cause in _failures() if pattern in lower), _CODES.get(code, ""))


def from_job(job: Mapping[str, Any], zone: GcpZone, twins: Sequence[Mapping[str, Any]] = ()) -> Observation:
    """Read a CustomJob as the API answers it; `twins` are others of the same name, which somebody has to know of.

    Vertex cancels a job that has run for its timeout and gives that no state of its own, so one that ended on its
    own account after that long is `timed_out` here; so is one that waited for machines as long as it may.
    """
    error, spec = job.get("error", {}), job.get("jobSpec", {})
    text, found = str(error.get("message", "")), state(job.get("state"))
    if found in (State.CANCELLED, State.FAILED) and not cause(text) and (over := _out_ofstamp(job)):
        found, text = State.TIMED_OUT, text or over
    elif word(job.get("state")) == "JOB_STATE_PARTIALLY_SUCCEEDED":
        text = f"{_PARTIAL} ({text})" if text else _PARTIAL
    if twins:
        others = ", ".join(number(twin["name"]) for twin in twins)
        text = "; ".join(
            filter(None, [text, f"Vertex AI has the same job again: {others}. Cancel stops all of them"])
        )
    started, ended = moment(job.get("startTime")), moment(job.get("endTime"))
    ran = round((ended - started).total_seconds()) if started and ended else None
    return Observation(
        name=job.get("labels", {}).get(NAME, job.get("displayName", "")),
        provider_id=job["name"],
        state=found,
        vendor_state=word(job.get("state")),
        reason=text,
        created_at=stamp(job.get("createTime")),
        started_at=stamp(job.get("startTime")),
        ended_at=stamp(job.get("endTime")),
        # Vertex reports no bill; each node costs from the job's start to its end, and one that never ran nothing.
        billable_seconds=ran if ran is not None else (0 if ended else None),
        model_uri=spec.get("baseOutputDirectory", {}).get("outputUriPrefix"),
        links=links(job["name"], zone),
        cause=cause(str(error.get("message", "")), int(error.get("code", 0))) if found is State.FAILED else "",
    )


def _out_ofstamp(job: Mapping[str, Any]) -> str:
    """Say which time ran out; empty when none did."""
    scheduling = job.get("jobSpec", {}).get("scheduling", {})
    created, started, ended = (moment(job.get(name)) for name in ("createTime", "startTime", "endTime"))
    timeout, wait = _seconds(scheduling.get("timeout")), _seconds(scheduling.get("maxWaitDuration"))
    if started and ended and timeout and ended - started >= timedelta(seconds=timeout):
        return f"it ran for its timeout of {timeout:g} s"
    if not started and created and ended and wait and ended - created >= timedelta(seconds=wait):
        return f"it waited for machines as long as it may, {wait:g} s"
    return ""


def _seconds(duration: object) -> float:
    """Read a protobuf duration, such as `3600s` or `1.5s`; 0 when there is none."""
    text = str(duration or "").removesuffix("s")
    try:
        return float(text) if text else 0
    except ValueError:
        return 0


def number(resource: str) -> str:
    """Return the number of a job from its resource name."""
    return resource.rpartition("/")[2]


def log_filter(resource: str) -> str:
    """Return the Cloud Logging filter for the lines of all tasks of a job."""
    return f'resource.type="ml_job" AND resource.labels.job_id="{number(resource)}"'


def links(resource: str, zone: GcpZone) -> Mapping[str, str]:
    """Return the console pages of a job (as google-cloud-aiplatform 2.7.0 prints it) and of its logs."""
    root, project = "https://console.cloud.google.com", zone.project
    return {
        "console": f"{root}/agent-platform/locations/{zone.region}/training/{number(resource)}?project={project}",
        "logs": f"{root}/logs/query;query={quote(log_filter(resource), safe='')}?project={project}",
    }
