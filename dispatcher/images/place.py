"""Where a zone keeps its images: what an image is called there, and who pulls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dispatcher.backends import image_reference, image_rules
from dispatcher.errors import Problem, SpecError, UsageError
from dispatcher.images import config
from dispatcher.placement.catalog import catalog

if TYPE_CHECKING:
    from dispatcher.backends.image_reference import Image, Puller
    from dispatcher.contract import Zone

USUAL = "linux/amd64"
_TAG_MAX = 128
"""Characters of a tag (OCI distribution specification)."""


@dataclass(frozen=True, slots=True)
class Names:
    """What an image is called in a zone: by its tag, which is its digest, and by the digest itself."""

    tag: str
    digest: str


def reference(text: str, zone: Zone) -> Image:
    """Return what an image of a job means in a zone; one without a registry is of the zone's own.

    Raises SpecError for what is no reference: what comes back names a host that may be signed in to.
    """
    try:
        image = image_reference.read(text)
    except ValueError as error:
        raise SpecError([Problem("job", None, "image", str(error), image_reference.FORM)]) from error
    if image.host is not None:
        return image
    return image_reference.parse(image_rules(zone.cloud).in_zone(image, zone))


def names(name: str, digest: str, zone: Zone) -> Names:
    """Return what an image called `name` (`train`, or `train:v2`) with a digest is called in a zone.

    The tag is the digest's digits alone: `sha256-<digits>` is where signing tools look for what refers to an image
    (OCI distribution specification, "Referrers Tag Schema"). Raises UsageError for a name that no registry takes.
    """
    from dispatcher.backends.findings import Findings

    found = Findings()
    image = image_reference.checked(name, "none", found)
    if image is None or image.host is not None or image.digest:
        raise UsageError(f"{name!r} is no name of an image", "write name or name:tag, the name in lower case")
    tagged = reference(f"{image.name}:{digest.partition(':')[2]}", zone)
    if len(tagged.tag) > _TAG_MAX:
        raise UsageError(
            f"the name {image.name} is too long: its tag would be {tagged.tag}", "choose a shorter one"
        )
    return Names(tagged.text, reference(f"{image.name}@{digest}", zone).text)


def puller(zone: Zone) -> Puller:
    """Return who pulls the images of a zone's jobs."""
    found: Puller = image_rules(zone.cloud).puller(zone)
    return found


def platform(zone: Zone) -> str:
    """Return what the zone's machines run: that of its compute where that is all of one kind, else the usual."""
    known = catalog(zone.cloud)
    kinds = {known[one.instance].architecture for one in zone.compute if one.instance in known}
    found = {config.PLATFORMS.get(kind or "") for kind in kinds}
    return next(iter(found)) or USUAL if len(found) == 1 else USUAL
