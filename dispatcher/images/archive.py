"""What a builder leaves on disk, as blobs to push: an OCI layout, or the archive that `docker save` writes."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dispatcher.errors import DispatchError
from dispatcher.images import description
from dispatcher.images.config import Config
from dispatcher.images.registry import INDEXES, MANIFESTS, Manifest

_GZIP = b"\x1f\x8b"
_OCI, _CONFIG = MANIFESTS[0], "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Archive:
    """One image on disk: its manifest, its configuration, and the file of every blob by digest."""

    manifest: Manifest
    config: Config
    files: Mapping[str, Path]


def layout(folder: Path, platform: str) -> Archive:
    """Read an OCI layout (image-layout.md of the OCI image specification) of one image for `platform`.

    Raises DispatchError when it has none for it.
    """
    entry = _entries((folder / "index.json").read_bytes(), platform)
    content = _blob(folder, str(entry["digest"])).read_bytes()
    while entry["mediaType"] in INDEXES:
        entry = _entries(content, platform)
        content = _blob(folder, str(entry["digest"])).read_bytes()
    manifest = Manifest(str(entry["digest"]), str(entry["mediaType"]), content)
    files = {digest: _blob(folder, digest) for digest, _ in description.blobs(manifest)}
    config = description.parse(files[description.config_digest(manifest)].read_bytes())
    return Archive(manifest, config, files)


def saved(file: Path, folder: Path) -> Archive:
    """Read what `docker save` wrote, of any version; compressed layers and the manifest are put into `folder`.

    The manifest is ours: the archive has none for a registry. Equal layers give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "r:") as archive:
        (entry,) = json.loads(_member(archive, "manifest.json").read())
        config = _member(archive, entry["Config"]).read()
        parts = [_kept(config, folder, _CONFIG)]
        for name in entry["Layers"]:
            with _member(archive, name) as layer:
                parts.append(_compressed(layer, folder))
    document = {"schemaVersion": 2, "mediaType": _OCI, "config": parts[0], "layers": parts[1:]}
    content = json.dumps(document, separators=(",", ":")).encode()
    manifest = Manifest(f"sha256:{hashlib.sha256(content).hexdigest()}", _OCI, content)
    files = {str(part["digest"]): folder / str(part["digest"]).removeprefix("sha256:") for part in parts}
    return Archive(manifest, description.parse(config), files)


def _entries(index: bytes, platform: str) -> Mapping[str, Any]:
    """The entry for a platform; the only one, when there is one and it does not say what it is for."""
    entries = json.loads(index)["manifests"]
    digest = description.platforms(index).get(platform)
    for entry in entries:
        if entry["digest"] == digest or (len(entries) == 1 and not entry.get("platform")):
            return dict(entry)
    raise DispatchError(f"the builder made no image for {platform}")


def _blob(folder: Path, digest: str) -> Path:
    kind, _, hexadecimal = digest.partition(":")
    if kind != "sha256" or not hexadecimal.isalnum():
        raise DispatchError(f"{digest} is not a digest that registries take")
    return folder / "blobs" / "sha256" / hexadecimal


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise DispatchError(f"the builder's archive has no {name}")
    return found


def _kept(content: bytes, folder: Path, kind: str) -> dict[str, Any]:
    hexadecimal = hashlib.sha256(content).hexdigest()
    (folder / hexadecimal).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{hexadecimal}", "size": len(content)}


def _compressed(layer: IO[bytes], folder: Path) -> dict[str, Any]:
    """Put a layer into the folder under its digest, compressed, with no time in it."""
    part = folder / "part"
    start = layer.read(2)
    layer.seek(0)
    with part.open("wb") as target:
        if start == _GZIP:
            shutil.copyfileobj(layer, target)
        else:
            with gzip.GzipFile("", "wb", 6, target, mtime=0) as packed:
                shutil.copyfileobj(layer, packed)
    with part.open("rb") as target:
        hexadecimal = hashlib.file_digest(target, "sha256").hexdigest()
    size = part.stat().st_size
    part.rename(folder / hexadecimal)
    return {"mediaType": _LAYER, "digest": f"sha256:{hexadecimal}", "size": size}
