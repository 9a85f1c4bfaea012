"""Durations and sizes as people write them: `12h`, `1h30m`, `8Gi`, `100GB`."""

from __future__ import annotations

import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B?", re.ASCII)
GIB = 1024**3


def seconds(text: str) -> int:
    """Seconds of a duration: whole seconds without a unit, or `45s`, `90m`, `12h`, `1d`, `2w`, `1h30m`.

    Raises ValueError with the rule; a fraction of a second is rounded up.
    """
    if re.fullmatch(r"\d{1,12}", text, re.ASCII):
        return int(text)
    if len(text) > 40 or not _DURATION.fullmatch(text):
        raise ValueError("is not a duration such as 90m, 12h, 1d or 1h30m (a bare number is seconds)")
    total = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    return -int(-total // 1)


def gibibytes(text: str) -> float:
    """GiB of a size such as `8Gi`, `512Mi`, `100GB` (`Gi`, `GiB`: 1024; `G`, `GB`: 1000). Raises ValueError."""
    match = _SIZE.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        raise ValueError("is not a size with a unit, such as 8Gi, 512Mi or 100GB")
    number, unit, binary = match.groups()
    size: float = float(number) * (1024.0 if binary else 1000.0) ** _POWERS[unit] / GIB
    return size


def human_duration(total: float) -> str:
    """A duration in the two largest units that matter: `45s`, `12m`, `3h20m`, `2d4h`."""
    whole = max(0, int(total))
    if whole < 60:
        return f"{whole}s"
    minutes, _ = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours}h" if hours and days < 10 else f"{days}d"
