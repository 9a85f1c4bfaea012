"""The AWS part of every stack on the real provider: what it says about the program is what counts."""

from __future__ import annotations

import pytest

from tests.real.conftest import Pair

pytestmark = pytest.mark.real


def test_up_makes_everything_that_was_planned(pair: Pair) -> None:
    assert set(pair.real.step("up").changes.values()) == {"create"}
    assert pair.real.step("up").changes == pair.real.step("preview").changes


def test_the_second_plan_is_empty(pair: Pair) -> None:
    assert pair.real.step("preview again").changes == {}


def test_a_refresh_finds_nothing_new(pair: Pair) -> None:
    assert pair.real.step("refresh").changes == {}


def test_an_update_replaces_nothing_and_leaves_an_empty_plan(pair: Pair) -> None:
    assert set(pair.real.step("update").changes.values()) == {"update"}
    assert pair.real.step("preview updated").changes == {}


def test_destroy_leaves_nothing_on_the_cloud(pair: Pair) -> None:
    pair.real.step("destroy")
    assert pair.real.left == {}


def test_the_zone_is_as_secure_as_on_the_stand_in(pair: Pair) -> None:
    pair.real.step("up")
    assert {check: said for check, said in pair.real.complaints.items() if said} == {}
