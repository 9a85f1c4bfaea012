"""Where the stores and the metadata services are, from endpoints.json beside this file."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from typing import Any


def of(cloud: str) -> dict[str, Any]:
    """Return the entries of `aws`, `gcp` or `azure`."""
    found: dict[str, Any] = json.loads(pkgutil.get_data(__package__, "endpoints.json") or b"")[cloud]
    return found


def by_region(suffixes: Mapping[str, str], region: str) -> str:
    """Return the entry whose key the region begins with; the empty key is for all others."""
    return next(suffix for start, suffix in suffixes.items() if region.startswith(start))
