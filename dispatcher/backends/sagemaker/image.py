"""Which image SageMaker may pull: private ECR, or a registry inside the zone's VPC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dispatcher.backends import image_reference
from dispatcher.backends.image_reference import Image, Puller

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AwsZone

# Host names of private ECR in every partition, with FIPS and dual-stack forms (ECR service endpoints page).
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn)"
)

PUSH_ACTION, PUSH_RIGHT = "ecr:PutImage", "ecr:PutImage and the actions of a layer's upload"
"""What the contract lists when the agent may push, and what somebody else needs for it."""


def resolve(image: str, zone: AwsZone, *, regime: str, vpc_registry: bool, findings: Findings) -> str:
    """Return the reference to send. A name without a registry is an image of the zone's own repository.

    A zone has one ECR repository, so `train` becomes its tag `train`, `train:v2` its tag `train-v2`, and
    `train@sha256:...` that digest in it. `vpc_registry` is true when the queue says that the registry is inside
    the VPC. Regimes other than `none` take digests only: a tag can be moved, evidence cannot.
    """
    parts = image_reference.checked(image, regime, findings)
    if parts is None:
        return image
    host = parts.host
    if host is None:
        return _own(parts, zone, findings)
    if ecr := _ECR.fullmatch(host):
        _warn_of_rights(image, ecr, zone, findings)
    elif vpc_registry:
        if not zone.network.ids.subnets:
            findings.refuse(
                "network.mode",
                f"{host} is said to be in the VPC, but jobs of this zone run outside one",
                image_reference.bring(parts),
            )
    else:
        findings.refuse(
            "image registry",
            f"SageMaker pulls from private ECR or from a registry inside the VPC, not from {host}",
            f"{image_reference.bring(parts)}; or put a registry into the VPC and set "
            "overrides.AlgorithmSpecification.TrainingImageConfig.TrainingRepositoryAccessMode: Vpc on the queue",
        )
    return image


def in_zone(image: Image, zone: AwsZone) -> str:
    """Return the reference of an image that names no registry, in the zone's own repository."""
    return f"{zone.registry.url}@{image.digest}" if image.digest else _tagged(image, zone)


def puller(zone: AwsZone) -> Puller:
    """SageMaker pulls as the job's execution role, from private ECR only."""
    right = "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer"
    return Puller(zone.identities.execution, right, lambda host: _ECR.fullmatch(host) is not None)


def region(host: str) -> str:
    """Return the region of a private ECR registry, "" for a host that is none."""
    found = _ECR.fullmatch(host)
    return found["region"] if found else ""


def _own(image: Image, zone: AwsZone, findings: Findings) -> str:
    resolved = in_zone(image, zone)
    if "/" in image.name:
        findings.warn(
            f"image {image.text} names no registry and is taken from the zone's own: {resolved}. SageMaker does "
            f"not pull from Docker Hub; to bring it there: {image_reference.bring(image)}"
        )
    return resolved


def _tagged(image: Image, zone: AwsZone) -> str:
    """The zone has one repository, so an image's name is the first part of its tag."""
    return f"{zone.registry.url}:{'-'.join(filter(None, [image.name.replace('/', '-'), image.tag]))}"


def _warn_of_rights(image: str, ecr: re.Match[str], zone: AwsZone, findings: Findings) -> None:
    own = image.startswith(zone.registry.url) and image[len(zone.registry.url) :][:1] in ("", ":", "@")
    if own:
        return
    if ecr["region"] != zone.region:
        findings.warn(
            f"image {image} is in {ecr['region']}, the job runs in {zone.region}: SageMaker may refuse to pull"
        )
    findings.warn(
        f"image {image} is not in the zone's repository: the execution role {zone.identities.execution} needs "
        "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on its repository, or the job fails when it starts"
    )
