"""Where an emulated stack's providers are aimed: at this machine, or nowhere."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

import pulumi


def url(variable: str) -> str:
    """The emulator's address from this environment variable; raises pulumi.RunError unless it is loopback."""
    found = os.environ.get(variable, "")
    parts = urlsplit(found)
    host = parts.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback or parts.scheme not in ("http", "https"):
        where = f"{variable} is {found!r}, not a loopback address" if found else f"{variable} is not set"
        raise pulumi.RunError(f"launchway:emulator is on, but {where}; run it as `localcloud run -- pulumi ...`")
    return found
