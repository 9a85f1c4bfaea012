"""Where a job finds a secret: bare names are the zone's own, as bare image names are the zone's images."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AzureZone

SCHEME = "azure-kv://"


def vault(zone: AzureZone) -> str:
    """Return the name of the zone's key vault, which its address begins with."""
    return (urlsplit(zone.secrets.store).hostname or "").partition(".")[0]


def resolve(name: str, reference: str, zone: AzureZone, findings: Findings) -> str:
    """Return the reference that the zone's execution identity can read: a secret of its vault.

    `name` is the job's name for it. A secret of another vault is left as it is with a warning: the job would
    start, be billed, and then be denied, unless somebody gave the identity that right.
    """
    if not reference.startswith(SCHEME):
        return reference
    store, slash, secret = reference.removeprefix(SCHEME).rpartition("/")
    if not slash:
        store = vault(zone)
    elif store.lower() != vault(zone):
        findings.warn(
            f"secrets.{name} is in the vault {store}, not in {vault(zone)}: the zone's execution identity may not "
            "read it (a bare name is looked up in the zone's own vault)"
        )
    return f"{SCHEME}{store}/{secret}"
