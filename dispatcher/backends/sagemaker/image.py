"""Which image SageMaker may pull: private ECR, or a registry inside the zone's VPC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AwsZone

# Host names of private ECR in every partition, with FIPS and dual-stack forms (ECR service endpoints page).
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn)"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


def resolve(image: str, zone: AwsZone, *, regime: str, vpc_registry: bool, findings: Findings) -> str:
    """Return the reference to send. A name without a registry is an image of the zone's own repository.

    A zone has one ECR repository, so `train` becomes its tag `train`, `train:v2` its tag `train-v2`, and
    `train@sha256:...` that digest in it. `vpc_registry` is true when the queue says that the registry is inside
    the VPC. Regimes other than `none` take digests only: a tag can be moved, evidence cannot.
    """
    host, name, tag, digest = _parts(image)
    if (
        not _NAME.fullmatch(name)
        or (tag and not _TAG.fullmatch(tag))
        or (digest and not _DIGEST.fullmatch(digest))
    ):
        rule = f"{image!r} is not an image reference"
        findings.problem("image", rule, "write name:tag or name@sha256:<64 hex digits>, name in lower case")
        return image
    if regime != "none" and not digest:
        findings.refuse(
            f"regime {regime}",
            f"image {image} has no digest, and a tag can be moved",
            "name it by digest: name@sha256:... (docker inspect --format '{{index .RepoDigests 0}}' IMAGE)",
        )
    if host is None:
        return _in_zone(image, name, tag, digest, zone, findings)
    if ecr := _ECR.fullmatch(host):
        _warn_of_rights(image, ecr, zone, findings)
    elif vpc_registry:
        if not zone.network.ids.subnets:
            findings.refuse(
                "network.mode",
                f"{host} is said to be in the VPC, but jobs of this zone run outside one",
                _push(image, zone),
            )
    else:
        findings.refuse(
            "image registry",
            f"SageMaker pulls from private ECR or from a registry inside the VPC, not from {host}",
            f"{_push(image, zone)}; or put a registry into the VPC and set overrides.AlgorithmSpecification."
            "TrainingImageConfig.TrainingRepositoryAccessMode: Vpc on the queue",
        )
    return image


def _parts(image: str) -> tuple[str | None, str, str, str]:
    """Split a reference into host (None when it names no registry), name, tag and digest, as Docker reads it."""
    rest, _, digest = image.partition("@")
    first, slash, path = rest.partition("/")
    host = first if slash and ("." in first or ":" in first or first == "localhost") else None
    name = path if host else rest
    name, _, tag = name.partition(":")
    return host, name, tag, digest


def _in_zone(image: str, name: str, tag: str, digest: str, zone: AwsZone, findings: Findings) -> str:
    if digest:
        resolved = f"{zone.registry.url}@{digest}"
    else:
        resolved = f"{zone.registry.url}:{'-'.join(filter(None, [name.replace('/', '-'), tag]))}"
    if "/" in name:
        findings.warn(
            f"image {image} names no registry and is taken from the zone's own: {resolved}. SageMaker does not "
            f"pull from Docker Hub; to bring it there: {_push(image, zone, resolved)}"
        )
    return resolved


def _push(image: str, zone: AwsZone, target: str | None = None) -> str:
    _, name, tag, _ = _parts(image)
    target = target or f"{zone.registry.url}:{'-'.join(filter(None, [name.replace('/', '-'), tag]))}"
    return f"docker pull {image} && docker tag {image} {target} && docker push {target}"


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
