"""Where a job finds a secret: bare names are the zone's own, as bare image names are the zone's images."""

from __future__ import annotations

from dispatcher.backends.findings import Findings
from dispatcher.contract import GcpZone

SCHEME = "gcp-sm://"


def resolve(name: str, reference: str, zone: GcpZone, findings: Findings) -> str:
    """Return the reference that the zone's execution account can read: a secret of its project, `<store>-...`.

    `name` is the job's name for it. A secret of another name is left as it is with a warning: the job would
    start, be billed, and then be denied, unless somebody gave the account that right.
    """
    store = zone.secrets.store
    if not reference.startswith(SCHEME):
        return reference
    project, slash, secret = reference.removeprefix(SCHEME).rpartition("/")
    if not slash:
        project, secret = zone.project, secret if secret.startswith(f"{store}-") else f"{store}-{secret}"
    elif project not in (zone.project, zone.project_number) or not secret.startswith(f"{store}-"):
        findings.warn(
            f"secrets.{name} is not {zone.project}/{store}-...: the zone's execution account may not read it (a "
            f"bare name is looked up as {store}-NAME)"
        )
    return f"{SCHEME}{project}/{secret}"
