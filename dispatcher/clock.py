"""Time as the ledger writes it: UTC, RFC 3339 with milliseconds, so that texts sort as moments do."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since 1970; `time.time` outside of tests."""

Sleep = Callable[[float], None]


def stamp(moment: float) -> str:
    """The moment as text, such as `2026-11-21T08:00:00.000Z`."""
    whole = int(moment // 1)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((moment - whole) * 1000):03d}Z"


def moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 text in UTC, with or without a fraction. Raises ValueError."""
    from datetime import UTC, datetime

    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
