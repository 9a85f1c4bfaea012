"""A local cloud that stands in for a real one: its address is on this machine, or refused."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from dispatcher.errors import UsageError


def address(value: str | None, variable: str, cloud: str) -> str | None:
    """Check what the variable says; None when it says nothing. Raises UsageError for another machine."""
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme in ("http", "https") and loopback(parts.hostname or ""):
        return value.rstrip("/")
    raise UsageError(
        f"{variable} is {value}: it names a local cloud, so an http address on this machine",
        f"unset {variable} to reach {cloud}",
    )


def loopback(host: str) -> bool:
    """Tell whether a host name is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
