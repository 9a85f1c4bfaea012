"""Image references as Docker reads them, and what every cloud asks of one."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings

REGISTRIES = Path(__file__).parent / "data" / "registries.json"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# A host as a certificate names it, or an IP address, and a port: nothing that a URL would read as a user, a path,
# a query or a fragment, after which the end of the text would be no part of the host.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?")
FORM = "write name:tag or name@sha256:<64 hex digits>, name in lower case, after HOST/ or HOST:PORT/ if it has one"
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True, slots=True)
class Image:
    """A reference in its parts: `host` is None when it names no registry; `tag` and `digest` may be empty."""

    text: str
    host: str | None
    name: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Puller:
    """Who pulls a job's image: `identity` needs `right` on its repository, and signs in to hosts of `signs_in`."""

    identity: str
    right: str
    signs_in: Callable[[str], bool]


def parse(text: str) -> Image:
    """Split a reference that was read or made before; nothing is checked."""
    rest, _, digest = text.partition("@")
    first, slash, path = rest.partition("/")
    host = first if slash and ("." in first or ":" in first or first == "localhost") else None
    name = path if host else rest
    name, _, tag = name.partition(":")
    return Image(text, host, name, tag, digest)


def is_host(text: str) -> bool:
    """Tell whether a text is a host with or without a port, and nothing else."""
    return _HOST.fullmatch(text) is not None


def read(text: str) -> Image:
    """Split a reference that somebody wrote. Raises ValueError for one that is none, its host included."""
    image = parse(text)
    if (
        not _NAME.fullmatch(image.name)
        or not (image.host is None or is_host(image.host))
        or text.endswith((":", "@"))
        or (image.tag and not _TAG.fullmatch(image.tag))
        or (image.digest and not _DIGEST.fullmatch(image.digest))
    ):
        raise ValueError(f"{text!r} is not an image reference")
    return image


def checked(text: str, regime: str, findings: Findings) -> Image | None:
    """Return the parts of a well-formed reference, None after noting why it is none.

    Regimes other than `none` take digests only: a tag can be moved, evidence cannot.
    """
    try:
        image = read(text)
    except ValueError as error:
        findings.problem("image", str(error), FORM)
        return None
    if regime != "none" and not image.digest:
        findings.refuse(
            f"regime {regime}",
            f"image {text} has no digest, and a tag can be moved",
            "name it by digest: name@sha256:... (docker inspect --format '{{index .RepoDigests 0}}' IMAGE)",
        )
    return image


@functools.cache
def _public() -> frozenset[str]:
    return frozenset(json.loads(REGISTRIES.read_text(encoding="utf-8"))["public"])


def public(host: str) -> bool:
    """Tell whether a registry asks nobody to sign in for images that are public there."""
    return host in _public()


def warn_of_public(image: Image, findings: Findings) -> None:
    """Say what pulling from a public registry means."""
    findings.warn(
        f"image {image.text} is pulled from {image.host} without signing in: it must be public, and is pulled "
        "over the internet at every start"
    )


def bring(image: Image) -> str:
    """Return the command that copies an image into the zone's registry; one without a host is Docker Hub's."""
    source = image.text if image.host else f"docker.io/{image.text}"
    kept = "" if image.host else f" --name {image.text}"  # so that the job finds it as it is
    return f"dispatch image copy {source} --zone ZONE{kept}"
