"""A local cloud of one's own for the length of a `with` block: what tests and scripts use."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from localcloud import control, process
from localcloud.jobs.images import Images
from localcloud.place import AZURE, DEFAULT_REGION, GOOGLE, HOST, Place, Server


class Refused(Exception):
    """An API of Google's or Azure's answered with an error: `status` is HTTP's, `error` what it says, decoded."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        try:
            self.error: Any = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            self.error = text


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running local cloud."""

    place: Place
    server: Server

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment for a subprocess."""
        return self.place.environment(self.server)

    def client(self, service: str, region: str = DEFAULT_REGION, **options: Any) -> Any:
        """A boto3 client of this cloud that reads nothing of the user's own AWS configuration.

        `options` go to `boto3.Session.client`; an own `config` and own credentials are honoured.
        """
        import boto3
        from botocore.config import Config
        from botocore.session import Session

        # As (configuration key, environment variable, default): neither a variable nor a file is asked.
        unread = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        session = Session(session_vars={name: (None, None, value, None) for name, value in unread.items()})
        # S3 Control puts the account before the host name, which nothing resolves: the server is its proxy.
        proxies = {"http": self.url} if service == "s3control" else {}
        ours = Config(
            proxies=proxies,
            retries={"mode": "standard", "max_attempts": 3},
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
        )
        theirs = options.pop("config", None)
        credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.Session(botocore_session=session, region_name=region).client(
            service,
            endpoint_url=self.url,
            config=ours.merge(theirs) if theirs else ours,
            **(credentials | options),
        )

    def google(self, method: str, path: str, body: object = None, *, token: str = "testing") -> Any:
        """Call an API of Google's: `path` is `<service>/<the API's real path>`, `body` and the answer are JSON.

        Raises Refused.
        """
        return self._call(method, f"{GOOGLE}/{path}", body, token)

    def azure(self, method: str, path: str, body: object = None, *, token: str = "testing") -> Any:
        """Call Azure: `path` is `<plane>/<the real path and query>`, `body` and the answer are JSON.

        The token `testing` is the signed-in person's. Raises Refused.
        """
        return self._call(method, f"{AZURE}/{path}", body, token)

    def _call(self, method: str, path: str, body: object, token: str) -> Any:
        connection = http.client.HTTPConnection(HOST, self.server.port, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"} | (
                {"Authorization": f"Bearer {token}"} if token else {}
            )
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise Refused(response.status, text.decode(errors="replace"))
        return json.loads(text or b"null")

    def fault(self, kind: str, **rest: Any) -> int:
        """Put a fault in force (localcloud.server.faults.Fault) and return its number. Raises ControlError."""
        number: int = control.call(self.server, "POST", "/faults", {"kind": kind, **rest})["id"]
        return number

    def faults(self) -> list[dict[str, Any]]:
        """The faults still in force."""
        found: list[dict[str, Any]] = control.call(self.server, "GET", "/faults")
        return found

    def clear(self) -> None:
        """Take every fault back and forget the requests seen so far."""
        control.call(self.server, "DELETE", "/faults")
        control.call(self.server, "DELETE", "/requests")

    def requests(self, service: str = "", operation: str = "") -> list[dict[str, Any]]:
        """The calls seen, oldest first: `service`, `operation`, `region`, `body` (JSON as it came), `parameters`
        (that, and what path and query say), `status` (0: no answer was sent) and the `fault` that met it."""
        query = urlencode({"service": service, "operation": operation})
        found: list[dict[str, Any]] = control.call(self.server, "GET", f"/requests?{query}")
        return found

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings of the server and return all: `check_images`, `inside`, `stop_seconds`."""
        now: dict[str, Any] = control.call(self.server, "POST", "/settings", changes)
        return now

    @property
    def images(self) -> Images:
        """Which local folder stands for which image."""
        return Images(self.place.images)


@contextlib.contextmanager
def running(root: Path, port: int = 0) -> Iterator[Cloud]:
    """Start a local cloud in `root` (made if missing) and end it, with its jobs, when the block ends.

    A server that already runs there is used and left running.
    """
    place = Place(root.absolute())
    up = process.up(place, port)
    try:
        yield Cloud(place, up.server)
    finally:
        if up.started:
            process.down(place)
