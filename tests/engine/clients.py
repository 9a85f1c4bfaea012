"""How the lane reads the local clouds: boto3 clients, and the REST paths of Google's and Azure's APIs."""

from __future__ import annotations

import functools
import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from collections.abc import Mapping
from typing import Any

from localcloud import Cloud
from localcloud.place import SUBSCRIPTION

# The subscription that every resource of the local Azure belongs to, as ids begin.
SUBSCRIBED = f"/subscriptions/{SUBSCRIPTION}"
# The api-version that each namespace of Azure's is asked in; a type that needs another has a row of its own.
_VERSIONS = {
    "microsoft.authorization": "2022-04-01",
    "microsoft.consumption": "2024-08-01",
    "microsoft.containerregistry": "2023-01-01-preview",
    "microsoft.insights/components": "2020-02-02",
    "microsoft.insights": "2021-05-01-preview",
    "microsoft.keyvault": "2024-11-01",
    "microsoft.machinelearningservices": "2025-12-01",
    "microsoft.managedidentity": "2023-01-31",
    "microsoft.network/privatednszones": "2024-06-01",
    "microsoft.network": "2024-05-01",
    "microsoft.operationalinsights": "2023-09-01",
    "microsoft.storage": "2024-01-01",
}
_RESOURCES = "2024-03-01"


@functools.lru_cache(maxsize=256)
def client(cloud: Cloud, service: str, region: str) -> Any:
    """A boto3 client of this cloud, made at the first call: making one costs more than all the lane asks of it."""
    return cloud.client(service, region)


def google(
    cloud: Cloud,
    service: str,
    path: str,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    method: str = "",
) -> dict[str, Any]:
    """What `https://<service>.googleapis.com<path>` would answer; with a `body` it is a POST unless told.

    Raises `urllib.error.HTTPError`, with the API's own words in its message.
    """
    url = f"{cloud.url}/_gcp/{service}{urllib.parse.quote(path, safe='/:@~')}"
    asked = urllib.request.Request(
        f"{url}?{urllib.parse.urlencode(query)}" if query else url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer testing", "Content-Type": "application/json"},
        method=method or ("GET" if body is None else "POST"),
    )
    try:
        with urllib.request.urlopen(asked) as answer:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        error.msg = f"{error.reason}: {asked.get_method()} {path}: {error.read().decode()}"
        raise
    return found


def listed(cloud: Cloud, service: str, path: str, where: str, query: Mapping[str, str] | None = None) -> list[Any]:
    """Everything that a list of an API of Google holds, page after page; `where` is the key it stands under."""
    found: list[Any] = []
    asked = dict(query or {})
    while True:
        page = google(cloud, service, path, asked)
        found += page.get(where, [])
        if not (token := page.get("nextPageToken")):
            return found
        asked["pageToken"] = token


def azure(
    cloud: Cloud,
    id: str,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    method: str = "",
) -> dict[str, Any]:
    """What Azure Resource Manager answers about a resource, or a list, by its id; with a `body` it is a PUT.

    Raises `localcloud.cloud.Refused`.
    """
    asked = urllib.parse.urlencode({"api-version": _version(id), **(query or {})})
    path = f"arm{urllib.parse.quote(id, safe='/()')}?{asked}"
    found: dict[str, Any] = cloud.azure(method or ("GET" if body is None else "PUT"), path, body) or {}
    return found


def _version(id: str) -> str:
    """By the last provider that an id names; the core's own when it names none."""
    words = id.lower().rpartition("/providers/")[2].split("/") if "/providers/" in id.lower() else []
    kind = "/".join(words[:2])
    return _VERSIONS.get(kind) or _VERSIONS.get(kind.partition("/")[0], _RESOURCES)


def azure_listed(cloud: Cloud, id: str, query: Mapping[str, str] | None = None) -> list[Any]:
    """Everything that a list of Resource Manager holds, page after page."""
    page = azure(cloud, id, query)
    found = list(page.get("value", []))
    while link := page.get("nextLink"):
        page = cloud.azure("GET", link.partition("/_azure/")[2])
        found += page.get("value", [])
    return found


def blobs(cloud: Cloud, account: str, container: str, prefix: str) -> list[str]:
    """The names of the blobs below a prefix, as a list of Azure's storage gives them (one page)."""
    asked = urllib.parse.urlencode({"restype": "container", "comp": "list", "prefix": prefix})
    url = f"{cloud.url}/_azure/blob/{account}/{container}?{asked}"
    headers = {"Authorization": "Bearer testing", "x-ms-version": "2021-08-06"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        names = xml.etree.ElementTree.fromstring(answer.read()).iter("Name")
        return [str(name.text) for name in names]
