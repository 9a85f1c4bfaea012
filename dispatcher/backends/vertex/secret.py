"""Where a job finds a secret: bare names are the zone's own, as bare image names are the zone's images."""

from __future__ import annotations

from dispatcher.backends.findings import Findings
from dispatcher.contract import GcpZone

SCHEME = "gcp-sm://"


def resolve(name: str, reference: str, zone: GcpZone, findings: Findings) -> str:
    """Return the reference that the zone's execution account can read: a secret of its own project.

    `name` is the job's name for it. A secret of another project is left as it is with a warning: the job would
    start, be billed, and then be denied, unless somebody gave the account that right.
    """
    store = zone.secrets.store
    if not reference.startswith(SCHEME):
        return reference
    path = reference.removeprefix(SCHEME)
    project, slash, _ = path.partition("/")
    if not slash:
        return f"{SCHEME}{store}/{path}"
    if project not in (store, zone.project_number):
        findings.warn(
            f"secrets.{name} is in project {project}: the zone's execution account may not read it (a bare name "
            f"is looked up as {store}/NAME)"
        )
    return reference
