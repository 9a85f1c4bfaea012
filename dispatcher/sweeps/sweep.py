"""What a sweep is: a space of parameters, how to search it, what to look for, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | bool
"""What a parameter can be in one trial."""

MINIMIZE, MAXIMIZE = "minimize", "maximize"
GRID, RANDOM = "grid", "random"
TRIALS_MAX = 1_000
"""Trials of one sweep: all are rows of the ledger from its beginning."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One dimension of the space, in W&B's words (docs.wandb.ai/models/sweeps/sweep-config-keys).

    `distribution` is one of dispatcher.sweeps.distributions.KINDS. `values` are those of `categorical`, or the one
    of `constant`; `probabilities` are as many, or none. The numbers are what the distribution needs of them:
    `log_uniform` has the natural logarithms as its bounds, `q` is the step between values.
    """

    name: str
    distribution: str
    values: tuple[Value, ...] = ()
    probabilities: tuple[float, ...] = ()
    min: float | None = None
    max: float | None = None
    mu: float | None = None
    sigma: float | None = None
    q: float | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What trials are compared by; the sweep stops when one that succeeded has reached `target`."""

    name: str
    goal: str = MINIMIZE
    target: float | None = None

    def better(self, one: float, other: float) -> bool:
        """True when `one` is nearer to the goal than `other`."""
        return one < other if self.goal == MINIMIZE else one > other

    def reached(self, value: float) -> bool:
        """True when a trial with this value ends the sweep."""
        return self.target is not None and not self.better(self.target, value)


@dataclass(frozen=True, slots=True)
class Rules:
    """When a sweep stops before it has run all of its trials; None never does.

    `failures` counts trials that failed or timed out, `cost` is in the currency of the trials' prices.
    """

    failures: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """A checked sweep without its job. `run_cap` is the number of trials; a random search must have one.

    The same sweep has the same trials on every machine: `seed` decides all that is drawn.
    """

    name: str
    method: str
    parameters: tuple[Parameter, ...]
    metric: Metric | None = None
    run_cap: int | None = None
    seed: int = 1
    rules: Rules = Rules()
    description: str | None = None
