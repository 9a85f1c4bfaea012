"""Which local folder stands for which image: nothing is pulled, a registered folder is the image's content."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

_REFERENCE = re.compile(r"(?:[^/]+\.[^/]+/)?(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@.*)?")


class ImageError(Exception):
    """The name or the folder cannot be registered."""


@dataclass(frozen=True, slots=True)
class Images:
    """Registered images, kept in one JSON file so that they outlive the server."""

    file: Path

    def all(self) -> dict[str, str]:
        """Folder by registered name."""
        try:
            return dict(json.loads(self.file.read_text()))
        except FileNotFoundError:
            return {}

    def add(self, name: str, folder: Path) -> None:
        """Register a folder as the content of `NAME[:TAG]`. Raises ImageError."""
        if not re.fullmatch(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*(?::[\w][\w.-]{0,127})?", name):
            raise ImageError(f"{name!r} is not an image name such as `train` or `train:v1`")
        if not folder.is_dir():
            raise ImageError(f"{folder} is not a folder")
        self._write(self.all() | {name: str(folder.absolute())})

    def remove(self, name: str) -> bool:
        """Forget a name; True when it was known."""
        images = self.all()
        known = images.pop(name, None) is not None
        self._write(images)
        return known

    def _write(self, images: dict[str, str]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(images, indent=2, sort_keys=True) + "\n")
        fresh.replace(self.file)

    def find(self, reference: str) -> Path | None:
        """The folder of an image reference. A name stands for a repository, its last part, or a tag of any
        repository (a registry with one repository keeps image names in tags); the longest name wins."""
        images = self.all()
        return next((Path(images[name]) for name in _names(reference) if name in images), None)


def _names(reference: str) -> list[str]:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return []
    repository, tag = found["repository"], found["tag"]
    last = repository.rpartition("/")[2]
    tagged = [f"{repository}:{tag}", f"{last}:{tag}"] if tag else []
    return [*tagged, repository, last, *([tag] if tag else [])]
