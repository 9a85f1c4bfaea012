"""The points of a space: a seed decides them all, none comes twice, none is out of bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.sweeps import distributions, space
from dispatcher.sweeps.sweep import GRID, RANDOM, Parameter, Sweep, Value

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: float(f"{number:.6g}"))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True)
VALUES = st.one_of(st.integers(-99, 99), st.booleans(), NUMBERS, st.text("abcxyz", min_size=1, max_size=5))
CHANCES = st.floats(0, 1, exclude_max=True)


@st.composite
def bounded(draw: st.DrawFn) -> Parameter:
    """A parameter between two bounds, of any such distribution."""
    kind = draw(
        st.sampled_from(["uniform", "q_uniform", "int_uniform", "log_uniform_values", "q_log_uniform_values"])
    )
    least, most = sorted((draw(NUMBERS), draw(NUMBERS)))
    if kind == "int_uniform":
        least, most = math.floor(least), math.ceil(most)
    if "log" in kind:
        least, most = sorted((abs(least) + 0.001, abs(most) + 0.001))
    step = draw(st.sampled_from([0.001, 0.1, 0.5, 1.0, 7.0])) if kind.startswith("q_") else None
    return Parameter("x", kind, min=least, max=most, q=step)


@st.composite
def listed(draw: st.DrawFn) -> Sweep:
    """A sweep over a few values of a few parameters."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    values = st.lists(VALUES, min_size=1, max_size=4, unique_by=space.text).map(tuple)
    parameters = tuple(Parameter(name, "categorical", draw(values)) for name in names)
    cap = draw(st.integers(1, 40))
    return Sweep("s", draw(st.sampled_from([GRID, RANDOM])), parameters, run_cap=cap, seed=draw(st.integers(0, 9)))


@given(bounded(), CHANCES)
def test_no_draw_is_out_of_its_bounds(parameter: Parameter, chance: float) -> None:
    if distributions.count(parameter) == 0:
        return
    value = distributions.draw(parameter, chance)
    assert isinstance(value, int | float)
    assert parameter.min is not None
    assert parameter.max is not None
    assert parameter.min <= value <= parameter.max
    if distributions.count(parameter) and (distributions.count(parameter) or 0) < 1000:
        assert value in distributions.listed(parameter)


@given(bounded(), CHANCES, CHANCES)
def test_a_larger_number_never_draws_a_smaller_value(parameter: Parameter, one: float, other: float) -> None:
    if distributions.count(parameter) == 0:
        return
    low, high = (distributions.draw(parameter, chance) for chance in sorted((one, other)))
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    assert low <= high


@given(listed())
def test_no_point_comes_twice_and_each_has_every_parameter(sweep: Sweep) -> None:
    points = space.points(sweep)
    assert len(points) == min(sweep.run_cap or 0, space.size(sweep) or 0)
    assert len({space.shown(point) for point in points}) == len(points)
    assert all(list(point) == [parameter.name for parameter in sweep.parameters] for point in points)


@given(listed())
def test_a_sweep_has_the_same_points_again_and_more_of_them_with_a_larger_cap(sweep: Sweep) -> None:
    import dataclasses

    larger = dataclasses.replace(sweep, run_cap=(sweep.run_cap or 0) + 5)
    points = space.points(sweep)
    assert points == space.points(sweep)
    assert space.points(larger)[: len(points)] == points


def test_the_trials_of_a_seed_are_these_for_ever() -> None:
    """Golden: a release that drew others would change the trials of a sweep that it resumes."""
    parameters = (
        Parameter("lr", "log_uniform_values", min=1e-5, max=0.1),
        Parameter("n", "int_uniform", min=1, max=4),
        Parameter("opt", "categorical", ("adam", "sgd"), (0.9, 0.1)),
        Parameter("drop", "q_uniform", min=0, max=1, q=0.1),
        Parameter("z", "normal"),
    )
    points = space.points(Sweep("s", RANDOM, parameters, run_cap=3, seed=1))
    assert [space.shown(point) for point in points] == [
        "lr=0.00278354 n=3 opt=adam drop=0.3 z=0.329887",
        "lr=0.00138421 n=4 opt=adam drop=0.7 z=-0.134962",
        "lr=0.00049109 n=2 opt=adam drop=1.0 z=-0.0430859",
    ]


def test_another_seed_draws_other_points() -> None:
    parameter = Parameter("lr", "uniform", min=0, max=1)
    one, other = (space.points(Sweep("s", RANDOM, (parameter,), run_cap=5, seed=seed)) for seed in (1, 2))
    assert not {space.shown(point) for point in one} & {space.shown(point) for point in other}


def test_a_parameter_that_is_added_leaves_the_values_of_the_others() -> None:
    lr, seed = Parameter("lr", "uniform", min=0, max=1), Parameter("seed", "int_uniform", min=1, max=9)
    one = space.points(Sweep("s", RANDOM, (lr,), run_cap=5))
    both = space.points(Sweep("s", RANDOM, (seed, lr), run_cap=5))
    assert [point["lr"] for point in one] == [point["lr"] for point in both]


def test_the_last_parameter_of_a_grid_turns_fastest() -> None:
    parameters = (Parameter("a", "categorical", (1, 2)), Parameter("b", "int_uniform", min=1, max=3))
    points = space.points(Sweep("s", GRID, parameters, run_cap=4))
    assert [space.shown(point) for point in points] == ["a=1 b=1", "a=1 b=2", "a=1 b=3", "a=2 b=1"]


def test_a_value_that_is_hardly_ever_drawn_still_completes_a_small_space() -> None:
    parameter = Parameter("a", "categorical", ("x", "y"), (1 - 1e-9, 1e-9))
    points = space.points(Sweep("s", RANDOM, (parameter,), run_cap=2))
    assert [point["a"] for point in points] == ["x", "y"]


def test_a_value_without_a_chance_is_no_point_of_the_space() -> None:
    parameter = Parameter("a", "categorical", ("x", "y"), (1.0, 0.0))
    assert space.size(Sweep("s", RANDOM, (parameter,))) == 1


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (0.1, "0.1"), (1e-5, "1e-05"), (1, "1"), ("adam", "adam")]
)
def test_a_program_gets_a_value_as_json_would_have_it(value: Value, text: str) -> None:
    assert space.text(value) == text
