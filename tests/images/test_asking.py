"""Who cannot ask a registry still submits: the job goes on, and hears why nobody looked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dispatcher.errors import AuthError, DispatchError, NotInstalledError, UnreachableError, UsageError
from dispatcher.images import asking
from dispatcher.images.login import Login
from dispatcher.images.transport import ENDPOINT, Transport
from tests.images.test_resolving import JOB, MACHINE, zone


@dataclass
class Cloud:
    """A backend whose first word is an error, or that stands in for the real one."""

    error: DispatchError | None = None

    def local(self) -> bool:
        if self.error:
            raise self.error
        return True

    def registry_login(self, host: str, calls: Transport) -> Login:
        raise AssertionError("nobody asked for it")


@pytest.mark.parametrize(
    "error",
    [AuthError("not signed in"), UnreachableError("gone"), NotInstalledError("aws"), UsageError("the wrong side")],
)
def test_what_keeps_us_from_asking_is_a_warning(error: DispatchError) -> None:
    found = asking.ask(JOB, zone(), "z", MACHINE, Cloud(error), "ada")
    assert found.job is JOB
    (warning,) = found.warnings
    assert "could not be looked at" in warning
    assert error.message in warning


def test_a_local_cloud_has_no_registry_and_a_backend_without_one_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    for backend in (Cloud(), object()):
        assert asking.ask(JOB, zone(), "z", MACHINE, backend, "ada") == (JOB, ())
