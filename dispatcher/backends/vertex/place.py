"""Where in the cloud a job of a zone runs: Vertex's region, the zone's key, network and mounted buckets."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import GcpZone

REGIONS = Path(__file__).parent / "data" / "regions.json"

MOUNT = "/gcs"
"""Where Vertex mounts every bucket the job's account can read, by Cloud Storage FUSE (serverless training guide,
"Use Cloud Storage as a mounted file system")."""

_KEY = re.compile(r"projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_NETWORK = re.compile(r"projects/(?P<project>[^/]+)/global/networks/(?P<name>[^/]+)")


@functools.cache
def regions() -> frozenset[str]:
    """Return the regions in which Vertex AI offers its services, `global` not among them."""
    return frozenset(json.loads(REGIONS.read_text(encoding="utf-8"))["regions"])


def check(zone: GcpZone, findings: Findings) -> None:
    """Refuse a zone whose region has no Vertex AI, and a key that is not where the job runs."""
    if zone.region not in regions():
        what = (
            "custom jobs run in a region, and `global` is none"
            if zone.region == "global"
            else f"Vertex AI is not offered in {zone.region}"
        )
        findings.refuse(
            "region", what, "use a queue of another zone, or move this zone to a region with Vertex AI"
        )
    key = _KEY.fullmatch(zone.keys.data)
    if key is None:
        findings.refuse(
            "keys.data",
            f"{zone.keys.data!r} is not the name of a Cloud KMS key",
            "it is projects/P/locations/L/keyRings/R/cryptoKeys/K: run `pulumi up`, then `dispatch sync`",
        )
    elif key["location"] != zone.region:
        findings.refuse(
            "keys.data",
            f"the key is in {key['location']}, and Vertex AI encrypts a job of {zone.region} with a key of "
            f"{zone.region} only",
            "give the zone a key in its own region",
        )
    if zone.controls.network_isolation:
        findings.refuse(
            "controls.network_isolation",
            "Vertex AI has no container without a network",
            "use a service perimeter (network.perimeter) instead, or a zone on AWS",
        )


def mounted(uri: str) -> str:
    """Return the path under which a job sees `gs://bucket/prefix`: `/gcs/bucket/prefix`."""
    return f"{MOUNT}/{uri.removeprefix('gs://').rstrip('/')}"


def network(zone: GcpZone, findings: Findings) -> dict[str, Any]:
    """Return the fields that join a job to the zone's network, none when it has no place for jobs in it.

    A network attachment makes a PSC interface. Reserved ranges mean that the network is peered with Vertex AI.
    A network with neither serves the agent, not the jobs.
    """
    ids = zone.network.ids
    if ids.network_attachment:
        return {"pscInterfaceConfig": {"networkAttachment": ids.network_attachment}}
    if not (ids.network and ids.reserved_ranges):
        return {}
    found = _NETWORK.search(ids.network)
    project = found["project"] if found else ""
    if project == zone.project:
        project = zone.project_number
    if found is None or not project.isdecimal():
        findings.refuse(
            "network.ids.network",
            f"{ids.network} does not name its project by number, as Vertex AI wants it",
            "export the network of a host project as projects/NUMBER/global/networks/NAME",
        )
        return {}
    return {
        "network": f"projects/{project}/global/networks/{found['name']}",
        "reservedIpRanges": list(ids.reserved_ranges),
    }
