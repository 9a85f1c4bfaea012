"""Where a job finds a secret: bare names are the zone's own, as bare image names are the zone's images."""

from __future__ import annotations

from dispatcher.backends.findings import Findings
from dispatcher.contract import AwsZone

SCHEME, PARAMETERS = "aws-sm://", "ssm://"


def resolve(name: str, reference: str, zone: AwsZone, findings: Findings) -> str:
    """Return the reference that the zone's execution role can read; it may read `<store>/*` and nothing else.

    `name` is the job's name for it. A whole ARN, a name under another prefix and a parameter are left as they are
    with a warning: the job would start, be billed, and then be denied, unless somebody gave the role that right.
    """
    store = zone.secrets.store
    if reference.startswith(PARAMETERS):
        findings.warn(
            f"secrets.{name} is in Parameter Store: the zone's execution role may not read it unless somebody "
            f"gave it ssm:GetParameter, and a private zone has no way there of its own ({SCHEME}NAME has both)"
        )
    if not reference.startswith(SCHEME):
        return reference
    path = reference.removeprefix(SCHEME).rpartition(":secret:")[2]
    if "/" not in path:
        if path == reference.removeprefix(SCHEME):
            return f"{SCHEME}{store}/{path}"
    elif path.startswith(f"{store}/"):
        return reference
    findings.warn(
        f"secrets.{name} is not under {store}/: the zone's execution role may not read it (a bare name is "
        f"looked up as {store}/NAME)"
    )
    return reference
