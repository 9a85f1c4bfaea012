"""The programs that build images: docker buildx, podman or buildah, whichever is there and works."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatcher.errors import DispatchError, NotFoundError, UsageError
from dispatcher.images import archive
from dispatcher.images.archive import Archive


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build: the folder that is sent along, its Dockerfile (None: the folder's own), and the platform."""

    context: Path
    file: Path | None
    platform: str

    def words(self) -> list[str]:
        """The options that every builder understands."""
        return ["--platform", self.platform, *(["--file", str(self.file)] if self.file else []), str(self.context)]


@dataclass(frozen=True, slots=True)
class Builder:
    """One program. `probe` succeeds when it can build here; `build` ends in the words of `Recipe` and writes the
    image's id into the file `--iidfile`; `export` writes an image into a folder or file, which `read` reads."""

    name: str
    probe: tuple[str, ...]
    build: tuple[str, ...]
    export: Callable[[str, Path], list[str]]
    read: Callable[[Path, str], Archive]


def _saved(file: Path, platform: str) -> Archive:
    return archive.saved(file, file.with_suffix(".blobs"))


BUILDERS = (
    Builder(
        "docker",
        ("docker", "version", "--format", "{{.Server.Version}}"),  # the client alone builds nothing
        ("docker", "buildx", "build", "--load", "--provenance=false"),
        lambda image, target: ["docker", "save", "--output", str(target), image],
        _saved,
    ),
    Builder(
        "podman",
        ("podman", "version", "--format", "{{.Client.Version}}"),
        ("podman", "build"),
        lambda image, target: ["podman", "save", "--format", "oci-dir", "--output", str(target), image],
        archive.layout,
    ),
    Builder(
        "buildah",
        ("buildah", "version"),
        ("buildah", "build"),
        lambda image, target: ["buildah", "push", "--quiet", image, f"oci:{target}"],
        archive.layout,
    ),
)
NAMES = tuple(builder.name for builder in BUILDERS)


def find(name: str | None, environment: Mapping[str, str]) -> Builder:
    """Return the builder of this name, or the first that is there and works.

    Raises NotFoundError with what each one lacks, and UsageError for a name that is none.
    """
    if name is not None and name not in NAMES:
        raise UsageError(f"there is no builder {name}", f"one of {', '.join(NAMES)}")
    lacking = []
    for builder in BUILDERS:
        if name in (None, builder.name):
            if (reason := _lack(builder, environment)) is None:
                return builder
            lacking.append(reason)
    raise NotFoundError(
        f"nothing here builds images: {'; '.join(lacking)}",
        "install docker, podman or buildah (Debian: apt-get install buildah), or build elsewhere and name the "
        "image by its digest",
    )


def build(builder: Builder, recipe: Recipe, environment: Mapping[str, str], folder: Path) -> Archive:
    """Build and return the image; what is kept of it lives in `folder`. The builder's own words go to stderr.

    Raises DispatchError when the build fails.
    """
    id_file = folder / "id"
    _run(builder, [*builder.build, "--iidfile", str(id_file), *recipe.words()], environment)
    target = folder / "image"
    _run(builder, builder.export(id_file.read_text().strip(), target), environment, quiet=True)
    return builder.read(target, recipe.platform)


def dockerfile(recipe: Recipe) -> Path:
    """Return the Dockerfile of a recipe. Raises UsageError for a folder or file that is not there."""
    if not recipe.context.is_dir():
        raise UsageError(f"{recipe.context} is no folder", "name the folder that the Dockerfile copies from")
    usual = [recipe.context / name for name in ("Dockerfile", "Containerfile")]
    found = next((file for file in [recipe.file or usual[0], *usual] if file.is_file()), None)
    if found is None or (recipe.file and found != recipe.file):
        raise UsageError(f"there is no {recipe.file or usual[0]}", "name it with -f")
    return found


def _lack(builder: Builder, environment: Mapping[str, str]) -> str | None:
    """Why a builder cannot be used; None when it can."""
    if shutil.which(builder.name, path=environment.get("PATH")) is None:
        return f"{builder.name} is not installed"
    answer = subprocess.run(
        builder.probe, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        words = (answer.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return f"{builder.name} does not work ({words})"
    return None


def _run(builder: Builder, command: list[str], environment: Mapping[str, str], *, quiet: bool = False) -> None:
    with tempfile.TemporaryFile() as record:
        # A builder talks of its steps on stdout, where our own result belongs.
        out = record if quiet else 2
        ended = subprocess.run(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        )
        record.seek(0)
        said = record.read()[-2000:].decode(errors="replace").strip()
    if ended.returncode:
        what = " ".join(command[:2])
        above = f"it said: {said}" if said else "its own words are above"
        raise DispatchError(f"`{what}` failed with exit code {ended.returncode}", above)
