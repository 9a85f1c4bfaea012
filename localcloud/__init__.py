"""The clouds on a laptop: real wire protocols on one loopback port, and training jobs that really run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.cloud import Cloud, running

__all__ = ["Cloud", "running"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: the engine starts a plugin of this package per provider, and each second counts."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from localcloud import cloud

    return getattr(cloud, name)
