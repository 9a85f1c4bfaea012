"""Which image Vertex AI may pull: from Artifact Registry where its agent can read, or from a public registry."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.backends import image_reference
from dispatcher.backends.image_reference import Image, Puller

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import GcpZone

REGISTRIES = Path(__file__).parent / "data" / "registries.json"

# Artifact Registry's Docker hosts, and those of Container Registry, which Artifact Registry serves since 2025.
_ARTIFACT = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")
_CONTAINER = re.compile(r"((us|eu|asia)\.)?gcr\.io")

PUSH_ACTION, PUSH_RIGHT = "artifactregistry.repositories.uploadArtifacts", "roles/artifactregistry.writer"
"""What the contract lists when the agent may push, and what somebody else needs for it."""


def resolve(image: str, zone: GcpZone, *, regime: str, findings: Findings) -> str:
    """Return the reference to send. A name without a registry is an image of the zone's own repository.

    The Vertex service agent pulls, not the job's account, and it signs in nowhere: so the image is in Artifact
    Registry of the zone's project, of a project that the contract says the agent may read (`image_projects`), or
    in a registry that asks nobody to sign in. Regimes other than `none` take digests only.
    """
    parts = image_reference.checked(image, regime, findings)
    if parts is None:
        return image
    if parts.host is None:
        return _own(parts, zone, findings)
    artifact = _ARTIFACT.fullmatch(parts.host)
    if artifact or _CONTAINER.fullmatch(parts.host):
        project = _project(parts)
        if project in _known()["google"]:
            return image
        if project not in (zone.project, *zone.image_projects):
            _refuse(
                parts,
                f"project {project} is not one whose images the Vertex service agent may read",
                zone,
                findings,
                in_artifact_registry=True,
            )
        elif artifact and artifact["location"] != zone.region:
            findings.warn(f"image {image} is in {artifact['location']}, the job runs in {zone.region}")
    elif image_reference.public(parts.host):
        image_reference.warn_of_public(parts, findings)
    else:
        what = f"Vertex AI pulls from Artifact Registry or from a public registry, not from {parts.host}"
        _refuse(parts, what, zone, findings)
    return image


@functools.cache
def _known() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(REGISTRIES.read_text(encoding="utf-8"))
    return known


def _project(image: Image) -> str:
    """The project of an image in Google's registries; those of a domain have it in two parts (`example.com/p`)."""
    first, _, rest = image.name.partition("/")
    return f"{first}:{rest.partition('/')[0]}" if "." in first else first


def in_zone(image: Image, zone: GcpZone) -> str:
    """Return the reference of an image that names no registry, in the zone's own repository."""
    return f"{zone.registry.url}/{image.text}"


def puller(zone: GcpZone) -> Puller:
    """Service agents of Vertex AI pull, not the job's account, and sign in to Google's own registries only."""
    return Puller(" and ".join(_pullers(zone)), "roles/artifactregistry.reader", _google)


def _google(host: str) -> bool:
    return (_ARTIFACT.fullmatch(host) or _CONTAINER.fullmatch(host)) is not None


def _own(image: Image, zone: GcpZone, findings: Findings) -> str:
    resolved = in_zone(image, zone)
    if "/" in image.name:
        findings.warn(
            f"image {image.text} names no registry and is taken from the zone's own: {resolved}. For the one on "
            f"Docker Hub write docker.io/{image.text}; to bring it there: {image_reference.bring(image)}"
        )
    return resolved


def _refuse(
    image: Image, what: str, zone: GcpZone, findings: Findings, *, in_artifact_registry: bool = False
) -> None:
    grant = (
        f"; or let {' and '.join(_pullers(zone))} read it (roles/artifactregistry.reader on its repository) and "
        "declare its project in imageProjects of the zone"
    )
    remedy = image_reference.bring(image) + (
        grant if in_artifact_registry else ""
    )  # no grant lets them sign in elsewhere
    findings.refuse("image registry", what, remedy)


def _pullers(zone: GcpZone) -> list[str]:
    """The service agents of Vertex AI that may pull; which of the two does is not documented."""
    agents = ("gcp-sa-aiplatform", "gcp-sa-aiplatform-cc")
    return [f"service-{zone.project_number}@{agent}.iam.gserviceaccount.com" for agent in agents]
