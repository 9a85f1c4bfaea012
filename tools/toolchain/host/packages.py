"""What is installed beside a program: its Python packages, and the provider plugins those ask for."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARKER = "pulumi-plugin.json"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A provider plugin that an installed SDK package needs; `server` is empty for Pulumi's own site."""

    name: str
    version: str
    server: str


def plugins(site_packages: Sequence[Path]) -> list[Plugin]:
    """Read the `pulumi-plugin.json` that every provider SDK ships (package `pulumi_*` or namespaced)."""
    found: dict[str, Plugin] = {}
    for folder in site_packages:
        for marker in sorted(folder.glob(f"*/{_MARKER}")):
            document: dict[str, Any] = json.loads(marker.read_text())
            version = document.get("version") or _version_of(folder, marker.parent.name)
            if document.get("resource") and version:
                name = document.get("name") or marker.parent.name.removeprefix("pulumi_").replace("_", "-")
                found.setdefault(name, Plugin(name, version, document.get("server") or ""))
    return list(found.values())


def dependencies(site_packages: Sequence[Path], *, transitive: bool) -> list[tuple[str, str]]:
    """Return (name, version) of installed packages; not `transitive`: those that nothing else requires."""
    installed = {_normal(d.name): d for d in _distributions(site_packages)}
    required = {_normal(name) for d in installed.values() for name in _requirements(d)}
    chosen = installed if transitive else {n: d for n, d in installed.items() if n not in required}
    return sorted((d.name, d.version) for n, d in chosen.items() if n not in ("pip", "setuptools", "wheel"))


def _distributions(site_packages: Sequence[Path]) -> Iterator[importlib.metadata.Distribution]:
    return (d for d in importlib.metadata.distributions(path=[str(p) for p in site_packages]) if d.name)


def _version_of(folder: Path, package: str) -> str:
    return next((d.version for d in _distributions([folder]) if _normal(d.name) == _normal(package)), "")


def _requirements(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    for line in distribution.requires or ():
        requirement, _, marker = line.partition(";")
        if "extra" not in marker:
            end = next((i for i, c in enumerate(requirement) if c in " <>=!~[(@"), len(requirement))
            yield requirement[:end]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
