"""Inputs and outputs of a job: folders of the zone's datastores, mounted for as long as it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatcher.backends import code
from dispatcher.backends.azureml import place

if TYPE_CHECKING:
    from dispatcher.backends.base import Submission
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AzureZone
    from dispatcher.job import Job

OUTPUT, CHECKPOINTS = "output", "checkpoints"
"""Names of a job's outputs. `default` would be Azure ML's own, where the service keeps the job's logs."""

_STORE = re.compile(
    r"azureml://(?:subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"/(?:providers/Microsoft\.MachineLearningServices/)?workspaces/(?P<workspace>[^/]+)/)?"
    r"datastores/(?P<store>[A-Za-z0-9_]+)/paths/(?P<path>.*)",
    re.IGNORECASE,
)
"""A folder of a datastore, in the short form, which means the workspace it is read in, or the long one."""


def outputs(job: Job, submission: Submission, zone: AzureZone) -> dict[str, Any]:
    """Return the outputs: one folder for each attempt, and for checkpoints one that all attempts share.

    They are mounted and written through: what is there when a node is taken away stays. An output that is
    uploaded at the end would lose everything.
    """
    found = {OUTPUT: place.datastore_uri(zone, place.OUTPUT, f"{submission.name}/")}
    if job.checkpoint:
        found[CHECKPOINTS] = place.datastore_uri(zone, place.CHECKPOINTS, f"{submission.checkpoints}/")
    return {
        name: {"jobOutputType": "uri_folder", "mode": "ReadWriteMount", "uri": uri} for name, uri in found.items()
    }


def input_name(channel: str) -> str:
    """Return what an input is called in expressions, where `-` is not taken."""
    return channel.replace("-", "_")


def inputs(job: Job, zone: AzureZone, findings: Findings) -> dict[str, Any]:
    """Return inputs and code, mounted read-only; what a job there cannot read is a problem or a warning."""
    found: dict[str, Any] = {}
    for channel, uri in job.inputs.items():
        if located := _located(channel, uri, zone, findings):
            found[input_name(channel)] = {"jobInputType": "uri_folder", "mode": "ReadOnlyMount", "uri": located}
    if job.code is not None:
        archive = place.datastore_uri(zone, place.DATA, code.key(job))
        found[input_name(code.INPUT)] = {"jobInputType": "uri_file", "mode": "ReadOnlyMount", "uri": archive}
    return found


def of_zone(uri: str, zone: AzureZone) -> str | None:
    """Return a folder as a datastore of the zone has it, None when it is not in the zone."""
    if store := _STORE.fullmatch(uri):
        own = (zone.subscription, zone.resource_group, zone.workspace)
        named = (store["subscription"], store["group"], store["workspace"])
        if any(named) and [part.lower() for part in named] != [part.lower() for part in own]:
            return None
        known = store["store"] in place.buckets(zone)
        return place.datastore_uri(zone, store["store"], store["path"]) if known else None
    for name, bucket in place.buckets(zone).items():
        if f"{uri}/".startswith(f"{bucket.uri}/"):
            return place.datastore_uri(zone, name, uri.removeprefix(bucket.uri).lstrip("/"))
    return None


def _located(channel: str, uri: str, zone: AzureZone, findings: Findings) -> str | None:
    own = of_zone(uri, zone)
    if own is not None:
        return own
    host = urlsplit(uri).hostname or ""
    blob = uri.startswith("https://") and host.endswith((f".blob.{place.cloud(zone).storage}",))
    if blob and urlsplit(uri).query:
        rule = "carries a query: a signature in it is a secret, and would be readable in the job"
        findings.problem(f"inputs.{channel}", rule, "give the execution identity the right to read it instead")
        return None
    if not blob and not _STORE.fullmatch(uri):
        rule = f"{uri!r} is not a location in Azure Blob Storage, nor azureml://datastores/NAME/paths/..."
        findings.problem(f"inputs.{channel}", rule, f"copy it there: {zone.buckets.data.uri}/...")
        return None
    findings.warn(
        f"inputs.{channel} is not in a container of this zone: its execution identity "
        f"{zone.identities.execution} may not read it"
    )
    return uri
