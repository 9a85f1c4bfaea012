"""Stand-in Pulumi provider plugins: they speak the real provider protocol and create on the local clouds."""

from __future__ import annotations

from localcloud.plugin.install import install

__all__ = ["install"]
