"""What an image says of itself: its configuration as far as a job cares, and the platforms of an index."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.errors import DispatchError
from dispatcher.images.config import Config
from dispatcher.images.registry import INDEXES, MANIFESTS, Manifest, Registry
from dispatcher.runtime import LABEL


@dataclass(frozen=True, slots=True)
class Description:
    """An image in a registry: `digest` is of what its reference names, which may be an index of several platforms.

    `manifest` and `config` are of the platform that was asked for; None where the index has no such.
    """

    digest: str
    platforms: tuple[str, ...]
    manifest: Manifest | None
    config: Config | None


def describe(registry: Registry, repository: str, reference: str, platform: str | None) -> Description:
    """Ask a registry what a tag or digest is. Raises NotFoundError, Denied and friends (registry.Registry)."""
    found = registry.manifest(repository, reference)
    if found.media_type not in INDEXES:
        config = parse(registry.small_blob(repository, config_digest(found)))
        fits = platform in (None, config.platform)
        return Description(found.digest, (config.platform,), found if fits else None, config)
    entries = platforms(found.content)
    digest = entries.get(platform) if platform else next(iter(entries.values()), None)
    if digest is None:
        return Description(found.digest, tuple(entries), None, None)
    manifest = registry.manifest(repository, digest)
    config = parse(registry.small_blob(repository, config_digest(manifest)))
    return Description(found.digest, tuple(entries), manifest, config)


def parse(content: bytes) -> Config:
    """Read an image's configuration. Raises DispatchError for anything else."""
    document = _document(content)
    inner = document.get("config") or {}
    labels = inner.get("Labels") or {}
    return Config(
        _platform(document), _words(inner.get("Entrypoint")), _words(inner.get("Cmd")), labels.get(LABEL)
    )


def platforms(index: bytes) -> dict[str, str]:
    """Return the digest of every platform's manifest in an index; signatures and attestations have none."""
    entries = _document(index).get("manifests") or []
    known = ((_platform(entry.get("platform") or {}), entry) for entry in entries)
    return {platform: str(entry["digest"]) for platform, entry in known if "unknown" not in platform}


def config_digest(manifest: Manifest) -> str:
    """Return the digest of a manifest's configuration. Raises DispatchError for a kind that is no image."""
    if manifest.media_type not in MANIFESTS:
        raise DispatchError(f"{manifest.digest} is a {manifest.media_type or 'thing of no kind'}, and no image")
    return str(_document(manifest.content)["config"]["digest"])


def blobs(manifest: Manifest) -> list[tuple[str, int]]:
    """Return digest and size of everything a manifest names: its layers, then its configuration."""
    document = _document(manifest.content)
    parts: Sequence[Mapping[str, Any]] = [*document["layers"], document["config"]]
    return [(str(part["digest"]), int(part["size"])) for part in parts]


def _platform(document: Mapping[str, Any]) -> str:
    return f"{document.get('os') or 'unknown'}/{document.get('architecture') or 'unknown'}"


def _words(value: object) -> tuple[str, ...] | None:
    return tuple(map(str, value)) if isinstance(value, list) and value else None


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise DispatchError("an image's document is no JSON") from error
    if not isinstance(document, dict):
        raise DispatchError("an image's document is no JSON object")
    return document
