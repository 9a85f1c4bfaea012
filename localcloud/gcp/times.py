"""Times as Google's APIs write and read them: RFC 3339 in UTC, with up to nine digits of a second."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from localcloud.gcp.errors import invalid

_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")


def write(seconds: float) -> str:
    """Seconds since 1970 as text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def nanoseconds(text: str) -> int:
    """Text as nanoseconds since 1970. Raises GoogleError."""
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        zone = "+00:00" if found[3] in "Zz" else found[3]
        whole = datetime.fromisoformat(found[1].upper() + zone)
    except ValueError as error:
        raise invalid(f"Invalid time: {text!r} is not in RFC 3339 format") from error
    return int(whole.timestamp()) * 10**9 + int((found[2] or "0").ljust(9, "0"))
