"""When a sweep stops before it has run all of its trials: each rule says why, or None."""

from __future__ import annotations

from dispatcher.sweeps.state import State

FLAPPING = 5
"""Trials that all end badly before one succeeds, after which a sweep stops: something is wrong with every one.

As many as W&B's agent takes for that (WANDB_AGENT_MAX_INITIAL_FAILURES).
"""

BAD = ("failed", "timed_out")
"""States of trials that ended without a result."""


def spent(found: State) -> str | None:
    """Why a sweep has cost enough: what runs is stopped too, or it would go on costing."""
    limit = found.sweep.rules.cost
    if limit is None or (found.cost or 0.0) < limit:
        return None
    return f"it has cost {found.cost:.2f} {found.currency}, and max_cost is {limit:g}"


def reached(found: State) -> str | None:
    """Why a sweep has found what it was looking for."""
    metric, best = found.sweep.metric, found.best
    if metric is None or best is None or best.value is None or not metric.reached(best.value):
        return None
    return f"trial {best.number} has reached {metric.name}={best.value:g}, and the target is {metric.target:g}"


def failing(found: State) -> str | None:
    """Why a sweep has failed too often since it was last resumed; what failed before is forgiven."""
    bad = [trial for trial in found.trials if trial.entry.state in BAD and not found.forgives(trial.entry)]
    limit = found.sweep.rules.failures
    if limit is not None and len(bad) >= limit:
        return f"{len(bad)} trials have failed, and max_failures is {limit}"
    ended = [trial for trial in found.trials if trial.entry.final and not found.forgives(trial.entry)]
    if limit is None and len(bad) >= FLAPPING and len(bad) == len(ended):
        return f"the first {len(bad)} trials have failed, all of them"
    return None
