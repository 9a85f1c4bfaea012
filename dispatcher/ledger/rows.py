"""The rows of the ledger, one dataclass per table: what DESIGN calls a submission, and what surrounds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

FINAL = frozenset({"succeeded", "failed", "cancelled", "timed_out"})
"""States that no later observation changes (dispatcher.backends.base.State)."""

ACTIVE = ("submitting", "pending", "running", "interrupted", "stopping")
"""States in which a job takes a slot of its queue and may exist on the cloud."""

QUEUED = "queued"

LOCAL = "local"
"""The queue and zone of this machine, which need no sync."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One submission, from the moment it is queued until long after it ended.

    Times are UTC texts of dispatcher.clock. `job` is the job's JSON document, with references in place of
    secrets; `links` is a JSON object of titles to addresses. `unit_price` is the frozen decimal text per node
    and hour. `billable_seconds` adds up all attempts. `last_seen_at` is the last answer of the cloud, and
    `last_error` what stood in the way since: being unreachable is no state. `lease_*` belong to whoever
    is submitting it now; `not_before` holds a single job back (a whole target is held back by its Target).
    `interruptions` counts machines taken away, over all attempts, and is none of the `retries`; `*_before` is what
    of a total came with earlier attempts. `spot` is of the attempt that is next or under way. `stop_reason` is why
    the dispatcher itself asked the cloud to stop this attempt.
    `queued_at` is when it last came into the queue, `submitted_at` when it first did. `max_queue_time` in seconds;
    `queue_until` is the moment it leads to. `billed_at_retry` is what was billed when the last retry began.
    `preempted_by` is the id that this attempt gives way to. `retry_of` is the submission that this one repeats,
    and `checkpoints_of` the one whose checkpoints it goes on with; null: its own. `labels` and `parameters` are
    JSON objects; `trial` counts within a `sweep`, from 1. `erased` is when the names in it were taken out.
    """

    id: str
    queue: str
    zone: str
    cloud: str
    region: str
    slug: str
    state: str
    priority: int
    attempt: int
    submitted_at: str
    who: str
    host: str
    job: str
    job_digest: str
    nodes: int
    hardware: str
    spot: int = 0
    preemptible: int = 0
    max_runtime: int = 0
    job_type: str | None = None
    workload: str | None = None
    environment: str | None = None
    regime: str | None = None
    policy_version: str | None = None
    request_digest: str | None = None
    unit_price: str | None = None
    currency: str | None = None
    price_source: str | None = None
    price_as_of: str | None = None
    billable_seconds: int | None = None
    retries: int = 0
    preemptions: int = 0
    interruptions: int = 0
    cloud_name: str | None = None
    provider_id: str | None = None
    vendor_state: str | None = None
    reason: str | None = None
    cause: str | None = None
    model_uri: str | None = None
    links: str | None = None
    claimed_at: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    last_seen_at: str | None = None
    last_error: str | None = None
    last_error_at: str | None = None
    not_before: str | None = None
    cancel_requested_at: str | None = None
    cancelled_by: str | None = None
    lease_token: str | None = None
    lease_owner: str | None = None
    lease_until: str | None = None
    no_checkpoint: int = 0
    interruptions_before: int = 0
    billed_before: int = 0
    stop_reason: str | None = None
    labels: str | None = None
    max_preemptions: int | None = None
    preempted_by: str | None = None
    max_queue_time: int | None = None
    queued_at: str | None = None
    retry_of: str | None = None
    checkpoints_of: str | None = None
    sweep: str | None = None
    trial: int | None = None
    parameters: str | None = None
    erased: str | None = None
    queue_until: str | None = None
    billed_at_retry: int = 0

    @property
    def final(self) -> bool:
        """True when it has ended."""
        return self.state in FINAL

    @property
    def started(self) -> bool:
        """True when the job is, or was, on its cloud for certain."""
        return self.cloud_name is not None and self.provider_id is not None

    @property
    def order(self) -> tuple[int, str, str]:
        """What decides who goes first in a queue."""
        return (self.priority, self.submitted_at, self.id)

    def as_json(self) -> dict[str, Any]:
        """The document that `-o json` prints: every column but the lease, JSON columns decoded."""
        hidden = ("lease_token", "lease_owner", "lease_until")
        document = {name: getattr(self, name) for name in ENTRY_COLUMNS if name not in hidden}
        document["job"] = json.loads(self.job)
        for name in ("links", "labels", "parameters"):
            text = getattr(self, name)
            document[name] = json.loads(text) if text else {}
        for name in ("spot", "preemptible", "no_checkpoint"):
            document[name] = bool(getattr(self, name))
        document["unit_price"] = None if self.unit_price is None else float(self.unit_price)
        document["priority"] = ("critical", "high", "medium", "low")[self.priority]
        return document


ENTRY_COLUMNS = tuple(Entry.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a submission; events are only ever added. `data` is a JSON object."""

    submission: str
    at: str
    kind: str
    who: str
    data: str = "{}"
    seq: int = 0

    def as_json(self) -> dict[str, Any]:
        """The event with its data decoded."""
        return {"at": self.at, "kind": self.kind, "who": self.who, **json.loads(self.data)}


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """A zone as the last sync found it; `source` is the stack or file, `document` its contract JSON."""

    name: str
    cloud: str
    region: str
    environment: str
    regime: str
    source: str
    contract_version: int
    updated_at: str
    synced_at: str
    document: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue; `document` is its JSON. A `retired` queue is in no queue file any more but still has jobs, a
    `draining` one runs what it has and takes nothing new."""

    name: str
    zone: str
    document: str
    synced_at: str
    paused: int = 0
    paused_reason: str | None = None
    retired: int = 0
    draining: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """Back-off of one kind of hardware in one zone: it belongs to the place, never to a job or a queue."""

    zone: str
    hardware: str
    spot: int
    failures: int
    not_before: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image that was built for a zone, or copied into its registry, under a name that jobs may use.

    `reference` is what the zone's nodes pull (by digest), `tag` the reference by its tag, which is the digest too.
    `platform` is `linux/amd64` or its like. `entrypoint` and `default_command` are JSON lists of the image's
    configuration, null where it has none; `runtime` is the version of dispatch-run that its label names.
    `source` is the folder it was built from, or the reference it was copied from. `pushed` is 0 for an image that
    was only built.
    """

    zone: str
    name: str
    digest: str
    reference: str
    tag: str
    platform: str
    recorded_at: str
    who: str
    source: str
    pushed: int
    entrypoint: str | None = None
    default_command: str | None = None
    runtime: str | None = None


@dataclass(frozen=True, slots=True)
class AgentRow:
    """A running agent. `token` is of this run of it, `owner` its process (dispatcher.scheduling.process);
    `document` is a JSON object of what it serves and how it is."""

    name: str
    token: str
    owner: str
    host: str
    started_at: str
    seen_at: str
    document: str = "{}"


@dataclass(frozen=True, slots=True)
class Turn:
    """Who does a thing that one process does at a time, and until when."""

    name: str
    token: str
    owner: str
    until: str


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A search over the parameters of one job, whose trials are submissions. `document` is its JSON, and `digest`
    is of that; `state` is running, stopping, stopped or ended."""

    id: str
    name: str
    who: str
    host: str
    submitted_at: str
    document: str
    digest: str
    state: str
    reason: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """The last number of a name that a job reported of itself; a null `value` was looked for and not there."""

    submission: str
    name: str
    step: int | None
    value: float | None
    at: str
