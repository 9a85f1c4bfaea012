"""Which Google Cloud regions a zone may be in: the dispatcher's own list, so that both sides know the same."""

from __future__ import annotations

import functools
import json
from importlib import resources


@functools.cache
def known() -> tuple[str, ...]:
    """Every region with Vertex AI (tools/gcp/regions.py tells where the list comes from)."""
    text = resources.files("dispatcher.backends.vertex").joinpath("data/regions.json").read_text()
    return tuple(json.loads(text)["regions"])
