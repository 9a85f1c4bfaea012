"""Run history, Azure ML's data plane: what came of a run, and signed addresses of its logs.

Its form is that of azure-ai-ml's own client for it (`_restclient/runhistory`: Run, RunDetails).
"""

from __future__ import annotations

from localcloud.azure.arm.store import Document, Resources, written
from localcloud.azure.blob import access
from localcloud.azure.errors import AzureError, in_json
from localcloud.azure.ml import logs
from localcloud.azure.ml.jobs import JOBS
from localcloud.azure.ml.record import CommandJob
from localcloud.azure.ml.workspaces import WORKSPACES
from localcloud.azure.plane import Plane, Request, Route, routed
from localcloud.azure.state import PERSON, TENANT, State


def _job(state: State, request: Request) -> CommandJob:
    names = request.names
    workspace = (
        f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}/providers/{WORKSPACES}/"
        f"{names['workspace']}"
    )
    found = state.store(Resources).find(workspace)
    if found is None or found.location != names["region"]:
        raise AzureError(404, "UserError", f"Workspace {names['workspace']} was not found in {names['region']}.")
    run = state.store(Resources).find(f"{workspace}/jobs/{names['run']}")
    if run is None or run.kind != JOBS:
        raise AzureError(404, "UserError", f"Run {names['run']} was not found.")
    job: CommandJob = run.kept["job"]
    return job


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
        store = state.store(Resources).get(f"{job.workspace}/datastores/workspaceartifactstore").properties
        where = str(store["accountName"]), str(store["containerName"])
        files = {name: access.address(state, *where, f"{logs.folder(job)}/{name}") for name in sorted(job.logs)}
        return {**_run(job), "logFiles": files, "warnings": []}


_AT = (
    "/{region}/history/v1.0/subscriptions/{subscription}/resourceGroups/{group}/providers/"
    "Microsoft.MachineLearningServices/workspaces/{workspace}/runs/{run}"
)
_BY_EXPERIMENT = _AT.replace("/runs/", "/experiments/{experiment}/runs/")
PLANE = Plane(
    routed(
        "runhistory",
        [
            Route("GET", _AT, "GetRun", get_run),
            Route("GET", _AT + "/details", "GetRunDetails", get_details),
            Route("GET", _BY_EXPERIMENT, "GetRun", get_run),
            Route("GET", _BY_EXPERIMENT + "/details", "GetRunDetails", get_details),
        ],
    ),
    in_json,
    ("https://management.azure.com", "https://management.core.windows.net", "https://ml.azure.com"),
)
