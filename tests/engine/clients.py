"""How the lane reads the local clouds: boto3 clients, and the REST paths of Google's APIs."""

from __future__ import annotations

import functools
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from localcloud import Cloud


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
