"""The connection of one configured provider: settings, addresses of the APIs, calls and their operations."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.plugin import loopback
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.settings import parsed
from localcloud.plugin.values import Properties

# The provider's own variables, in its order (pulumi-gcp provider/resources.go, terraform-provider-google config).
PROJECT = ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
REGION = ("GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION")
ZONE = ("GOOGLE_ZONE", "GCLOUD_ZONE", "CLOUDSDK_COMPUTE_ZONE")
TOKEN = ("GOOGLE_OAUTH_ACCESS_TOKEN",)
LOCAL = "DISPATCH_GCP_ENDPOINT"
ATTRIBUTION = "goog-pulumi-provisioned"  # pulumi-gcp patches/0006-Rename-default-provisioning-label
POLLS = 200  # of an operation
PAUSE = 0.05  # seconds between polls

Json = dict[str, Any]


class ApiError(Exception):
    """An API answered with an error."""

    def __init__(self, status: int, message: str, reason: str) -> None:
        super().__init__(f"googleapi: Error {status}: {message}" + (f", {reason}" if reason else ""))
        self.status, self.message, self.reason = status, message, reason


@dataclass(frozen=True, slots=True)
class Settings:
    """The provider's configuration, typed. `endpoints` by setting, such as `kmsCustomEndpoint`."""

    project: str = ""
    region: str = ""
    zone: str = ""
    token: str = ""
    deletion_policy: str = ""
    default_labels: Mapping[str, str] = field(default_factory=dict)
    attribution: str = "CREATION_ONLY"
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, config: Properties, types: Mapping[str, str]) -> Settings:
        values = {name: parsed(value, types.get(name, "string")) for name, value in config.items()}
        labelled = values.get("addPulumiAttributionLabel", True)
        strategy = values.get("pulumiAttributionLabelAdditionStrategy") or "CREATION_ONLY"
        if strategy not in ("CREATION_ONLY", "PROACTIVE"):
            raise ProviderError(f'unrecognized terraform_attribution_label_addition_strategy "{strategy}"')
        return cls(
            project=values.get("project") or _variable(PROJECT),
            region=values.get("region") or _variable(REGION),
            zone=values.get("zone") or _variable(ZONE),
            token=values.get("accessToken") or _variable(TOKEN),
            deletion_policy=values.get("deletionPolicy") or "",
            default_labels=dict(values.get("defaultLabels") or {}),
            attribution=strategy if labelled else "",
            endpoints={name: value for name, value in values.items() if name.endswith("CustomEndpoint") and value},
        )


def _variable(names: tuple[str, ...]) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


class Gcp:
    """Calls to the APIs of one provider. `send` carries one request; tests put their own in its place."""

    def __init__(self, settings: Settings, send: Callable[..., tuple[int, bytes]] | None = None) -> None:
        self.settings = settings
        self._send = send or _sent
        self._token = settings.token
        self._lock = threading.Lock()
        self.policies = threading.Lock()  # one read-modify-write of a policy at a time, as the provider's mutex

    @property
    def project(self) -> str:
        if not self.settings.project:
            raise ProviderError("project: required field is not set")
        return self.settings.project

    def base(self, endpoint: str, usual: str) -> str:
        """Where an API is: the setting's address, the variable's, or its place on the local cloud."""
        camel = _camel(endpoint)
        given = self.settings.endpoints.get(camel) or os.environ.get(f"GOOGLE_{endpoint.upper()}")
        if given:
            if urllib.parse.urlsplit(given).hostname not in loopback.HOSTS:
                raise ProviderError(f"the stand-in plugin calls loopback only: {camel} is {given}")
            return given if given.endswith("/") else given + "/"
        local = os.environ.get(LOCAL)
        if not local:
            raise ProviderError(f"the stand-in plugin works on the local cloud only: set {camel}, or {LOCAL}")
        host, _, path = usual.removeprefix("https://").partition("/")
        return f"{local.rstrip('/')}/{host.partition('.')[0]}/{path}"

    def call(self, method: str, url: str, body: Any = None) -> Json:
        """One call; raises ApiError for an error answer, ProviderError when nobody answers."""
        status, content = self._send(method, url, body, self._bearer())
        document: Json = json.loads(content) if content.strip() else {}
        if status < 400:
            return document
        error = document.get("error", {})
        listed = error.get("errors") or [{}]
        reason = listed[0].get("reason") or (error.get("status", "") if not error.get("errors") else "")
        raise ApiError(status, str(error.get("message", "")), str(reason))

    def found(self, url: str) -> Json | None:
        """What is at a URL, None when nothing is."""
        try:
            return self.call("GET", url)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def finished(self, base: str, operation: Json, what: str) -> Json:
        """Waits for an operation of either kind; its response. An answer that is none is given back as it is."""
        for _ in range(POLLS):
            if operation.get("kind") == "compute#operation":
                done, url = operation.get("status") == "DONE", operation["selfLink"].partition("/compute/v1/")[2]
            elif "/operations/" in operation.get("name", "") or operation.get("name", "").startswith(
                "operations/"
            ):
                done, url = bool(operation.get("done")), operation["name"]
            else:
                return operation
            if done:
                break
            time.sleep(PAUSE)
            operation = self.call("GET", base + url)
        else:
            raise ProviderError(
                f"Error waiting to create {what}: timeout while waiting for state to become 'done'"
            )
        if error := operation.get("error"):
            raise ProviderError(f"Error waiting for {what}: {error}")
        response: Json = operation.get("response", {})
        return response

    def _bearer(self) -> str:
        with self._lock:
            if not self._token:
                self._token = _default_token()
            return self._token


def _default_token() -> str:
    import google.auth
    import google.auth.transport.requests

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    try:
        credentials, _ = google.auth.default(scopes=scopes)
        credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]  # google-auth
    except google.auth.exceptions.GoogleAuthError as error:
        raise ProviderError(f"failed to load application credentials: {error}") from error
    return str(credentials.token)


def _sent(method: str, url: str, body: Any, token: str) -> tuple[int, bytes]:
    answer = loopback.send(method, url, body, {"Authorization": f"Bearer {token}"})
    return answer.status, answer.content


def quoted(value: Any) -> str:
    return urllib.parse.quote(str(value), safe="")


def _camel(name: str) -> str:
    words = name.split("_")
    return words[0] + "".join(word.capitalize() for word in words[1:])
