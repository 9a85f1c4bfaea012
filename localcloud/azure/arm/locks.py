"""Management locks: what they keep from being deleted or changed, at their scope and below."""

from __future__ import annotations

from localcloud.azure.arm.store import Resources
from localcloud.azure.errors import conflict

LOCKS = "Microsoft.Authorization/locks"
_KEPT = {"write": ("ReadOnly",), "delete": ("ReadOnly", "CanNotDelete")}


def require_unlocked(resources: Resources, id: str, verb: str) -> None:
    """Raises AzureError when a lock on a resource or above it (or, to delete, inside it) forbids a verb."""
    if f"/{LOCKS}/".lower() in id.lower():
        return
    found = []
    for lock in resources.of(LOCKS):
        scope = lock.id[: lock.id.lower().index(f"/providers/{LOCKS}/".lower())]
        above = f"{id}/".lower().startswith(f"{scope}/".lower())
        inside = verb == "delete" and f"{scope}/".lower().startswith(f"{id}/".lower())
        if (above or inside) and lock.properties.get("level") in _KEPT[verb]:
            found.append(scope)
    if found:
        raise conflict(
            f"The scope '{id}' cannot perform {verb} operation because following scope(s) are locked: "
            f"'{', '.join(sorted(set(found)))}'. Please remove the lock and try again.",
            "ScopeLocked",
        )
