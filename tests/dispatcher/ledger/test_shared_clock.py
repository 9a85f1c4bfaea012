"""The clock of a shared ledger: the database's time, whatever this machine thinks it is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dispatcher.errors import UnreachableError
from dispatcher.ledger.postgres.clock import SharedClock


@dataclass
class World:
    """A database, this machine's clock, and the time that really passes."""

    real: float = 0.0
    database: float = 1_000_000.0
    machine: float = 1_000_000.0
    asked: int = 0
    away: bool = False

    def clock(self) -> SharedClock:
        return SharedClock(self.ask, lambda: self.machine + self.real, lambda: self.real)

    def ask(self) -> float:
        if self.away:
            raise UnreachableError("away")
        self.asked += 1
        return self.database + self.real


def about(seconds: float) -> object:
    """To the millisecond: a millionth of these numbers would be a second."""
    return pytest.approx(seconds, rel=0, abs=0.001)


def test_a_machine_that_is_minutes_off_has_the_database_s_time_and_knows_by_how_much() -> None:
    for off in (-300.0, 0.0, 300.0):
        world = World(machine=1_000_000.0 + off)
        clock = world.clock()
        world.real = 7
        assert clock() == about(1_000_007)
        assert clock.ahead == about(off)


def test_the_database_is_asked_once_a_minute_and_time_passes_between() -> None:
    world = World()
    clock = world.clock()
    for second in range(60):
        world.real = float(second)
        assert clock() == about(1_000_000 + second)
    assert world.asked == 1
    world.real = 61
    clock()
    assert world.asked == 2


def test_it_is_asked_at_once_when_this_machine_slept_or_its_time_was_set() -> None:
    world = World()
    clock = world.clock()
    clock()
    world.machine += 3600
    world.real = 1
    assert clock() == about(1_000_001)
    assert world.asked == 2
    clock()
    assert world.asked == 2


def test_while_the_database_is_away_time_goes_on_from_what_it_said_last() -> None:
    world = World(machine=0.0)
    clock = world.clock()
    clock()
    world.away = True
    for second in (61.0, 100.0, 161.0, 500.0):
        world.real = second
        assert clock() == about(1_000_000 + second)
    world.away = False
    world.database += 30
    world.real = 600
    assert clock() == about(1_000_630)


def test_without_any_answer_there_is_no_time() -> None:
    with pytest.raises(UnreachableError):
        World(away=True).clock()()


def test_time_does_not_go_back_for_an_answer_that_took_long_but_it_does_when_it_was_wrong() -> None:
    world = World()
    clock = world.clock()
    before = clock()
    for off in (0.4, 0.2):
        world.database -= off
        world.machine += 100  # so that it is asked again
        assert clock() == before
    world.database -= 3600
    world.machine += 100
    assert clock() == about(before - 3600.6)


def test_half_of_what_the_question_took_has_passed_since_the_database_looked() -> None:
    world = World()

    def slow() -> float:
        world.real += 1
        said = world.database + world.real
        world.real += 1
        return said

    clock = SharedClock(slow, lambda: world.machine + world.real, lambda: world.real)
    assert clock() == about(world.database + world.real)
