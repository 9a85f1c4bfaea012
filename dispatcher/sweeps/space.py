"""The points of a sweep's space: all of them in order, or as many as wanted by chance, the same for one seed."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping

from dispatcher.sweeps import distributions
from dispatcher.sweeps.sweep import GRID, Parameter, Sweep, Value

Point = dict[str, Value]
"""The value of every parameter in one trial, in the order of the file."""

TRIES = 1_000
"""Draws in a row that may hit points we have already; after that the first that is left is taken."""


def size(sweep: Sweep) -> int | None:
    """How many points the space has; None when there is no end of them."""
    counts = [distributions.count(parameter) for parameter in sweep.parameters]
    return None if None in counts else math.prod(count for count in counts if count is not None)


def points(sweep: Sweep) -> list[Point]:
    """The trials of a sweep in order; trial 1 is the first. No point comes twice.

    A grid is read like a counter whose last parameter turns fastest, and `run_cap` cuts it off. By chance, every
    value hangs on the seed, the parameter's name, the trial and the draw alone: a parameter that is added, or a
    larger `run_cap`, leaves the others as they were. Raises ValueError when nothing bounds the number of trials.
    """
    if sweep.method == GRID:
        return list(itertools.islice(_grid(sweep.parameters), sweep.run_cap))
    if sweep.run_cap is None:
        raise ValueError("a random search needs a run_cap")
    return _drawn(sweep, sweep.run_cap)


def _grid(parameters: tuple[Parameter, ...]) -> Iterator[Point]:
    names = [parameter.name for parameter in parameters]
    for row in itertools.product(*map(distributions.listed, parameters)):
        yield dict(zip(names, row, strict=True))


def _drawn(sweep: Sweep, wanted: int) -> list[Point]:
    found: list[Point] = []
    seen: set[tuple[str, ...]] = set()
    for number in range(1, wanted + 1):
        tries = (_draw(sweep, number, attempt) for attempt in range(TRIES))
        rest = _grid(sweep.parameters) if size(sweep) is not None else iter(())
        point = next((new for new in itertools.chain(tries, rest) if _key(new) not in seen), None)
        if point is None:
            break
        seen.add(_key(point))
        found.append(point)
    return found


def _key(point: Point) -> tuple[str, ...]:
    """What tells points apart: to a program 1 is 1.0 no more than `1` is, though Python calls them equal."""
    return tuple(map(text, point.values()))


def _draw(sweep: Sweep, number: int, attempt: int) -> Point:
    def chance(parameter: Parameter) -> float:
        return random.Random(f"{sweep.seed}/{parameter.name}/{number}/{attempt}").random()

    return {parameter.name: distributions.draw(parameter, chance(parameter)) for parameter in sweep.parameters}


def text(value: Value) -> str:
    """A value as a program gets it: `true`, `0.003`, `1e-05`, `adam`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def shown(point: Mapping[str, Value]) -> str:
    """A point as people read it: `learning-rate=0.3 seed=2`."""
    return " ".join(f"{name}={text(value)}" for name, value in point.items())
