"""Who we are on Google Cloud: whatever the user is signed in as, becoming the zone's agent service account.

google-auth finds and refreshes credentials (gcloud's, a service account's, a workload's federation); nothing here
reads or stores any. Calls are plain REST, so no SDK is loaded: `google.cloud.aiplatform` alone takes seconds.
"""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatcher.backends import standin
from dispatcher.backends.user_agent import user_agent
from dispatcher.backends.vertex import faults
from dispatcher.backends.vertex.caller import Caller
from dispatcher.errors import NotInstalledError, UsageError

if TYPE_CHECKING:
    from dispatcher.contract import GcpZone

ENDPOINT = "DISPATCH_GCP_ENDPOINT"
"""Environment variable: the address of a local cloud that stands in for Google, for all services at once."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before the second and later tries of a call that may be repeated."""
CONNECT, READ, CREATE = 10, 20, 60
"""Seconds that one try waits for a connection, for an answer, and for the answer of a create."""
REFRESH = 30
"""Seconds that google-auth waits for a token; it tries three times, for the user's and for the agent's."""
SLOWEST = 2 * 3 * REFRESH + 3 * ((len(PAUSES) + 1) * (CONNECT + READ) + sum(PAUSES)) + 2 * (CONNECT + CREATE)
"""Seconds after which a submission has ended one way or the other: become the agent, two creates, three lists."""


class Session:
    """Calls of one zone's services for one person. Making it reads nothing; the first call does.

    `sleep` waits between tries.
    """

    def __init__(
        self, zone: GcpZone, *, identity: str, user: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if identity not in ("agent", "ambient"):
            raise UsageError(f"identity is {identity!r}, not agent or ambient")
        self.zone = zone
        self.caller = Caller(zone, identity)
        self.user = user
        self._sleep = sleep
        self._http: Any = None
        self._endpoint: str | None = None
        self._ask: Any = None

    def call(
        self,
        operation: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> dict[str, Any]:
        """Make one call and return its JSON; with a body it is a POST. Raises what `faults` makes of a failure.

        `again` says that the call may be made again when its answer was lost or the service was busy. One that
        may not is given a minute to answer.
        """
        answer = self.answer(operation, service, path, query=query, body=body, again=again)
        return faults.document(answer, operation, self.caller)

    def answer(
        self,
        operation: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        accepted: tuple[int, ...] = (),
        again: bool = True,
        stream: bool = False,
    ) -> Any:
        """Make one call and return the answer as requests has it; its status is below 400, or one of `accepted`.

        With a body of JSON, or with `content`, it is a POST.
        """
        method = "GET" if body is None and content is None else "POST"
        for pause in (*PAUSES, None):
            with faults.translated(operation, self.caller):
                http = self._session()
                url = f"{self._root(service)}/{path}"
                answer = None
                try:
                    answer = http.request(
                        method,
                        url,
                        params=query,
                        json=body,
                        data=content,
                        headers=headers,
                        stream=stream,
                        timeout=(CONNECT, READ if again and content is None else CREATE),
                    )
                except Exception as error:
                    if not again or pause is None or not faults.passing(error):
                        raise
            if answer is not None:
                if answer.status_code < 400 or answer.status_code in accepted:
                    return answer
                if not again or pause is None or not faults.busy(answer):
                    raise faults.of_answer(answer, operation, self.caller)
            self._sleep(pause or 0)
        raise AssertionError("the last try returns or raises")

    def local(self) -> bool:
        """Tell whether a local cloud stands in for Google."""
        self._session()
        return self._endpoint is not None

    def token(self) -> str:
        """Return the access token that calls show, renewed when it ends soon. Raises AuthError and friends."""
        with faults.translated("GenerateAccessToken", self.caller):
            http = self._session()
            if not http.credentials.valid:
                http.credentials.refresh(self._ask)
            return str(http.credentials.token)

    def _root(self, service: str) -> str:
        if self._endpoint:
            return f"{self._endpoint}/{service}"
        host = f"{self.zone.region}-aiplatform" if service == "aiplatform" else service
        return f"https://{host}.googleapis.com"

    def _session(self) -> Any:
        if self._http is None:
            self._http = self._open()
        return self._http

    def _open(self) -> Any:
        try:
            from google.auth.transport import requests as transport
            from requests import Session as Http
        except ImportError as error:
            raise NotInstalledError("gcp", error) from error
        self._endpoint = standin.address(os.environ.get(ENDPOINT), ENDPOINT, "Google Cloud")
        tokens = Http()
        tokens.trust_env = self._endpoint is None  # a proxy has no business between us and ourselves
        self._ask = ask = functools.partial(transport.Request(tokens), timeout=REFRESH)
        credentials = signed_in(ask)
        _check_side(credentials, self._endpoint)
        if self.caller.identity == "agent":
            credentials = self._agent(credentials, ask)
        elif not self._endpoint and _lacks_project(credentials):
            # A person's own credentials are billed to a project of their choice; without one Google refuses.
            credentials = credentials.with_quota_project(self.zone.project)
        authorized: Any = transport.AuthorizedSession  # google-auth types only parts of itself
        http = authorized(_plain(credentials) if self._endpoint else credentials, auth_request=ask)
        http.trust_env = tokens.trust_env
        http.headers["User-Agent"] = user_agent(self.user)
        return http

    def _agent(self, source: Any, ask: Any) -> Any:
        """Return credentials of the zone's agent, renewed before they end; the user's own when they are that."""
        from google.auth import impersonated_credentials

        agent = self.zone.identities.agent
        if getattr(source, "service_account_email", None) == "default":
            source.refresh(ask)  # a machine's account has a name only once it has been asked
        if getattr(source, "service_account_email", None) == agent:
            return source
        override = None
        if self._endpoint:
            path = f"v1/projects/-/serviceAccounts/{agent}:generateAccessToken"
            override = f"{self._endpoint}/iamcredentials/{path}"
        become: Any = impersonated_credentials.Credentials
        return become(source, agent, [SCOPE], iam_endpoint_override=override)


def signed_in(ask: Any) -> Any:
    """Return the Application Default Credentials: a file when there is one, else what the machine is.

    `google.auth.default` finds the same, and then looks for a project, which nobody here needs: it starts `gcloud`
    for a person, which takes a second, calls Resource Manager for a workload, and warns when there is none.
    """
    import google.auth
    from google.auth import credentials

    file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or _of_gcloud()
    if not file:
        return google.auth.default(scopes=[SCOPE], request=ask)[0]
    with warnings.catch_warnings():
        # That a person names no project to bill is seen to in `_open`; that others' files are not safe is known.
        warnings.simplefilter("ignore")
        load: Any = google.auth.load_credentials_from_file
        found = load(file, request=ask)[0]
    scoped: Any = credentials.with_scopes_if_required
    return scoped(found, [SCOPE])


def _of_gcloud() -> str | None:
    """The file that `gcloud auth application-default login` writes, if it is there."""
    usual = Path(os.environ["APPDATA"]) if "APPDATA" in os.environ else Path("~/.config").expanduser()
    file = Path(os.environ.get("CLOUDSDK_CONFIG") or usual / "gcloud") / "application_default_credentials.json"
    return str(file) if file.is_file() else None


def _check_side(credentials: Any, local: str | None) -> None:
    """Refuse to show a token of Google's to whatever listens on this machine, or one of a local cloud to Google.

    Whose they are shows in where their tokens come from, which is known before one is asked for.
    Raises UsageError.
    """
    issuer = urlsplit(getattr(credentials, "_token_uri", None) or "").hostname or ""
    if local and not standin.loopback(issuer):
        raise UsageError(
            f"{ENDPOINT} leads to a local cloud, and the credentials found here are not of one",
            f"run it as `localcloud run -- dispatch ...`, or unset {ENDPOINT} to reach Google Cloud",
        )
    if not local and standin.loopback(issuer):
        raise UsageError(
            f"the credentials found here are of a local cloud, and {ENDPOINT} is not set",
            "run it as `localcloud run -- dispatch ...`, or unset GOOGLE_APPLICATION_CREDENTIALS",
        )


def _lacks_project(credentials: Any) -> bool:
    """Whether these are a person's, and name no project to bill (a service account brings its own)."""
    from google.oauth2.credentials import Credentials

    return isinstance(credentials, Credentials) and not credentials.quota_project_id


def _plain(credentials: Any) -> Any:
    """Return credentials that do nothing but bring a token.

    Google's own also ask iamcredentials.googleapis.com, in the background, where a token may be used from
    (google-auth 2.62, "Regional Access Boundary"): a call that would leave this machine.
    """
    from google.auth import credentials as auth

    class Plain(auth.Credentials):
        def refresh(self, request: Any) -> None:
            credentials.refresh(request)
            self.token, self.expiry = credentials.token, credentials.expiry

    made: Any = Plain
    return made()
