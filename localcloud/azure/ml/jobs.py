"""Command jobs of a workspace: what is refused, what starts them, how they are shown, listed and cancelled."""

from __future__ import annotations

import re
from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm import kinds
from localcloud.azure.arm.authorization import identity
from localcloud.azure.arm.kinds import Put
from localcloud.azure.arm.managed import carried
from localcloud.azure.arm.store import Document, Resource, Resources
from localcloud.azure.errors import AzureError, bad
from localcloud.azure.ml import data, machines
from localcloud.azure.ml.environments import VERSIONS
from localcloud.azure.ml.record import CommandJob, seconds
from localcloud.azure.ml.workspaces import COMPUTES, WORKSPACES, workspace_of
from localcloud.azure.plane import Request
from localcloud.azure.settings import Settings
from localcloud.azure.state import State
from localcloud.place import AZURE
from localcloud.server.wire import Answer

JOBS = f"{WORKSPACES}/jobs"
PAGE = 10
_CHANGEABLE = ("description", "displayName", "isArchived", "properties", "tags")
_REFERENCE = re.compile(r"\$\{\{\s*(inputs|outputs)\.([A-Za-z_]\w*)\s*\}\}")


def check(put: Put) -> None:
    """What Azure ML refuses at once; the words are its own where they are known."""
    properties = put.body["properties"]
    if properties.get("jobType") != "Command":
        raise bad(f"localcloud has no jobs of type {properties.get('jobType')}.", "NotImplemented")
    properties.setdefault("experimentName", "Default")
    properties.setdefault("displayName", put.target.name)
    properties.setdefault("isArchived", False)
    for name in ("properties", "tags"):
        properties.setdefault(name, {})  # always answered: azure-ai-ml looks into them unasked
    _default_output(put)
    if put.old is not None:
        _require_same(put, properties)
        return
    workspace = workspace_of(put.state, put.target.id)
    environment = put.state.store(Resources).find(str(properties["environmentId"]))
    if environment is None or environment.kind != VERSIONS:
        raise _refused(f"Could not find environment {properties['environmentId']}.")
    _check_machines(put, workspace, properties)
    _check_paths(put, workspace.id, properties)
    _check_words(properties)


def _refused(message: str) -> AzureError:
    return bad(message, "UserError")


def _default_output(put: Put) -> None:
    """Every job has an output `default`, which holds its logs and what it puts into ./outputs.

    azure-ai-ml reads the logs of a job there (`list_logs_in_datastore`), so who gives it a place moves them.
    """
    uri = f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{put.target.name}"
    outputs = put.body["properties"].setdefault("outputs", {})
    outputs.setdefault("default", {"jobOutputType": "uri_folder", "mode": "ReadWriteMount", "uri": uri})


def _require_same(put: Put, properties: dict[str, Any]) -> None:
    old = put.old.body["properties"] if put.old else {}
    fixed = {key: value for key, value in properties.items() if key not in _CHANGEABLE}
    if fixed != {key: value for key, value in old.items() if key not in _CHANGEABLE}:
        raise _refused(
            "A job with this name already exists. If you are trying to submit a new job, use a different name. "
            "If you are trying to update an existing job, the existing job's configuration cannot be changed. "
            "Only description, displayName, tags, and isArchived can be updated."
        )


def _check_machines(put: Put, workspace: Resource, properties: dict[str, Any]) -> None:
    resources = properties.get("resources") or {}
    nodes, compute = int(resources.get("instanceCount", 1)), properties.get("computeId")
    if nodes < 1:
        raise _refused("The instance count has to be at least 1.")
    cluster = put.state.store(Resources).find(compute) if compute else None
    if compute and (cluster is None or cluster.kind != COMPUTES):
        raise _refused(f"Could not find compute {compute}.")
    if cluster is not None:
        most = int(cluster.properties["properties"]["scaleSettings"]["maxNodeCount"])
        if nodes > most:
            raise _refused(
                f"The requested node count {nodes} exceeds the maximum node count {most} of compute "
                f"{cluster.name}."
            )
        if (properties.get("queueSettings") or {}).get("jobTier") not in (None, "Null"):
            raise _refused("The job tier is of serverless compute only.")
    elif not resources.get("instanceType"):
        raise _refused("A job without a compute needs an instance type: it runs on serverless compute.")
    else:
        machines.require(resources["instanceType"])
    _check_identity(put, cluster or workspace, properties.get("identity") or {})


def _check_identity(put: Put, owner: Resource, wanted: dict[str, Any]) -> None:
    if wanted.get("identityType") != "Managed" or not wanted.get("clientId"):
        return
    user = identity(put.state, str(wanted["clientId"]))
    if user is None or user.id.lower() not in [id.lower() for id in carried(owner.body)]:
        raise _refused(
            f"The managed identity with client id {wanted['clientId']} is not assigned to "
            f"{owner.kind.rpartition('/')[2]} "
            f"{owner.name}."
        )


def _check_paths(put: Put, workspace: str, properties: dict[str, Any]) -> None:
    for entry in (properties.get("inputs") or {}).values():
        if entry.get("jobInputType") != "literal":
            data.resolve(put.state, workspace, str(entry.get("uri")))
    for name, entry in (properties.get("outputs") or {}).items():
        if not entry.get("uri"):
            entry["uri"] = f"azureml://datastores/workspaceblobstore/paths/azureml/{put.target.name}/{name}/"
        data.resolve(put.state, workspace, str(entry["uri"]))


def _check_words(properties: dict[str, Any]) -> None:
    for side, name in _REFERENCE.findall(properties["command"]):
        if name not in (properties.get(side) or {}):
            raise _refused(f"The command refers to {side}.{name}, which the job does not have.")
    timeout = (properties.get("limits") or {}).get("timeout")
    if timeout is not None and not seconds(str(timeout)):
        raise _refused(f"The timeout {timeout} is not a duration in ISO 8601.")


def made(state: State, resource: Resource) -> None:
    """Begin to run a job that is new."""
    if "job" in resource.kept:
        return
    workspace = workspace_of(state, resource.id)
    job = CommandJob(
        resource.id, resource.name, workspace.id, workspace.location, resource.properties, resource.created
    )
    resource.kept["job"] = job
    runner = state.store(Settings).runner
    if runner is not None:
        from localcloud.azure.ml.run import CommandRun

        job.enter("Starting", state.clock())
        home = runner.home / workspace.location / resource.name
        runner.start(CommandRun(resource.id.lower(), job.label, home, runner, job, state))


def shown(state: State, request: Request, resource: Resource, whole: Document) -> Document:
    """The job with its state and the addresses of its services."""
    job: CommandJob = resource.kept["job"]
    words = resource.id.split("/")
    cloud = clouds.of(job.region)
    studio = f"{cloud.studio}/runs/{resource.name}?wsid=" + "/".join(words[:-2])
    tracking = f"azureml://{job.region}.{cloud.tracking}/mlflow/v1.0{job.workspace}?"
    with job.lock:
        whole["properties"] |= {
            "status": job.state,
            "services": {
                "Tracking": {"jobServiceType": "Tracking", "port": None, "endpoint": tracking, "status": None},
                "Studio": {"jobServiceType": "Studio", "port": None, "endpoint": studio, "status": None},
            },
        }
    return whole


def listed(state: State, request: Request, parent: str, found: list[Resource]) -> Document:
    """The newest first, in pages (Jobs_List)."""
    now, query = state.clock(), request.query
    view = query.get("listViewType", "ActiveOnly")
    kept = [
        one
        for one in sorted(found, key=lambda one: one.created, reverse=True)
        if (not request.lag or now - one.created >= request.lag)
        and (view == "All" or bool(one.properties.get("isArchived")) is (view == "ArchivedOnly"))
        and ("tag" not in query or query["tag"] in (one.properties.get("tags") or {}))
        and query.get("jobType", "Command") == "Command"
    ]
    skip = query.get("$skip", "0")
    if not skip.isdigit():
        raise bad(f"The continuation token {skip} is invalid.", "InvalidContinuationToken")
    start = int(skip)
    answer: Document = {"value": [kinds.document(state, request, one) for one in kept[start : start + PAGE]]}
    if start + PAGE < len(kept):
        others = "&".join(f"{key}={value}" for key, value in query.items() if key != "$skip")
        answer["nextLink"] = f"{state.url}{AZURE}/arm{request.path}?{others}&$skip={start + PAGE}"
    return answer


def cancel(state: State, request: Request, resource: Resource) -> object:
    """Ask a job to stop (Jobs_Cancel); one that has ended stays as it is."""
    job: CommandJob = resource.kept["job"]
    if job.final:
        raise _refused(f"Run {job.name} is in state {job.state} and cannot be canceled.")
    job.enter("CancelRequested", state.clock())
    runner = state.store(Settings).runner
    if runner is not None:
        runner.stop(resource.id.lower())
    return Answer(200)


def require_ended(state: State, resource: Resource) -> None:
    """A job that runs cannot be deleted."""
    job: CommandJob = resource.kept["job"]
    if not job.final:
        raise _refused(f"Run {job.name} is in state {job.state}; cancel it before deleting it.")


def leave(state: State, resource: Resource) -> None:
    """Its workspace goes, and the job with it."""
    runner = state.store(Settings).runner
    if runner is not None:
        runner.stop(resource.id.lower())
