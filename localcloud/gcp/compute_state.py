"""What Compute Engine keeps: things by their paths, and operations on them."""

from __future__ import annotations

import base64
import copy
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.api import Request
from localcloud.gcp.documents import Document
from localcloud.gcp.errors import GoogleError
from localcloud.gcp.names import now, own
from localcloud.gcp.operations import Operations, Pending
from localcloud.gcp.state import PROJECT, State

HOST = "https://www.googleapis.com/compute/v1"


@dataclass(frozen=True)
class Collection:
    """One collection: `name` in the API's methods, `type` of its bodies, `word` in errors, `noun` in paths."""

    name: str
    type: str
    word: str
    noun: str

    def region(self, request: Request) -> str:
        return request.names.get("region", "")

    def parent(self, request: Request) -> str:
        """`projects/p/global/networks` or `projects/p/regions/r/subnetworks`."""
        own(request.names["project"])
        region = self.region(request)
        place = f"regions/{region}" if region else "global"
        return f"projects/{PROJECT}/{place}/{self.noun}"

    def path(self, request: Request) -> str:
        variable = next(name for name in request.names if name not in ("project", "region"))
        return f"{self.parent(request)}/{request.names[variable]}"


@dataclass
class Things:
    """Things by path, such as `projects/p/global/networks/n`. Hold `state.lock` while changing them."""

    state: State
    by_path: dict[str, Document] = field(default_factory=dict)

    def get(self, path: str) -> Document:
        """Raises GoogleError for what is not there."""
        found = self.by_path.get(path)
        if found is None:
            raise GoogleError("NOT_FOUND", f"The resource '{path}' was not found")
        return found

    def refer(self, reference: str, field: str) -> str:
        """The path behind a reference in a body. Raises GoogleError for one that is none or leads nowhere."""
        path = path_of(reference)
        if path is None:
            raise GoogleError(
                "INVALID_ARGUMENT",
                f"Invalid value for field 'resource.{field}': '{reference}'. The URL is malformed.",
            )
        self.get(path)
        return path

    def under(self, parent: str) -> list[Document]:
        prefix = parent + "/"
        return [one for path, one in sorted(self.by_path.items()) if path.startswith(prefix)]

    def fresh(self, kind: str, path: str) -> Document:
        """What the service gives every new thing."""
        return {
            "kind": kind,
            "id": str(secrets.randbelow(9 * 10**18) + 10**18),
            "creationTimestamp": now(self.state),
            "selfLink": f"{HOST}/{path}",
            "fingerprint": _fingerprint(),
        }

    def touch(self, found: Document) -> None:
        """A change renews the fingerprint."""
        found["fingerprint"] = _fingerprint()


# Types whose documents have no fingerprint (the discovery document's schemas).
PLAIN = frozenset({"compute#network", "compute#firewall", "compute#address", "compute#route", "compute#router"})


def shown(found: Document) -> Document:
    kept = copy.deepcopy(found)
    if kept["kind"] in PLAIN:
        del kept["fingerprint"]
    if kept["kind"] in ("compute#address", "compute#forwardingRule"):
        kept["labelFingerprint"] = found["fingerprint"]
    return kept


def path_of(reference: str) -> str | None:
    """The path in a full or partial URL; None when it is neither."""
    found = re.search(r"(?:^|/)projects/([^/]+)/((?:global|regions/[^/]+)/[^/]+/[^/]+)$", reference)
    if found is None:
        return None
    own(found[1])
    return f"projects/{PROJECT}/{found[2]}"


def operation(state: State, verb: str, path: str, request: Request) -> Document:
    """The operation that a change answers with; its work is done already."""
    operations = state.store(Operations)
    region = request.names.get("region", "")
    place = f"projects/{PROJECT}/regions/{region}" if region else f"projects/{PROJECT}/global"
    name = f"operation-{secrets.token_hex(12)}"
    moment = now(state)
    target: dict[str, Any] = state.store(Things).by_path.get(path, {})
    done: Document = {
        "kind": "compute#operation",
        "id": str(secrets.randbelow(9 * 10**18) + 10**18),
        "name": name,
        "operationType": verb,
        "targetLink": f"{HOST}/{path}",
        "targetId": target.get("id", "0"),
        "status": "DONE",
        "progress": 100,
        "insertTime": moment,
        "startTime": moment,
        "endTime": moment,
        "selfLink": f"{HOST}/{place}/operations/{name}",
    }
    if region:
        done["region"] = f"{HOST}/{place}"
    operations.by_name[f"compute/{name}"] = Pending(done, operations.polls)
    return {**done, "status": "RUNNING", "progress": 0} if operations.polls else done


def _fingerprint() -> str:
    return base64.b64encode(secrets.token_bytes(8)).decode()
