"""Whether a service account may read a secret: the roles it was given on the secret and on the project.

Other permissions are not evaluated: such a denial has to be asked for as a fault. The person at the keyboard may
all. Source: cloud.google.com/iam/docs/conditions-overview, /conditions-attribute-reference (resource.name has the
project's number).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from localcloud.gcp import key
from localcloud.gcp.cloudresourcemanager import NAME as PROJECT_POLICY
from localcloud.gcp.documents import Documents
from localcloud.gcp.errors import denied
from localcloud.gcp.names import canonical
from localcloud.gcp.policies import Policies
from localcloud.gcp.state import NUMBER, PROJECT, State
from localcloud.gcp.tokens import TESTING

ACCESS = "secretmanager.versions.access"
_STARTS = re.compile(r'resource\.name\.startsWith\("([^"]+)"\)')


@functools.cache
def _predefined() -> Mapping[str, list[str]]:
    """Google's own roles that hold a permission."""
    text = (Path(__file__).parent / "data" / "secret_roles.json").read_text()
    table: Mapping[str, list[str]] = json.loads(text)["permissions"]
    return table


def require_access(state: State, holder: str, version: str) -> None:
    """Raises GoogleError when an account may not read a version of a secret; `version` is its resource name."""
    name = canonical(version)
    secret = name.partition("/versions/")[0]
    if holder in (TESTING, key.EMAIL):
        return
    policies = state.store(Policies)
    bindings = [
        *policies.get(f"//secretmanager.googleapis.com/{secret}").get("bindings", []),
        *policies.get(PROJECT_POLICY).get("bindings", []),
    ]
    if not _granted(state, bindings, f"serviceAccount:{holder}", name):
        message = f"Permission '{ACCESS}' denied for resource '{name}' (or it may not exist)."
        raise denied(message, ACCESS, "iam")


def _granted(state: State, bindings: Iterable[Mapping[str, Any]], member: str, name: str) -> bool:
    return any(
        member in one.get("members", [])
        and _holds(one.get("condition"), name)
        and _allows(state, str(one["role"]))
        for one in bindings
    )


def _allows(state: State, role: str) -> bool:
    """Whether a role of Google's or of the project's holds the permission."""
    if role in _predefined()[ACCESS]:
        return True
    own = state.store(Documents).find("iam", canonical(role)) or {}
    return not own.get("deleted") and ACCESS in own.get("includedPermissions", [])


def _holds(condition: Mapping[str, Any] | None, name: str) -> bool:
    """Whether a condition lets a resource through: one on how its name begins is understood, no other is."""
    if condition is None:
        return True
    found = _STARTS.fullmatch(str(condition.get("expression", "")).strip())
    numbered = name.replace(f"projects/{PROJECT}/", f"projects/{NUMBER}/", 1)
    return found is not None and numbered.startswith(found[1])
