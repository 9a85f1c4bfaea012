"""How `dispatch` tells the end of a job, and what a user is told to do next."""

from __future__ import annotations

import pytest

from dispatcher.backends.base import State
from dispatcher.errors import ExitCode
from tests.dispatcher.command_line import Run
from tests.dispatcher.doubles import ManualClock, ToyCloud


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_job_that_failed_for_want_of_capacity_ends_every_wait_with_6_and_a_way_on(
    line: Run, cloud: ToyCloud, clock: ManualClock, form: str
) -> None:
    def fail(_: float) -> None:
        name = cloud.sent[-1]
        cloud.reasons[name], cloud.causes[name] = "CapacityError: none left", "capacity"
        cloud.end(name, State.FAILED)

    clock.on_sleep = fail
    said = line("submit", "job.yaml", "--wait", "-o", form)
    id = cloud.sent[-1].split("-")[1]
    assert said.code == ExitCode.CAPACITY
    assert f"error: zone aws-euc1 had no capacity for job {id} (1 x " in said.err
    assert "--set resources.instance" in said.err
    assert said.json["state"] == "failed" if form == "json" else "CapacityError: none left" in said.out
    assert line("wait", id).code == ExitCode.CAPACITY
    assert "dispatch wait" not in said.err
