"""Where in Azure a job of a zone runs: its workspace, a cluster of it or serverless, datastores, endpoints."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AzureZone, Bucket

CLOUDS = Path(__file__).parent / "data" / "clouds.json"

ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)(?:/computes/(?P<compute>[^/]+))?",
    re.IGNORECASE,
)
"""The resource id of a workspace or of a cluster, or the beginning of that of something else in a workspace."""
PUT_ENVIRONMENT, PUT_JOB = "PutEnvironmentVersion", "PutJob"
"""What a submission does, in this order."""
DATA, OUTPUT, CHECKPOINTS = "data", "output", "checkpoints"
"""The workspace's datastores, called by their use; each is the zone's container of that use."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Azure's clouds: API version of Azure ML, Resource Manager, run history of a `{region}`, and what host
    names of storage, vaults and registries end in."""

    api_version: str
    arm: str
    ml: str
    storage: str
    vault: str
    registry: str
    studio: str
    authority: str


@functools.cache
def clouds() -> dict[str, Cloud]:
    """Return the facts of every cloud of Azure, by what a zone's `azure_cloud` calls it."""
    document = json.loads(CLOUDS.read_text(encoding="utf-8"))
    return {name: Cloud(**facts) for name, facts in document["clouds"].items()}


def cloud(zone: AzureZone) -> Cloud:
    """Return the facts of the cloud a zone is in."""
    return clouds()[zone.azure_cloud]


def workspace_id(zone: AzureZone) -> str:
    """Return the resource id of the zone's workspace."""
    return (
        f"/subscriptions/{zone.subscription}/resourceGroups/{zone.resource_group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{zone.workspace}"
    )


def own(found: re.Match[str], zone: AzureZone) -> bool:
    """Tell whether an `ID` is of the zone's own workspace; Resource Manager takes ids in any letter case."""
    named = (found["subscription"], found["group"], found["workspace"])
    ours = (zone.subscription, zone.resource_group, zone.workspace)
    return [part.lower() for part in named] == [part.lower() for part in ours]


def another(zone: AzureZone) -> str:
    """Return what to do about a resource of another workspace."""
    return f"the zone's workspace is {zone.workspace} in {zone.region}; use a queue of the other one's zone"


def job_id(zone: AzureZone, name: str) -> str:
    """Return the resource id of a job of the zone."""
    return f"{workspace_id(zone)}/jobs/{name}"


def datastore_uri(zone: AzureZone, store: str, path: str) -> str:
    """Return a folder of a datastore of the zone, in the long form, which needs no workspace to be understood."""
    return (
        f"azureml://subscriptions/{zone.subscription}/resourcegroups/{zone.resource_group}"
        f"/workspaces/{zone.workspace}/datastores/{store}/paths/{path}"
    )


def buckets(zone: AzureZone) -> dict[str, Bucket]:
    """Return the zone's containers by the datastore that stands for each."""
    return {DATA: zone.buckets.data, OUTPUT: zone.buckets.output, CHECKPOINTS: zone.buckets.checkpoints}


def serverless(zone: AzureZone) -> bool:
    """Tell whether jobs of a zone run on machines that Azure ML finds itself: zones without a private network."""
    return zone.network.mode == "public"


def check(zone: AzureZone, findings: Findings) -> None:
    """Refuse a zone that asks of its containers what Azure ML does not have."""
    if zone.controls.network_isolation:
        findings.refuse(
            "controls.network_isolation",
            "Azure ML has no container without a network",
            "use managedNetwork with egress: none instead, or a zone on AWS",
        )
