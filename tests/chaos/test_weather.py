"""What the weather of a chaos run does when nobody makes the calls that its faults wait for."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from tests.chaos import weather


class Quiet:
    """A cloud at which nobody calls, so that each fault stays in force. Ends a wait for `enough` of them."""

    def __init__(self, enough: int) -> None:
        self.enough, self.given = enough, 0
        self.in_force: list[str] = []
        self.reached = threading.Event()

    def faults(self) -> list[str]:
        return self.in_force

    def fault(self, kind: str, **how: Any) -> None:
        self.in_force.append(kind)
        self.given += 1
        if self.given >= self.enough:
            self.reached.set()

    def clear(self) -> None:
        self.in_force.clear()


def test_faults_that_nobody_meets_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weather, "EVERY", 0.0005)
    cloud = Quiet(enough=3 * weather.AT_ONCE)
    with weather.Weather(cast("Any", cloud), ("sagemaker",), seed=1):
        assert cloud.reached.wait(20), f"only {cloud.given} faults came"
    assert cloud.in_force == []
