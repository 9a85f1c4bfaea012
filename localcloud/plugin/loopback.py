"""HTTP to the local cloud, and to nothing else: one call and its answer, errors included."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

from localcloud.plugin.provider import ProviderError

HOSTS = ("127.0.0.1", "localhost", "::1")
SECONDS = 60.0  # for one call
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    def document(self) -> Json:
        """The content as a JSON object; {} when it is empty or something else."""
        try:
            found = json.loads(self.content or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


Send = Callable[[str, str, Any, Mapping[str, str]], Answer]
"""method, URL, body (None for none), headers -> answer. Tests put their own in the place of `send`."""


def send(method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
    """One call; ProviderError when nobody answers or the host is no loopback one."""
    if urllib.parse.urlsplit(url).hostname not in HOSTS:
        raise ProviderError(f"the stand-in plugin calls loopback only, not {url}")
    data = None if body is None else json.dumps(body).encode()
    kind = {} if data is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, {**kind, **headers}, method=method)
    try:
        with DIRECT.open(request, timeout=SECONDS) as answer:
            return Answer(int(answer.status), _lower(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers), error.read())
    except OSError as error:
        raise ProviderError(f'{method} "{url}": {error}') from error


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def local(variable: str) -> str:
    """Where the local cloud is, by the environment, with no slash at the end. ProviderError if it does not say."""
    found = os.environ.get(variable, "")
    if not found:
        raise ProviderError(f"the stand-in plugin works on the local cloud only: {variable} is not set")
    return found.rstrip("/")
