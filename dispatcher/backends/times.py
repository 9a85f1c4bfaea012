"""Times as clouds write them, RFC 3339 with up to nine decimals, and as observations have them."""

from __future__ import annotations

from datetime import UTC, datetime


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
