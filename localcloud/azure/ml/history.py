"""Run history, Azure ML's data plane: what came of a run, and signed addresses of its logs.

Its form is that of azure-ai-ml's own client for it (`_restclient/runhistory`: Run, RunDetails).
"""

from __future__ import annotations

from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm.store import Document, Resource, Resources, written
from localcloud.azure.blob import access
from localcloud.azure.errors import AzureError, in_json
from localcloud.azure.ml import logs
from localcloud.azure.ml.jobs import JOBS
from localcloud.azure.ml.record import CommandJob
from localcloud.azure.ml.workspaces import WORKSPACES
from localcloud.azure.plane import Plane, Request, Route, routed
from localcloud.azure.settings import require_reach
from localcloud.azure.state import PERSON, TENANT, State
from localcloud.place import AZURE


def _workspace(state: State, request: Request) -> Resource:
    names = request.names
    id = (
        f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}/providers/{WORKSPACES}/"
        f"{names['workspace']}"
    )
    found = state.store(Resources).find(id)
    if found is None or found.location != names["region"]:
        raise AzureError(404, "UserError", f"Workspace {names['workspace']} was not found in {names['region']}.")
    # As reported in MicrosoftDocs/azure-docs#90426.
    words = "Access to workspace was denied based on workspace private link configuration."
    outside = AzureError(403, "UserError", words)
    require_reach(state, found.properties, outside)
    return found


def _find(state: State, workspace: Resource, run: str) -> CommandJob:
    found = state.store(Resources).find(f"{workspace.id}/jobs/{run}")
    if found is None or found.kind != JOBS:
        raise AzureError(404, "UserError", f"Run {run} was not found.")
    job: CommandJob = found.kept["job"]
    return job


def _job(state: State, request: Request) -> CommandJob:
    return _find(state, _workspace(state, request), request.names["run"])


def _run(job: CommandJob) -> Document:
    properties = job.properties
    with job.lock:
        document: Document = {
            "runId": job.name,
            "rootRunId": job.name,
            "runType": "azureml.Job",
            "displayName": job.label,
            "status": job.state,
            "createdUtc": written(job.created),
            "startTimeUtc": written(job.started) if job.started else None,
            "endTimeUtc": written(job.ended) if job.ended else None,
            "target": str(properties.get("computeId") or "serverless").rpartition("/")[2],
            "tags": dict(properties.get("tags") or {}),
            "properties": dict(properties.get("properties") or {}),
            "createdBy": {"userObjectId": PERSON, "userTenantId": TENANT},
        }
        if job.error:
            code, message = job.error
            document["error"] = {"error": {"code": code, "message": message}, "time": written(job.ended or 0)}
    return document


def get_run(state: State, request: Request) -> object:
    """Runs_Get."""
    with state.lock:
        return _run(_job(state, request))


def get_details(state: State, request: Request) -> object:
    """Runs_GetDetails: with the logs there are so far."""
    with state.lock:
        job = _job(state, request)
        at = logs.folder(state, job)
        files = {
            name: access.address(state, at.account, at.container, f"{at.path}/{name}") for name in sorted(job.logs)
        }
        return {**_run(job), "logFiles": files, "warnings": []}


def batch(state: State, request: Request) -> object:
    """Many runs at once (Run_BatchGetRunData): what is not there is told beside what is."""
    good: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    with state.lock:
        workspace = _workspace(state, request)
        for key, wanted in (request.body.get("requests") or {}).items():
            try:
                good[key] = {"runMetadata": _run(_find(state, workspace, str(wanted.get("runId"))))}
            except AzureError as error:
                missing[key] = {"error": error.document}
    return {"successfulResults": good, "failedResults": missing}


def _audiences(state: State, request: Request) -> tuple[str, ...]:
    """Resource Manager's or Azure ML's, of the cloud that the region is in."""
    cloud = clouds.of(request.region)
    return (*cloud.managers, cloud.studio)


def discover(state: State, request: Request) -> object:
    """Where the data plane of a region is, as a workspace's `discoveryUrl` tells it."""
    base = f"{state.url}{AZURE}/ml/{request.names['region']}"
    names = (
        "api",
        "history",
        "experimentation",
        "executionService",
        "mlflow",
        "modelmanagement",
        "projectcontent",
    )
    return dict.fromkeys(names, base)


_AT = (
    "/{region}/history/v1.0/subscriptions/{subscription}/resourceGroups/{group}/providers/"
    "Microsoft.MachineLearningServices/workspaces/{workspace}/runs/{run}"
)
_BATCH = _AT.removesuffix("/runs/{run}") + "/batchrundata"
_BY_EXPERIMENT = _AT.replace("/runs/", "/experiments/{experiment}/runs/")
PLANE = Plane(
    routed(
        "runhistory",
        [
            Route("GET", "/{region}/discovery", "Discover", discover),
            Route("POST", _BATCH, "BatchGetRunData", batch),
            Route("GET", _AT, "GetRun", get_run),
            Route("GET", _AT + "/details", "GetRunDetails", get_details),
            Route("GET", _BY_EXPERIMENT, "GetRun", get_run),
            Route("GET", _BY_EXPERIMENT + "/details", "GetRunDetails", get_details),
        ],
    ),
    in_json,
    _audiences,
    lambda state, request: request.operation == "Discover",  # which anybody may ask
)
