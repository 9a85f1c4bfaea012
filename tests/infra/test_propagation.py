"""After a role is made, wait until it is there: as long as it takes, and never longer than half a minute."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.aws.propagation import assumable, visible
from infra.propagation import PAUSES, Clock, until, wait


class Cloud:
    """Answers `refusals` times with `code`, then well."""

    def __init__(self, refusals: int, code: str) -> None:
        self.refusals, self.code, self.calls = refusals, code, 0

    def _answer(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls <= self.refusals:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "AssumeRole")
        return {}

    assume_role = get_role = _answer


def waited() -> tuple[list[float], Clock]:
    slept: list[float] = []
    return slept, Clock(slept.append)


def test_a_role_that_is_there_costs_one_question_and_no_waiting() -> None:
    slept, clock = waited()
    cloud = Cloud(0, "AccessDenied")
    assert until(lambda: assumable(cloud, "arn"), clock)
    assert (cloud.calls, slept) == (1, [])


def test_a_role_that_comes_late_is_asked_for_again() -> None:
    slept, clock = waited()
    cloud = Cloud(3, "AccessDenied")
    assert until(lambda: assumable(cloud, "arn"), clock)
    assert (cloud.calls, slept) == (4, [1.0, 2.0, 4.0])


def test_a_role_that_never_comes_is_given_up_after_half_a_minute() -> None:
    slept, clock = waited()
    assert not until(lambda: visible(Cloud(99, "NoSuchEntity"), "name"), clock)
    assert sum(slept) == sum(PAUSES) == 31.0


def test_another_error_is_not_mistaken_for_waiting() -> None:
    with pytest.raises(ClientError):
        assumable(Cloud(1, "ExpiredToken"), "arn")
    with pytest.raises(ClientError):
        visible(Cloud(1, "Throttling"), "name")


def test_a_connection_that_breaks_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", told.append)
    broken = iter([ConnectionResetError("gone"), TimeoutError("slow")])

    def ready() -> bool:
        for error in broken:
            raise error
        return True

    slept, clock = waited()
    wait(ready, "not there", clock)
    assert (slept, told) == ([1.0, 2.0], [])


def test_whoever_cannot_ask_is_told_at_once_and_the_update_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", told.append)

    def ready() -> bool:
        raise RuntimeError("nobody is signed in")

    slept, clock = waited()
    wait(ready, "not there yet", clock)
    assert (slept, told) == ([], ["not there yet (asking failed: nobody is signed in)"])
