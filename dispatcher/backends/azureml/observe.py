"""What Azure ML says of a job, in our words: states, times, reasons and links.

Resource Manager has the job as it was sent and its state; when it ran, and why it failed, only run history says.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.backends.azureml import folders, place
from dispatcher.backends.base import Observation, State
from dispatcher.backends.times import moment, seconds, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from dispatcher.contract import AzureZone

_DATA = Path(__file__).parent / "data"
_CODES = {"ServiceError": "provider", "SystemError": "provider", "AzureMLServiceError": "provider"}
"""Code of a run's error -> whose fault, where its text does not say. `UserError` is said of nearly everything."""
LATE = 86_400
"""Seconds behind its latest possible end for which a job waits for what run history owes; then it ends without."""
_SILENT = "Azure ML lost touch with its machines (NotResponding)"


@functools.cache
def _states() -> Mapping[str, State | None]:
    with (_DATA / "states.csv").open(newline="", encoding="utf-8") as rows:
        return {row["name"]: State(row["state"]) if row["state"] else None for row in csv.DictReader(rows)}


@functools.cache
def _failures() -> tuple[tuple[str, str, str], ...]:
    with (_DATA / "failures.csv").open(newline="", encoding="utf-8") as rows:
        return tuple((row["pattern"], row["cause"], row["tier"]) for row in csv.DictReader(rows))


def state(value: object) -> State | None:
    """Return our state for the vendor's word; None leaves the known state as it is (data/states.csv)."""
    return _states().get(str(value))


def cause(text: str, code: str = "", tier: str = "") -> str:
    """Return whose fault an error is by its text, or by its code; empty when neither says (data/failures.csv).

    `tier` is what the job ran on: some words mean something else of a `Spot` job.
    """
    lower = text.lower()
    rows = (cause for pattern, cause, only in _failures() if pattern in lower and only in ("", tier))
    return next(rows, _CODES.get(code, ""))


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object of an answer; what is missing, or anything else, is an empty one."""
    return value if isinstance(value, Mapping) else {}


def from_job(
    job: Mapping[str, Any],
    zone: AzureZone,
    run: Mapping[str, Any] | None = None,
    unknown: str = "",
    owed: bool = False,
    now: datetime | None = None,
) -> Observation:
    """Read a job as Resource Manager answers it, and its `run` in run history, None where that has nothing of it.

    `unknown` says why run history could not be asked; `owed` that it could not say just now what it has of this
    job. Azure ML cancels a job at its timeout and gives that no state of its own, so one that was cancelled after
    that long is `timed_out` here. As only its times tell, a job that has ended is not shown as ended while they
    are owed: `now` bounds that, by `LATE`.
    """
    properties, run = mapping(job.get("properties")), mapping(run)
    word = str(properties.get("status") or "Unknown")
    found = state(word)
    code, text = _error(run)
    started, ended = moment(run.get("startTimeUtc")), moment(run.get("endTimeUtc"))
    limit = seconds(mapping(properties.get("limits")).get("timeout"))
    created = moment(mapping(job.get("systemData")).get("createdAt") or run.get("createdUtc"))
    if word == "NotResponding":
        text, code = text or _SILENT, code or "ServiceError"
    elif found and found.final and (owed or (started and not ended)) and _lately(started or created, limit, now):
        found = State.STOPPING if found is State.CANCELLED else State.RUNNING
    elif found is State.CANCELLED and started and ended and 0 < limit <= (ended - started).total_seconds():
        found, text = State.TIMED_OUT, text or f"it ran for its timeout of {limit} s"
    tier = str(mapping(properties.get("queueSettings")).get("jobTier"))
    if found is not None and found.final and unknown:
        text = "; ".join(filter(None, [text, f"why and how long is not known here: {unknown}"]))
    return Observation(
        name=str(job.get("name", "")),
        provider_id=str(job.get("id", "")),
        state=found,
        vendor_state=word,
        reason=text,
        created_at=stamp(mapping(job.get("systemData")).get("createdAt") or run.get("createdUtc")),
        started_at=stamp(run.get("startTimeUtc")),
        ended_at=stamp(run.get("endTimeUtc")),
        billable_seconds=None if unknown else _billable(started, ended),
        model_uri=output(properties, zone),
        links=links(properties),
        cause=cause(text, code, tier) if found is State.FAILED else "",
        times_unknown=bool(unknown),
    )


def created(job: Mapping[str, Any]) -> str | None:
    """Return when a job was made, as an observation has it."""
    return stamp(mapping(job.get("systemData")).get("createdAt"))


def _lately(begun: datetime | None, limit: int, now: datetime | None) -> bool:
    """Whether a job that began then and may run for `limit` seconds can have ended within `LATE`."""
    return begun is not None and now is not None and (now - begun).total_seconds() < limit + LATE


def _billable(started: datetime | None, ended: datetime | None) -> int | None:
    """Azure ML reports no bill; each node costs from the job's start to its end, one that never ran nothing."""
    if ended is None:
        return None
    return max(0, round((ended - started).total_seconds())) if started else 0


def _error(run: Mapping[str, Any]) -> tuple[str, str]:
    """The code and the text of a run's error; its text is somebody's, so its lines stay."""
    error = mapping(mapping(run.get("error")).get("error"))
    return str(error.get("code") or ""), str(error.get("message") or "").strip()


def output(properties: Mapping[str, Any], zone: AzureZone) -> str | None:
    """Return where a job writes its outputs, as an address of the zone's container; None when it does not."""
    entry = mapping(mapping(properties.get("outputs")).get(folders.OUTPUT))
    _, found, path = str(entry.get("uri") or "").partition(f"/datastores/{place.OUTPUT}/paths/")
    return f"{zone.buckets.output.uri}/{path}".rstrip("/") if found else None


def links(properties: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the page of a job in Azure ML Studio, as the service names it."""
    studio = mapping(mapping(properties.get("services")).get("Studio")).get("endpoint")
    return {"console": str(studio)} if studio else {}
