"""The connection of one configured provider: settings, sign-in, calls to Resource Manager and what they start."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.plugin import loopback
from localcloud.plugin.loopback import Answer, Json, Send
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

LOCAL = "DISPATCH_AZURE_ENDPOINT"
IDENTITY = "IDENTITY_ENDPOINT"  # App Service's sign-in of a managed identity (azure-identity takes it over http)
IDENTITY_VERSION = "2019-08-01"
MANAGERS = {  # azcore/cloud: the resource manager of each environment, whose tokens ARM takes
    "public": "https://management.azure.com/",
    "usgovernment": "https://management.usgovcloudapi.net/",
    "china": "https://management.chinacloudapi.cn/",
}
VAULTS = {  # the audience of a vault's tokens: getKeyVaultSuffix in customresources/custom_keyvault.go
    "public": "https://vault.azure.net",
    "usgovernment": "https://vault.usgovcloudapi.net",
    "china": "https://vault.azure.cn",
}
VAULT_VERSION = "7.5"  # learn.microsoft.com/rest/api/keyvault
ENDS = ("Succeeded", "Failed", "Canceled")
PAUSE = 0.05  # seconds between two looks when the service names no time
LONGEST_PAUSE = 2.0  # seconds
RESERVE = 60.0  # seconds before its end when a token is renewed


class ArmError(Exception):
    """ARM answered with an error; its text is what the provider prints."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f'Status={status} Code="{code}" Message="{message}"')
        self.status, self.code = status, code

    @classmethod
    def of(cls, answer: Answer) -> ArmError:
        error = answer.document().get("error") or {}
        return cls(answer.status, str(error.get("code", "")), str(error.get("message", "")))


class Unfinished(Exception):
    """What the service had accepted did not come to a good end: the thing may be there."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The provider's configuration, typed; variables are the provider's own (provider/pkg/provider/auth.go)."""

    subscription: str = ""
    location: str = ""
    environment: str = "public"
    client: str = ""

    @classmethod
    def read(cls, config: Properties) -> Settings:
        def of(name: str, variable: str) -> str:
            return str(config.get(name) or os.environ.get(variable, ""))

        environment = (of("environment", "ARM_ENVIRONMENT") or "public").lower()
        if environment not in MANAGERS:
            raise ProviderError(f"environment {environment!r} was not found: {', '.join(MANAGERS)}")
        subscription = of("subscriptionId", "ARM_SUBSCRIPTION_ID")
        if not subscription:
            raise ProviderError("A Subscription ID must be configured when authenticating to the local cloud")
        return cls(subscription, of("location", "ARM_LOCATION_NAME"), environment, of("clientId", "ARM_CLIENT_ID"))


class Arm:
    """Calls to one subscription's ARM. `send` carries one request; tests put their own in its place."""

    def __init__(
        self, settings: Settings, send: Send = loopback.send, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings = settings
        self.locations: dict[str, str] = {}  # of resource groups, by name
        self._send, self._pause = send, pause
        self._tokens: dict[str, tuple[str, float]] = {}  # resource -> token and when it ends
        self._lock = threading.Lock()

    def token(self, resource: str = "") -> str:
        """A token for a resource, such as `https://management.azure.com/`, which is also the usual one."""
        wanted = resource or MANAGERS[self.settings.environment]
        with self._lock:
            token, end = self._tokens.get(wanted, ("", 0.0))
            if time.time() > end - RESERVE:
                token, end = self._tokens[wanted] = self._signed_in(wanted)
            return token

    def claims(self) -> Json:
        """What the usual token says of whose it is: oid, appid, tid."""
        payload = self.token().split(".")[1]
        found: Json = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return found

    def found(self, id: str, version: str) -> Json | None:
        """What is at an id, None when nothing is."""
        answer = self._call("GET", self.url(id, version))
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise ArmError.of(answer)
        return answer.document()

    def write(self, id: str, version: str, body: Json, seconds: float, query: Json | None = None) -> Json:
        """PUTs and waits for the end; Unfinished when it was accepted and then failed, or took too long."""
        url = self.url(id, version, query)
        answer = self._call("PUT", url, body)
        if answer.status >= 400:
            raise ArmError.of(answer)
        document = answer.document()
        state = (document.get("properties") or {}).get("provisioningState")
        follow = self._operation(answer)
        if follow or answer.status == 202:
            self._wait(follow or url, seconds, bool(follow))
        elif isinstance(state, str) and state not in ENDS and answer.status in (200, 201):
            self._wait(url, seconds, False)
        elif state in ("Failed", "Canceled"):
            raise Unfinished(f"{id} is {state}")
        return document

    def remove(self, id: str, version: str, seconds: float) -> None:
        """DELETEs and waits for the end; what is not there is removed already."""
        answer = self._call("DELETE", self.url(id, version))
        if answer.status == 404:
            return
        if answer.status >= 400:
            raise ArmError.of(answer)
        follow = self._operation(answer)
        if follow and answer.status in (201, 202):
            try:
                self._wait(follow, seconds, True)
            except Unfinished as error:
                raise ProviderError(f"deleting {id}: {error}") from error

    def discard(self, vault: str, noun: str, name: str) -> None:
        """DELETEs a key or secret in its vault, with a token for vaults; what is not there is gone already."""
        url = f"{loopback.local(LOCAL)}/vault/{vault}/{noun}/{name}?api-version={VAULT_VERSION}"
        bearer = self.token(VAULTS[self.settings.environment])
        answer = self._send("DELETE", url, None, {"Authorization": f"Bearer {bearer}"})
        if answer.status >= 400 and answer.status != 404:
            raise ArmError.of(answer)

    def url(self, id: str, version: str, query: Json | None = None) -> str:
        path = urllib.parse.quote(id, safe="/:$()'@!*,;=~")
        more = urllib.parse.urlencode({"api-version": version, **(query or {})})
        return f"{loopback.local(LOCAL)}/arm{path}?{more}"

    def _call(self, method: str, url: str, body: Any = None) -> Answer:
        return self._send(method, url, body, {"Authorization": f"Bearer {self.token()}"})

    def _operation(self, answer: Answer) -> str:
        """Where to follow what an answer started; "" when it is done or says no place."""
        return answer.headers.get("azure-asyncoperation", "") or (
            answer.headers.get("location", "") if answer.status == 202 else ""
        )

    def _wait(self, url: str, seconds: float, operation: bool) -> None:
        """Looks again and again until it is over: a status document, 202 until done, or the thing's own state."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = self._call("GET", url)
            document = answer.document()
            if answer.status >= 400 and not (operation and answer.status == 404):
                raise Unfinished(str(ArmError.of(answer)))
            status = document.get("status") if operation else None
            status = status or (document.get("properties") or {}).get("provisioningState")
            if answer.status != 202 and (not isinstance(status, str) or status in ENDS):
                if status in ("Failed", "Canceled"):
                    error = document.get("error") or {}
                    raise Unfinished(f'Code="{error.get("code", status)}" Message="{error.get("message", "")}"')
                return
            self._pause(_seconds(answer))
        raise Unfinished("operation timed out")

    def _signed_in(self, resource: str) -> tuple[str, float]:
        query = {"resource": resource, "api-version": IDENTITY_VERSION}
        if self.settings.client:
            query["client_id"] = self.settings.client
        url = f"{loopback.local(IDENTITY)}?{urllib.parse.urlencode(query)}"
        answer = self._send("GET", url, None, {"X-IDENTITY-HEADER": os.environ.get("IDENTITY_HEADER", "")})
        if answer.status >= 400:
            raise ProviderError(f"could not sign in: {answer.status} {answer.content.decode(errors='replace')}")
        document = answer.document()
        return str(document["access_token"]), float(document.get("expires_on", 0))


def _seconds(answer: Answer) -> float:
    """How long the service asks to wait."""
    headers = answer.headers
    if "x-ms-retry-after-ms" in headers:
        wanted = float(headers["x-ms-retry-after-ms"]) / 1000
    elif "retry-after" in headers:
        wanted = float(headers["retry-after"])
    else:
        wanted = PAUSE
    return min(wanted, LONGEST_PAUSE)
