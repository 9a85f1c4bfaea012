"""Moving an image: from a builder's disk, or from another registry, blob by blob and then the manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from dispatcher.images import description
from dispatcher.images.archive import Archive
from dispatcher.images.registry import Manifest, Registry
from dispatcher.images.transport import Body

Say = Callable[[str], None]
"""Told of each layer that is sent."""


def push(archive: Archive, target: Registry, repository: str, tag: str, say: Say) -> None:
    """Write an image from disk under a tag; what is there already is not sent again."""
    if target.has_manifest(repository, tag):
        return
    for digest, size in description.blobs(archive.manifest):
        file = archive.files[digest]
        if target.put_blob(repository, digest, size, _reader(file)):
            say(_sent(digest, size))
    target.put_manifest(repository, tag, archive.manifest)


def copy(
    manifest: Manifest, source: Registry, origin: str, target: Registry, repository: str, tag: str, say: Say
) -> None:
    """Write an image of another registry (`origin` in `source`) under a tag, without keeping it here."""
    if target.has_manifest(repository, tag):
        return
    near = origin if source.host == target.host else None
    for digest, size in description.blobs(manifest):
        with contextlib.ExitStack() as opened:

            def read(digest: str = digest, opened: contextlib.ExitStack = opened) -> IO[bytes]:
                return opened.enter_context(source.blob(origin, digest))

            if target.put_blob(repository, digest, size, read, source=near):
                say(_sent(digest, size))
    target.put_manifest(repository, tag, manifest)


def _reader(file: Path) -> Body:
    return lambda: file.open("rb")


def _sent(digest: str, size: int) -> str:
    return f"sent {digest[:19]} ({size / 1e6:.1f} MB)"
