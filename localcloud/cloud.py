"""A local cloud of one's own for the length of a `with` block: what tests and scripts use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import process
from localcloud.place import DEFAULT_REGION, Place, Server


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running local cloud."""

    place: Place
    server: Server

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment for a subprocess."""
        return self.place.environment(self.server)

    def client(self, service: str, region: str = DEFAULT_REGION, **options: Any) -> Any:
        """A boto3 client of this cloud that reads nothing of the user's own AWS configuration.

        `options` go to `boto3.Session.client`; an own `config` and own credentials are honoured.
        """
        import boto3
        from botocore.config import Config

        ours = Config(inject_host_prefix=False, retries={"mode": "standard", "max_attempts": 3})
        theirs = options.pop("config", None)
        credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.Session(region_name=region).client(
            service,
            endpoint_url=self.url,
            config=ours.merge(theirs) if theirs else ours,
            **(credentials | options),
        )


@contextlib.contextmanager
def running(root: Path, port: int = 0) -> Iterator[Cloud]:
    """Start a local cloud in `root` (made if missing) and end it, with its jobs, when the block ends.

    A server that already runs there is used and left running.
    """
    place = Place(root.absolute())
    up = process.up(place, port)
    try:
        yield Cloud(place, up.server)
    finally:
        if up.started:
            process.down(place)
