"""Agents on a toy cloud: a manual clock that also stands for the one nobody sets, and a script of what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.agent.loop import Agent
from dispatcher.api import Dispatcher
from tests.dispatcher.doubles import ManualClock

Make = Callable[..., Agent]


@pytest.fixture
def lines() -> list[str]:
    """What agents said."""
    return []


@pytest.fixture
def make(clock: ManualClock, lines: list[str]) -> Make:
    """Put an agent together on a dispatcher; its machine's steady clock goes as the manual one does."""

    def made(dispatcher: Dispatcher, **given: Any) -> Agent:
        return dispatcher.agents.make(**{"steady": clock, "write": lines.append, "name": "one", **given})

    return made


def stops(agent: Agent, clock: ManualClock, when: Callable[[], bool], rounds: int = 2000) -> None:
    """Stop the agent when something is true, looked at whenever it sleeps; fail when it never is."""

    def look(seconds: float) -> None:
        nonlocal rounds
        rounds -= 1
        assert rounds, "the agent sleeps on and on"
        if when():
            agent.stop()

    clock.on_sleep = look
