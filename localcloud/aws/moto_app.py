"""moto behind `Call` and `Answer`: every AWS service but SageMaker."""

from __future__ import annotations

import io
import os
import threading
from typing import Any
from urllib.parse import unquote

from localcloud.place import ACCOUNT, HOST
from localcloud.server.wire import Answer, Call

_SETTINGS = {
    # The host name is a loopback address, never `bucket.host`.
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # 12 MB of machine images that nobody here starts.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}
WARM = ("sts", "s3", "iam", "kms", "logs", "ecr", "ec2")
"""Loaded in the background after the start, in the order a session usually needs them."""


class Moto:
    """The moto server application. moto is not thread-safe and never waits, so calls take turns."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._application: Any = None

    def warm(self) -> None:
        """Load the usual services, letting waiting calls in between."""
        for service in WARM:
            with self.lock:
                self._load().get_application(
                    {"PATH_INFO": "/", "HTTP_HOST": HOST, "HTTP_AUTHORIZATION": _scope(service)}
                )

    def __call__(self, call: Call) -> Answer:
        with self.lock:
            application = self._load()
            started: list[Any] = []
            chunks = application(_environ(call), lambda status, headers, *_: started.extend((status, headers)))
            try:
                body = b"".join(chunks)
            finally:
                if close := getattr(chunks, "close", None):
                    close()
        status, headers = started
        return Answer(int(status.split()[0]), tuple(headers), body)

    def backend(self, service: str, region: str) -> Any:
        """moto's own store of a service, for questions the front has to ask; hold `lock` while using it."""
        with self.lock:
            self._load()
            from moto.backends import get_backend

            return get_backend(service)[ACCOUNT][region]  # type: ignore[call-overload]  # moto's literals

    def _load(self) -> Any:
        if self._application is None:
            os.environ.update(_SETTINGS)
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            from localcloud.aws import moto_gaps

            moto_gaps.fill()
            self._application = DomainDispatcherApplication(create_backend_app)
        return self._application


def _scope(service: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request"


def _environ(call: Call) -> dict[str, Any]:
    """The WSGI environment of a call, with moto's note of headers whose names hold underscores."""
    from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY

    path, _, query = call.target.partition("?")
    host, _, port = call.host.partition(":")
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        # WSGI carries the path's bytes as Latin-1 (PEP 3333).
        "PATH_INFO": unquote(path, encoding="latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": call.target,
        "RAW_URI": call.target,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(call.body)),
    }
    underscored: dict[str, str] = {}
    for name, value in call.headers:
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            continue
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
            if "_" in name:
                underscored.setdefault(key, name)
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["HTTP_HOST"] = call.host
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = underscored
    return environ
