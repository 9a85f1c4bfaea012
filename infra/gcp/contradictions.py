"""Rules between the settings of a zone on Google Cloud. One small function per rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from infra.gcp.settings import Zone

ZONE_RULES: tuple[Callable[[Zone], Iterator[tuple[str, str, str]]], ...] = ()
