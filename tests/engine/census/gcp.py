"""Everything that exists on the local Google Cloud, service by service."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError

from localcloud import Cloud
from localcloud.place import PROJECT
from tests.engine.clients import google, listed

BILLING = "012345-6789AB-CDEF01"  # the account that budgets of the tests are on
# (service, path, where the answer lists things). `{p}` is the project, `{r}` the region.
_LISTS: tuple[tuple[str, str, str], ...] = (
    ("storage", "/storage/v1/b", "items"),
    ("artifactregistry", "/v1/{p}/locations/{r}/repositories", "repositories"),
    ("iam", "/v1/{p}/serviceAccounts", "accounts"),
    ("iam", "/v1/{p}/roles", "roles"),
    ("iam", "/v1/{p}/locations/global/workloadIdentityPools", "workloadIdentityPools"),
    ("compute", "/compute/v1/{p}/global/networks", "items"),
    ("compute", "/compute/v1/{p}/global/firewalls", "items"),
    ("compute", "/compute/v1/{p}/global/addresses", "items"),
    ("compute", "/compute/v1/{p}/global/forwardingRules", "items"),
    ("compute", "/compute/v1/{p}/global/routes", "items"),
    ("compute", "/compute/v1/{p}/regions/{r}/subnetworks", "items"),
    ("compute", "/compute/v1/{p}/regions/{r}/networkAttachments", "items"),
    ("compute", "/compute/v1/{p}/regions/{r}/routers", "items"),
    ("compute", "/compute/v1/{p}/regions/{r}/addresses", "items"),
    ("dns", "/dns/v1/{p}/managedZones", "managedZones"),
    ("dns", "/dns/v1/{p}/policies", "policies"),
    ("logging", "/v2/{p}/locations/-/buckets", "buckets"),
    ("logging", "/v2/{p}/sinks", "sinks"),
    ("logging", "/v2/{p}/exclusions", "exclusions"),
    ("billingbudgets", "/v1/billingAccounts/" + BILLING + "/budgets", "budgets"),
    ("monitoring", "/v3/{p}/notificationChannels", "notificationChannels"),
    ("secretmanager", "/v1/{p}/secrets", "secrets"),
    ("aiplatform", "/v1/{p}/locations/{r}/customJobs", "customJobs"),
)


def census(cloud: Cloud, region: str) -> dict[str, list[str]]:
    """`{service.thing: names}` of the local project, without what an untouched project holds.

    What cannot be deleted is not counted: key rings and keys (their versions are destroyed instead), what is
    only a reserved name, and services that stay enabled.
    """
    found: dict[str, list[str]] = {}
    for service, path, where in _LISTS:
        query = {"project": PROJECT} if service == "storage" else {}
        things = _listed(cloud, service, path.format(p=f"projects/{PROJECT}", r=region), where, query)
        kind = path.rpartition("/")[2] if where == "items" else where
        if names := sorted(_name(thing) for thing in things if not _untouched(service, thing)):
            found[f"{service}.{kind}"] = names
    return found | _keys(cloud, region) | _bindings(cloud)


def _listed(cloud: Cloud, service: str, path: str, where: str, query: dict[str, str] | None = None) -> list[Any]:
    try:
        return listed(cloud, service, path, where, query)
    except HTTPError as error:
        if "it is disabled" not in error.msg:
            raise
        return []  # an API that was never enabled has nothing to tell


def _name(thing: Any) -> str:
    return str(thing.get("name") or thing.get("email"))


def _untouched(service: str, thing: Any) -> bool:
    """Whether the project had it before anyone did anything, or it is only the memory of something gone."""
    name = _name(thing).rpartition("/")[2]
    if service == "logging":
        return name in ("_Default", "_Required") or thing.get("lifecycleState") == "DELETE_REQUESTED"
    if service == "iam":
        return bool(thing.get("deleted")) or thing.get("state") == "DELETED" or name.startswith("developer@")
    return False


def _keys(cloud: Cloud, region: str) -> dict[str, list[str]]:
    """Keys that still have a version which encrypts or can be restored at once."""
    place = f"projects/{PROJECT}/locations/{region}"
    living = [
        key["name"]
        for ring in _listed(cloud, "cloudkms", f"/v1/{place}/keyRings", "keyRings")
        for key in _listed(cloud, "cloudkms", f"/v1/{ring['name']}/cryptoKeys", "cryptoKeys")
        for version in _listed(cloud, "cloudkms", f"/v1/{key['name']}/cryptoKeyVersions", "cryptoKeyVersions")
        if version["state"] == "ENABLED"
    ]
    return {"cloudkms.cryptoKeys": sorted(set(living))} if living else {}


def _bindings(cloud: Cloud) -> dict[str, list[str]]:
    """What the project's own policy still says."""
    policy = google(cloud, "cloudresourcemanager", f"/v1/projects/{PROJECT}:getIamPolicy", body={"options": {}})
    # What a service agent of Google's needs for its own work stays with the service, which stays enabled.
    bindings = [one for one in policy.get("bindings", []) if not one["role"].endswith(".serviceAgent")]
    roles = [f"{one['role']} {member}" for one in bindings for member in one["members"]]
    configs = [config["service"] for config in policy.get("auditConfigs", [])]
    found = {"project.bindings": sorted(roles), "project.auditConfigs": sorted(configs)}
    return {where: things for where, things in found.items() if things}
