"""Every lane stays on this machine, and off the user's own accounts, ledger and stacks.

What is guarded (LAUNCHWAY_LIVE=1, for the live lane, turns all of it off):
- Python sockets of the test process: a connection or a name look-up that leaves loopback fails, and fails
  the test even when the code under test swallows the error. gRPC's own sockets are not seen; every gRPC
  server in these tests is on loopback.
- Child processes: proxies lead to a closed port, so what honours them (boto3, Google's clients, Go, curl, pip,
  pulumi) cannot leave, and the machine's metadata service is off. A child that opens raw sockets is not guarded.
- The user's AWS profile, Google and Azure sign-in and other credentials, Pulumi login, ledger and state directory:
  not visible.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.postgres import database, database_url, postgres, sql

__all__ = ["database", "database_url", "postgres", "sql"]  # fixtures

# How long one example takes says more of the machine than of the code.
settings.register_profile("launchway", deadline=None)
settings.load_profile("launchway")

_CLOSED = "http://127.0.0.1:9"
_HIDDEN = (
    *("AWS_", "GOOGLE_", "CLOUDSDK_", "GCLOUD_", "GCE_METADATA_", "STORAGE_EMULATOR_HOST"),
    *("AZURE_", "ARM_", "AZUREML_", "IDENTITY_", "IMDS_", "MSI_"),
    *("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASS", "PGSERVICE", "PGSSL", "PGOPTIONS", "PGAPPNAME"),
    *("DISPATCH_", "LOCALCLOUD_", "PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG"),
)
_KEPT = ("AWS_PLUGIN",)
_LIVES = ("tests/engine/test_life.py", "tests/engine/test_declared.py")

_left: list[str] = []
_state = pytest.StashKey[Path]()


class LeavesLoopback(OSError):
    """A test tried to reach another machine."""


def pytest_configure(config: pytest.Config) -> None:
    """Close the ways out before any test module is imported."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts background commands with Ctrl-C ignored, and so would every child of theirs be.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("LAUNCHWAY_LIVE") == "1":
        return
    for name in [name for name in os.environ if name.startswith(_HIDDEN) and name not in _KEPT]:
        del os.environ[name]
    config.stash[_state] = Path(tempfile.mkdtemp(prefix="launchway-tests-"))
    os.environ.update(
        {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _CLOSED),
            **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), _CLOSED),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_GCE_CHECK": "true",
            "CLOUDSDK_CONFIG": str(config.stash[_state] / "gcloud"),
            "AZURE_CONFIG_DIR": str(config.stash[_state] / "azure"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "XDG_STATE_HOME": str(config.stash[_state]),
        }
    )
    for owner, name, address in (
        (socket.socket, "connect", 1),
        (socket.socket, "connect_ex", 1),
        (socket.socket, "sendto", -1),
        (socket, "getaddrinfo", 0),
    ):
        _guard(owner, name, address)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a file to one worker, and all that read the lives of whole stacks: those are dear."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "lives" if file in _LIVES else file

    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the state directory that the tests had instead of the user's."""
    if state := config.stash.get(_state, None):
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(autouse=True)
def _stays_on_loopback() -> Iterator[None]:
    _left.clear()
    yield
    assert not _left, f"this test reached beyond loopback: {', '.join(_left)}"


def _guard(owner: Any, name: str, position: int) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def guarded(*arguments: Any, **named: Any) -> Any:
        address = arguments[position] if arguments else named.get("host")
        file = owner is socket.socket and arguments[0].family == socket.AF_UNIX
        if not file and not _local(address):
            _left.append(str(address))
            raise LeavesLoopback(f"tests stay on loopback, and this goes to {address}")
        return original(*arguments, **named)

    setattr(owner, name, guarded)


def _local(address: Any) -> bool:
    """Whether an address as sockets take it, or a host as `getaddrinfo` takes it, is this machine."""
    host = address[0] if isinstance(address, tuple) else address
    if host is None or host == "":
        return True  # every address of this machine
    text = host.decode() if isinstance(host, bytes) else str(host)
    with contextlib.suppress(ValueError):
        parsed = ipaddress.ip_address(text.partition("%")[0])
        return parsed.is_loopback or parsed.is_unspecified
    return text == "localhost" or text.endswith(".localhost") or text == socket.gethostname()
