"""Who we are on Azure, and its REST: Resource Manager, Azure ML's run history, and blobs.

azure-identity finds and refreshes credentials: those of a service principal or a federated workload, of a managed
identity, or of `az login`; nothing here reads or stores any. Calls are plain REST through azure-core, for
`azure.ai.ml` takes seconds to load and asks for previews of the API.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from dispatcher.backends import standin
from dispatcher.backends.azureml import faults, place
from dispatcher.backends.azureml.caller import Caller
from dispatcher.backends.user_agent import user_agent
from dispatcher.errors import NotInstalledError, UsageError

if TYPE_CHECKING:
    from dispatcher.contract import AzureZone

ENDPOINT = "DISPATCH_AZURE_ENDPOINT"
"""Environment variable: the address of a local cloud that stands in for Azure, for all services at once."""
IDENTITY = "IDENTITY_ENDPOINT"
"""Environment variable: where App Service, and a local cloud, hand out the tokens of managed identities."""
STORAGE = "https://storage.azure.com"
"""Audience of tokens for blobs, the same in every cloud (azure-storage-blob's STORAGE_OAUTH_SCOPE)."""
BLOBS = "2021-08-06"
"""Version of the Blob service's REST API."""

PAUSES = (1.0, 2.0)
"""Seconds before the second and later tries of a call that may be repeated, unless Azure names more."""
PATIENCE = 20.0
"""The longest pause, in seconds, that Azure may ask for."""
CONNECT, READ, CREATE = 10, 20, 60
"""Seconds that one try waits for a connection, for an answer, and for the answer of a create."""
REFRESH = 60
"""Seconds within which azure-identity has a token or gives up, `az` and all."""
SLOWEST = (
    REFRESH
    + 5 * ((len(PAUSES) + 1) * (CONNECT + READ) + len(PAUSES) * PATIENCE)
    + 2 * (CONNECT + CREATE)
    + PATIENCE
)
"""Seconds after which a submission has ended one way or the other: a sign-in, an environment that is put and read,
three looks for the job, all with all their repeats, and two creates with a pause between."""


class Session:
    """Calls of one zone's services for one person. Making it reads nothing; the first call does.

    `sleep` waits between tries.
    """

    def __init__(
        self, zone: AzureZone, *, identity: str, user: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if identity not in ("agent", "ambient"):
            raise UsageError(f"identity is {identity!r}, not agent or ambient")
        self.zone = zone
        self.caller = Caller(zone, identity)
        self.user = user
        self._cloud = place.cloud(zone)
        self._sleep = sleep
        self._credential: Any = None
        self._clients: dict[str, Any] = {}
        self._endpoint: str | None = None

    def arm(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> dict[str, Any]:
        """Call Resource Manager on the resource id `path`. Raises what `faults` makes of a failure.

        `again` says that the call may be made again when its answer was lost or the service was busy. A create
        that may not is given a minute to answer.
        """
        self._open()
        url = f"{self._root('arm', self._cloud.arm)}{quote(path)}"
        asked = {**(query or {}), "api-version": self._cloud.api_version}
        answer = self._answer(operation, method, url, self._cloud.arm, query=asked, body=body, again=again)
        return faults.document(answer, operation, self.caller)

    def history(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> dict[str, Any]:
        """Call run history, Azure ML's own record of what jobs did; `path` is below the workspace."""
        self._open()
        region = self.zone.region
        root = self._root(f"ml/{region}", self._cloud.ml.format(region=region))
        url = f"{root}/history/v1.0{quote(place.workspace_id(self.zone))}/{quote(path)}"
        answer = self._answer(operation, method, url, self._cloud.studio, body=body, again=again)
        return faults.document(answer, operation, self.caller)

    def blobs(
        self,
        operation: str,
        container: str,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        content: bytes | None = None,
    ) -> Any:
        """Read a container, or a blob of it; `container` is its address, `https://<account>.blob.<suffix>/<name>`.

        Returns the answer, whose bytes `iter_raw()` and `read()` bring. Another `method` asks about a blob, or
        writes one, which is then `content`.
        """
        self._open()
        parts = urlsplit(container)
        account = (parts.hostname or "").partition(".")[0]
        root = self._root(f"blob/{account}", f"https://{parts.netloc}")
        url = f"{root}{parts.path}" + (f"/{quote(name)}" if name else "")
        sent = {"x-ms-version": BLOBS, **(headers or {})}
        return self._answer(
            operation, method, url, STORAGE, query=query, headers=sent, content=content, stream=method == "GET"
        )

    def signed(self, operation: str, url: str, *, start: int = 0) -> Any | None:
        """Read what a signed address leads to from byte `start` on; None when there is nothing behind it.

        Such an address is its own proof, so nobody's token goes there. Raises UnreachableError for one that leads
        elsewhere than to the zone's cloud.
        """
        self._open()
        parts = urlsplit(url)
        host = parts.hostname or ""
        ours = standin.loopback(host) if self._endpoint else host.endswith(f".{self._cloud.storage}")
        if not ours or (parts.scheme != "https" and not self._endpoint):
            raise faults.foreign(operation, self.caller)
        headers = {"x-ms-version": BLOBS, **({"Range": f"bytes={start}-"} if start else {})}
        return self._answer(operation, "GET", url, "", headers=headers, stream=True, empty=(416,))

    def _answer(
        self,
        operation: str,
        method: str,
        url: str,
        audience: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        again: bool = True,
        stream: bool = False,
        empty: tuple[int, ...] = (),
    ) -> Any:
        """Make one call and return the answer as azure-core has it, None when its status is in `empty`."""
        from azure.core.rest import HttpRequest

        # azure-core shows tokens to https only, unless it is told in each call that this is this machine.
        options = {"enforce_https": self._endpoint is None} if audience else {}
        for pause in (*PAUSES, None):
            answer = None
            with faults.translated(operation, self.caller):
                try:
                    answer = self._client(audience).send_request(
                        HttpRequest(method, url, params=query, json=body, content=content, headers=headers),
                        stream=stream,
                        connection_timeout=CONNECT,
                        read_timeout=CREATE if content is not None or (method == "PUT" and not again) else READ,
                        **options,
                    )
                    if answer.status_code >= 300:
                        answer.read()
                except Exception as error:
                    if not again or pause is None or not faults.passing(error):
                        raise
            if answer is not None:
                if answer.status_code < 300:
                    return answer
                if answer.status_code in empty:
                    return None
                if not again or pause is None or not faults.busy(answer):
                    raise faults.of_answer(answer, operation, self.caller)
            self._sleep(max(pause or 0, min(faults.retry_after(answer), PATIENCE)))
        raise AssertionError("the last try returns or raises")

    def local(self) -> bool:
        """Tell whether a local cloud stands in for Azure."""
        self._open()
        return self._endpoint is not None

    def token(self) -> str:
        """Return a token for Resource Manager, which registries take too. Raises AuthError and friends."""
        with faults.translated("GetToken", self.caller):
            self._open()
            return str(self._credential.get_token(f"{self._cloud.arm}/.default").token)

    def _root(self, local: str, real: str) -> str:
        return f"{self._endpoint}/{local}" if self._endpoint else real

    def _open(self) -> None:
        """Find out whose cloud this is, and who we are there; nobody is asked yet. Raises UsageError."""
        if self._credential is None:
            self._endpoint = standin.address(os.environ.get(ENDPOINT), ENDPOINT, "Azure")
            check_side(self._endpoint)
            try:
                self._credential = self._signed_in()
            except ImportError as error:
                raise NotInstalledError("azure", error) from error

    def _signed_in(self) -> Any:
        import logging

        from azure import identity
        from azure.core.pipeline.transport import RequestsTransport

        # Its own warnings would go to the terminal where nobody listens, beside our error that says it better.
        logging.getLogger("azure").addHandler(logging.NullHandler())
        if self._endpoint:
            # Of the local cloud only: the usual chain would go on to the person's own sign-in.
            direct = RequestsTransport(use_env_settings=False)
            return identity.ManagedIdentityCredential(client_id=self.caller.client, transport=direct)
        named = {}
        if client := self.caller.client:
            named = {"managed_identity_client_id": client, "workload_identity_client_id": client}
        return identity.DefaultAzureCredential(authority=self._cloud.authority, process_timeout=30, **named)

    def _client(self, audience: str) -> Any:
        """The pipeline of one audience: its calls show a token for that; for an empty one they show none."""
        if audience not in self._clients:
            from azure.core import PipelineClient
            from azure.core.pipeline import policies
            from azure.core.pipeline.transport import RequestsTransport
            from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

            person = policies.HeadersPolicy({"User-Agent": user_agent(self.user)})
            told: list[Any] = [policies.RequestIdPolicy(), person]
            if audience:
                told.append(ARMChallengeAuthenticationPolicy(self._credential, f"{audience}/.default"))
            # A proxy has no business between us and ourselves.
            transport = RequestsTransport(use_env_settings=self._endpoint is None)
            self._clients[audience] = PipelineClient(audience, policies=told, transport=transport)
        return self._clients[audience]


def check_side(local: str | None) -> None:
    """Refuse to show a token of Azure's to whatever listens on this machine, or one of a local cloud to Azure.

    A local cloud hands out its tokens itself, as App Service does; App Service's own address is on its machine
    too, so what tells them apart is the path. Raises UsageError.
    """
    source = os.environ.get(IDENTITY, "")
    if local and not (source.rstrip("/") == f"{local}/identity" and os.environ.get("IDENTITY_HEADER")):
        raise UsageError(
            f"{ENDPOINT} leads to a local cloud, and the credentials found here are not of one",
            f"run it as `localcloud run -- dispatch ...`, or unset {ENDPOINT} to reach Azure",
        )
    if not local and urlsplit(source).path.startswith("/_azure/"):
        raise UsageError(
            f"the credentials found here are of a local cloud, and {ENDPOINT} is not set",
            f"run it as `localcloud run -- dispatch ...`, or unset {IDENTITY}",
        )
