"""aiplatform.googleapis.com: the custom-job methods of JobService, over REST."""

from __future__ import annotations

from typing import Any

from localcloud.gcp import enablement, times
from localcloud.gcp.api import Api, Request, Route
from localcloud.gcp.errors import GoogleError, info
from localcloud.gcp.state import State, is_project
from localcloud.gcp.vertex import listing, proto, rules
from localcloud.gcp.vertex.jobs import CustomJobs, filled
from localcloud.gcp.vertex.record import CustomJob
from localcloud.gcp.vertex.world import Stores
from localcloud.place import NUMBER

HOST = "aiplatform.googleapis.com"
_EMPTY = "type.googleapis.com/google.protobuf.Empty"


def create(state: State, request: Request) -> object:
    """customJobs.create. It is not idempotent: the same request again is another job."""
    location = _location(state, request, "create")
    rules.place(location)
    message = proto.read(request.body)
    with state.lock:
        jobs = state.store(CustomJobs)
        job = CustomJob(jobs.number(location), location, message, request.body, state.clock())
        rules.check(job, Stores(state), images=jobs.check_images)
        filled(message)
        # The answer is the job as it was made, whatever becomes of it while it is written.
        answer = job.document(integers=listing.integers_asked(request))
        jobs.start(job)
    return answer


def get(state: State, request: Request) -> object:
    return _find(state, request, "get").document(integers=listing.integers_asked(request))


def list_jobs(state: State, request: Request) -> object:
    location = _location(state, request, "list")
    with state.lock:
        found = state.store(CustomJobs).in_location(location, request.lag)
    return listing.jobs(request, found)


def cancel(state: State, request: Request) -> object:
    """customJobs.cancel: begun, not done, when it is answered."""
    job = _find(state, request, "cancel")
    with state.lock:
        state.store(CustomJobs).cancel(job)
    return {}


def delete(state: State, request: Request) -> object:
    """customJobs.delete: a long-running operation that is over at once."""
    job = _find(state, request, "delete")
    with state.lock:
        state.store(CustomJobs).delete(job)
    now = times.write(state.clock())
    return {
        "name": f"projects/{NUMBER}/locations/{job.location}/operations/{job.id}",
        "metadata": {
            "@type": "type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata",
            "genericMetadata": {"createTime": now, "updateTime": now},
        },
        "done": True,
        "response": {"@type": _EMPTY},
    }


def _find(state: State, request: Request, verb: str) -> CustomJob:
    location = _location(state, request, verb)
    with state.lock:
        return state.store(CustomJobs).find(location, request.names["name"].rpartition("/")[2])


def _location(state: State, request: Request, verb: str) -> str:
    """The location in the path. Raises GoogleError for another project, or one without the API."""
    name = request.names.get("parent") or request.names["name"]
    parts = name.split("/")
    if not is_project(parts[1]):
        permission = f"aiplatform.customJobs.{verb}"
        detail = info("IAM_PERMISSION_DENIED", HOST, permission=permission, resource=name)
        raise GoogleError(
            "PERMISSION_DENIED",
            f"Permission '{permission}' denied on resource '//{HOST}/{name}' (or it may not exist).",
            details=[detail],
        )
    enablement.require(state, HOST)
    return parts[3]


_PARENT = "/v1/{parent=projects/*/locations/*}/customJobs"
_NAME = "/v1/{name=projects/*/locations/*/customJobs/*}"


def _routes() -> list[Route]:
    methods: list[tuple[str, str, str, Any]] = [
        ("POST", _PARENT, "CreateCustomJob", create),
        ("GET", _PARENT, "ListCustomJobs", list_jobs),
        ("GET", _NAME, "GetCustomJob", get),
        ("DELETE", _NAME, "DeleteCustomJob", delete),
        ("POST", f"{_NAME}:cancel", "CancelCustomJob", cancel),
    ]
    return [Route(*method) for method in methods]


API = Api(_routes())
