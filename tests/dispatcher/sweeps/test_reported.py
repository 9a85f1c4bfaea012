"""The metric line: found behind what logging libraries write, and nowhere where it is none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.sweeps import reported
from dispatcher.sweeps.reported import Reported


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("dispatch-metric loss=0.5", {"loss": Reported(0.5)}),
        ("2026-11-21 08:00:00 INFO root: dispatch-metric loss=1e-3 step=20", {"loss": Reported(0.001, 20)}),
        (
            "dispatch-metric val/loss=0.5  acc.top1=-.9 step=3\r",
            {"val/loss": Reported(0.5, 3), "acc.top1": Reported(-0.9, 3)},
        ),
        ("dispatch-metric loss=low step=3", {}),
        ("dispatch-metric loss = 0.5", {}),
        ("dispatch-metric loss=0.5 and more", {}),
        ("a-dispatch-metric loss=0.5", {}),
        ("dispatch-metrics loss=0.5", {}),
        ("loss=0.5", {}),
        ("dispatch-metric", {}),
        (f"dispatch-metric loss=0.5{' ' * 5000}", {}),
    ],
)
def test_a_line_says_what_it_says(line: str, found: dict[str, Reported]) -> None:
    assert reported.last([line]) == found


def test_what_is_said_last_of_a_name_counts() -> None:
    lines = ["dispatch-metric loss=3 acc=0.1", "epoch 2", "dispatch-metric loss=2", "dispatch-metric loss=nan"]
    found = reported.last(lines)
    assert found["acc"] == Reported(0.1)
    assert math.isnan(found["loss"].value)
    assert not reported.finite(found["loss"])


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 10**12))
def test_every_number_comes_back_as_it_was_printed(value: float, step: int) -> None:
    assert reported.last([f"x dispatch-metric loss={value!r} step={step}"]) == {"loss": Reported(value, step)}


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    assert all(isinstance(said, Reported) for said in reported.last([f"dispatch-metric {text}", text]).values())
