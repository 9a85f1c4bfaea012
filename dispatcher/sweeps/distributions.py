"""The distributions of a parameter, as functions of one uniform number, so that every draw can be made again.

Names and meanings are W&B's (docs.wandb.ai/models/sweeps/sweep-config-keys, read 2026-11-21). Two things differ:
numbers with a fraction have six significant digits, and quantized ones stay within their bounds.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dispatcher.sweeps.sweep import Parameter, Value

DIGITS = 6
"""Significant digits of a drawn number: what a log and a command line can show in full."""

_TINY = 2.0**-54
"""In place of 0, where a normal distribution has no value; no draw is smaller than twice that but 0 itself."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One distribution: the keys it needs and those it may have, how to draw, and its values where they end.

    `draw` takes a number from 0 up to 1, without 1. `listed` is None for what has no end of values.
    """

    needs: tuple[str, ...]
    draw: Callable[[Parameter, float], Value]
    may: tuple[str, ...] = ()
    listed: Callable[[Parameter], Iterable[Value]] | None = None


def draw(parameter: Parameter, chance: float) -> Value:
    """The value that belongs to a number from 0 up to 1, without 1."""
    return KINDS[parameter.distribution].draw(parameter, chance)


def count(parameter: Parameter) -> int | None:
    """How many values there are; None when they cannot be listed."""
    if KINDS[parameter.distribution].listed is None:
        return None
    if parameter.values:
        return sum(1 for weight in _weights(parameter) if weight > 0)
    first, last = _steps(parameter)
    return max(0, last - first + 1)


def listed(parameter: Parameter) -> tuple[Value, ...]:
    """All values in order. Raises ValueError for a distribution without an end of them."""
    values = KINDS[parameter.distribution].listed
    if values is None:
        raise ValueError(f"{parameter.name} has no end of values")
    return tuple(values(parameter))


def _categorical(parameter: Parameter, chance: float) -> Value:
    sums = list(itertools.accumulate(_weights(parameter)))
    return parameter.values[bisect.bisect_right(sums, chance * sums[-1])]


def _weights(parameter: Parameter) -> tuple[float, ...]:
    return parameter.probabilities or (1.0,) * len(parameter.values)


def _likely(parameter: Parameter) -> Iterable[Value]:
    pairs = zip(parameter.values, _weights(parameter), strict=True)
    return (value for value, weight in pairs if weight > 0)


def _whole(parameter: Parameter, chance: float) -> Value:
    first, last = _steps(parameter)
    return first + int(chance * (last - first + 1))


def _uniform(parameter: Parameter, chance: float) -> Value:
    least, most = _bounds(parameter)
    return _within(least + chance * (most - least), least, most)


def _q_uniform(parameter: Parameter, chance: float) -> Value:
    first, last = _steps(parameter)
    return _multiple(first + int(chance * (last - first + 1)), parameter)


def _log_uniform(parameter: Parameter, chance: float) -> Value:
    least, most = _bounds(parameter)
    return _rounded(math.exp(least + chance * (most - least)))


def _log_values(parameter: Parameter, chance: float) -> Value:
    least, most = _bounds(parameter)
    return _within(_between_logs(parameter, chance), least, most)


def _q_log_values(parameter: Parameter, chance: float) -> Value:
    first, last = _steps(parameter)
    nearest = round(_between_logs(parameter, chance) / _step(parameter))
    return _multiple(min(max(nearest, first), last), parameter)


def _normal(parameter: Parameter, chance: float) -> Value:
    return _rounded(_of_normal(parameter, chance))


def _q_normal(parameter: Parameter, chance: float) -> Value:
    return _multiple(round(_of_normal(parameter, chance) / _step(parameter)), parameter)


def _log_normal(parameter: Parameter, chance: float) -> Value:
    return _rounded(math.exp(_of_normal(parameter, chance)))


def _of_normal(parameter: Parameter, chance: float) -> float:
    from statistics import NormalDist

    mu = 0.0 if parameter.mu is None else parameter.mu
    sigma = 1.0 if parameter.sigma is None else parameter.sigma
    return NormalDist(mu, sigma).inv_cdf(max(chance, _TINY))


def _between_logs(parameter: Parameter, chance: float) -> float:
    least, most = map(math.log, _bounds(parameter))
    return math.exp(least + chance * (most - least))


def _multiples(parameter: Parameter) -> Iterable[Value]:
    first, last = _steps(parameter)
    return (_multiple(number, parameter) for number in range(first, last + 1))


def _bounds(parameter: Parameter) -> tuple[float, float]:
    assert parameter.min is not None
    assert parameter.max is not None
    return parameter.min, parameter.max


def _step(parameter: Parameter) -> float:
    return 1.0 if parameter.q is None else parameter.q


def _steps(parameter: Parameter) -> tuple[int, int]:
    """The first and the last multiple of the step within the bounds, as how many steps from 0 they are."""
    least, most = (Decimal(repr(bound)) for bound in _bounds(parameter))
    step = Decimal(repr(_step(parameter)))
    return math.ceil(least / step), math.floor(most / step)


def _multiple(number: int, parameter: Parameter) -> Value:
    """So many steps, without what binary fractions add to them; a whole number when the steps are."""
    exact = number * Decimal(repr(_step(parameter)))
    return int(exact) if _step(parameter).is_integer() else float(exact)


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def _within(number: float, least: float, most: float) -> float:
    """Rounded, which may not lead out of the bounds."""
    return min(max(_rounded(number), float(least)), float(most))


KINDS: Mapping[str, Kind] = {
    "constant": Kind(("value",), _categorical, listed=_likely),
    "categorical": Kind(("values",), _categorical, may=("probabilities",), listed=_likely),
    "int_uniform": Kind(("min", "max"), _whole, listed=_multiples),
    "uniform": Kind(("min", "max"), _uniform),
    "q_uniform": Kind(("min", "max"), _q_uniform, may=("q",), listed=_multiples),
    "log_uniform": Kind(("min", "max"), _log_uniform),
    "log_uniform_values": Kind(("min", "max"), _log_values),
    "q_log_uniform_values": Kind(("min", "max"), _q_log_values, may=("q",), listed=_multiples),
    "normal": Kind((), _normal, may=("mu", "sigma")),
    "q_normal": Kind((), _q_normal, may=("mu", "sigma", "q")),
    "log_normal": Kind((), _log_normal, may=("mu", "sigma")),
}
