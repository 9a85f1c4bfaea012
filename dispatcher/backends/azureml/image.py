"""Which image Azure ML may pull: from Azure Container Registry as the job's identity, or a public one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dispatcher.backends import image_reference
from dispatcher.backends.azureml import place
from dispatcher.backends.image_reference import Puller

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.backends.image_reference import Image
    from dispatcher.contract import AzureZone

MICROSOFT = "mcr.microsoft.com"
"""Microsoft's own registry: every workspace reaches it, because Azure ML's own images come from there."""

PUSH_ACTION, PUSH_RIGHT = "Microsoft.ContainerRegistry/registries/push/write", "AcrPush"
"""What the contract lists when the agent may push, and what somebody else needs for it."""


def resolve(image: str, zone: AzureZone, *, regime: str, findings: Findings) -> str:
    """Return the reference to send. A name without a registry is an image of the zone's own registry.

    The node pulls as the zone's execution identity, which is given AcrPull on the zone's registry and nowhere
    else; no other registry gets a password. Regimes other than `none` take digests only.
    """
    parts = image_reference.checked(image, regime, findings)
    if parts is None:
        return image
    if parts.host is None:
        return _own(parts, zone, findings)
    if parts.host == zone.registry.url:
        return image
    if puller(zone).signs_in(parts.host):
        findings.warn(
            f"image {image} is not in the zone's registry: {zone.identities.execution} needs AcrPull there, or "
            "the job fails when it starts"
        )
    elif image_reference.public(parts.host):
        image_reference.warn_of_public(parts, findings)
        _warn_of_network(parts, zone, findings)
    else:
        findings.refuse(
            "image registry",
            f"Azure ML pulls from Azure Container Registry or from a public registry, not from {parts.host}",
            image_reference.bring(parts),
        )
    return image


def _warn_of_network(image: Image, zone: AzureZone, findings: Findings) -> None:
    if zone.network.mode != "public" and zone.network.egress == "none" and image.host != MICROSOFT:
        findings.warn(
            f"the zone's network lets jobs reach {image.host} only if network.fqdns of the zone names it, and "
            f"where it keeps its layers; to bring the image in: {image_reference.bring(image)}"
        )


def in_zone(image: Image, zone: AzureZone) -> str:
    """Return the reference of an image that names no registry, in the zone's own."""
    return f"{zone.registry.url}/{image.text}"


def puller(zone: AzureZone) -> Puller:
    """The node pulls as the zone's execution identity, from Azure Container Registry only."""
    own = re.compile(rf"[A-Za-z0-9-]+\.{re.escape(place.cloud(zone).registry)}")
    return Puller(zone.identities.execution, "AcrPull", lambda host: own.fullmatch(host) is not None)


def _own(image: Image, zone: AzureZone, findings: Findings) -> str:
    resolved = in_zone(image, zone)
    if "/" in image.name:
        findings.warn(
            f"image {image.text} names no registry and is taken from the zone's own: {resolved}. For the one on "
            f"Docker Hub write docker.io/{image.text}; to bring it there: {image_reference.bring(image)}"
        )
    return resolved
