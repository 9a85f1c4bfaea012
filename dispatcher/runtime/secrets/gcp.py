"""Google Cloud: Secret Manager, read as the service account that the job runs with.

Sources: cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access;
cloud.google.com/compute/docs/metadata/querying-metadata (the header that keeps others from being asked).
"""

from __future__ import annotations

import base64
import binascii

from . import endpoints
from .reference import Reference
from .world import Answer, Call, Refused, Unreachable, World, said

_SECONDS = 3.0
_FLAVOR = {"Metadata-Flavor": "Google"}
_NONE = "the job has no credentials of Google Cloud"


class _Reader:
    """Reads secrets."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, reference: Reference) -> str:
        token = self._world.once("gcp", lambda: _token(self._world))
        project, _, name = reference.name.rpartition("/")
        project = project or _project(self._world)
        local = self._world.local("DISPATCH_GCP_ENDPOINT")
        base = f"{local}/secretmanager" if local else endpoints.of("gcp")["api"]
        path = f"projects/{project}/secrets/{name}"
        url = f"{base}/v1/{path}/versions/{reference.detail or 'latest'}:access"
        headers = {"Authorization": f"Bearer {token}"}
        answer = self._world.ask(lambda: Call("GET", url, headers))
        if answer.status != 200:
            raise _refusal(answer, path)
        try:
            return base64.b64decode(answer.document()["payload"]["data"], validate=True).decode()
        except (KeyError, binascii.Error, UnicodeDecodeError) as error:
            raise Refused("its value is binary and no UTF-8 text", "store it as text, such as base64") from error


def reader(world: World) -> _Reader:
    """Return what reads the secrets of `gcp-sm`."""
    return _Reader(world)


def _metadata(world: World, path: str) -> Answer:
    host = world.environment.get("GCE_METADATA_HOST") or endpoints.of("gcp")["metadata"]
    url = f"http://{host}/computeMetadata/v1/{path}"
    try:
        answer = world.ask(lambda: Call("GET", url, _FLAVOR, direct=True, seconds=_SECONDS))
    except Unreachable as gone:
        raise Refused(f"{_NONE} ({gone})", "is the job on Google Cloud?") from gone
    if answer.headers.get("metadata-flavor") != "Google":
        raise Refused(f"{_NONE} ({host} is no metadata server)", "unset GCE_METADATA_HOST: the platform knows it")
    return answer


def _token(world: World) -> str:
    answer = _metadata(world, "instance/service-accounts/default/token")
    token = answer.document().get("access_token")
    if answer.status != 200 or not token:
        raise Refused(f"{_NONE} (the metadata server answered {answer.status})", "give the job a service account")
    return str(token)


def _project(world: World) -> str:
    """The project of a name without one: the job's."""
    if known := world.environment.get("GOOGLE_CLOUD_PROJECT"):
        return known
    answer = _metadata(world, "project/project-id")
    if answer.status != 200:
        raise Refused("nothing says which project it is in", "write gcp-sm://PROJECT/NAME")
    return answer.body.decode("ascii", "replace").strip()


def _refusal(answer: Answer, path: str) -> Refused:
    error = answer.document().get("error")
    error = error if isinstance(error, dict) else {}
    words = said(error.get("status") or answer.status, error.get("message"))
    project, name = path.split("/")[1::2]
    if answer.status == 404:
        command = f"gcloud secrets versions add {name} --project {project} --data-file FILE"
        return Refused(f"there is no such secret, or it has no value yet ({words})", command)
    if answer.status == 403:
        return Refused(f"denied ({words})", "the job's service account needs secretmanager.versions.access on it")
    return Refused(f"the store refused ({words})")
