"""What a queue is: a priority line in front of one zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dispatcher.job import Priority
from dispatcher.ledger.rows import LOCAL

SpotRule = Literal["allowed", "required", "forbidden"]
Identity = Literal["agent", "ambient"]


@dataclass(frozen=True, slots=True)
class Queue:
    """A checked queue. `hardware` names one of the zone's `compute` entries, None when the job's
    `resources` choose. Caps of None mean no cap. `max_runtime` in seconds. Each `ageing` seconds of waiting make a
    job one priority more urgent, but never critical; None: waiting changes nothing. `min_warm` instances are kept
    warm after a job. `overrides` are raw provider fields, merged last into the request.
    `image`, `runtime`, `priority` and `nodes` fill in what a job file leaves out."""

    name: str
    zone: str
    hardware: str | None = None
    max_running: int | None = None
    max_nodes: int | None = None
    min_warm: int = 0
    job_types: tuple[str, ...] = ()
    spot: SpotRule = "allowed"
    max_runtime: int | None = None
    ageing: int | None = None
    identity: Identity = "agent"
    shared: bool = False
    image: str | None = None
    runtime: bool | None = None
    priority: Priority | None = None
    nodes: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


THIS_MACHINE = Queue(name=LOCAL, zone=LOCAL, identity="ambient")
"""The built-in queue `local`, which needs no sync."""
