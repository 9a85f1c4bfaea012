"""Where and for whom a job is rendered: the zone, and what of its contract lies outside the zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from dispatcher.contract import AwsZone, AzureZone, GcpZone

Z = TypeVar("Z", AwsZone, GcpZone, AzureZone)


@dataclass(frozen=True, slots=True)
class Context(Generic[Z]):
    """What `render` needs beside job, queue and submission; `user` becomes the owner of the job."""

    zone: Z
    user: str
    environment: str = ""
    regime: str = "none"
