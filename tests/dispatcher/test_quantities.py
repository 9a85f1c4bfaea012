"""Durations and sizes: what is understood, what is refused, and that time in words stays short and true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.clock import moment, stamp
from dispatcher.documents.quantities import gibibytes, human_duration, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("12h", 43_200),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("3600", 3600),
        ("0.5s", 1),
    ],
)
def test_a_duration_is_seconds(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "12:30", "1 h", "h", "-1h", "1y", "1h30", "1e3", "\uff11h", "9" * 13, "1h" * 30]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8Gi", 8), ("8GiB", 8), ("512Mi", 0.5), ("1Ti", 1024), ("100GB", 93.132), ("1.5 Gi", 1.5)],
)
def test_a_size_is_gibibytes(text: str, expected: float) -> None:
    assert gibibytes(text) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("text", ["8", "", "Gi", "8gb", "-8Gi", "8Pi", "8 G i", "1e3Gi"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        gibibytes(text)


@given(st.integers(0, 10**9))
def test_a_human_duration_never_overstates_and_reads_back(total: int) -> None:
    words = human_duration(total)
    assert len(words) <= 8
    assert seconds(words) <= total


@given(st.integers(0, 4 * 10**12), st.integers(0, 4 * 10**12))
def test_stamps_sort_as_moments_do_and_read_back(a: int, b: int) -> None:
    one, two = stamp(a / 1000), stamp(b / 1000)
    assert (one < two) == (moment(one) < moment(two))
    assert abs(moment(one) - a / 1000) < 0.002
