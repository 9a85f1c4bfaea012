"""One boto3 client per cloud, service and region: making one costs more than all that the lane asks of it."""

from __future__ import annotations

import functools
from typing import Any

from localcloud import Cloud


@functools.lru_cache(maxsize=256)
def client(cloud: Cloud, service: str, region: str) -> Any:
    """A client of this cloud, made at the first call."""
    return cloud.client(service, region)
