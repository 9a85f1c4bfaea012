"""Times and durations as clouds write them, and as observations have them: RFC 3339, ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")


def moment(value: object) -> datetime | None:
    """Read a time, in UTC; of its decimals Python keeps six. None for what is missing or is not one."""
    try:
        found = datetime.fromisoformat(str(value)) if value else None
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


def stamp(value: object) -> str | None:
    """Return a time as an observation has it, to the millisecond."""
    found = moment(value)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z") if found else None


def seconds(duration: object) -> int:
    """Read an ISO 8601 duration of days at most, such as `PT1H` or `PT3600S`; 0 when there is none."""
    found = _DURATION.fullmatch(str(duration or ""))
    if found is None:
        return 0
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
