"""A chaos run as a table for people."""

from __future__ import annotations

from tests.chaos.run import Outcome

SHOWN = 10
"""Lines of each kind of fault that are printed."""


def table(outcome: Outcome) -> str:
    """What was done, what went wrong on purpose, and what was found; the findings follow."""
    verdict, states = outcome.verdict, outcome.states
    died = [point for point in outcome.points if outcome.kills[point]]
    alive = sorted(outcome.points - set(died)) if outcome.setting.kill else []
    tried = sum(entry.attempt > 1 for entry in outcome.entries)
    rows = [
        ("submitted", f"{sum(states.values())} of {outcome.setting.jobs}"),
        ("done", ", ".join(f"{count} {state}" for state, count in sorted(states.items()))),
        ("lost", str(len(verdict.lost))),
        ("doubled", str(len(verdict.doubled))),
        ("unlike their cloud", str(len(verdict.disagreed))),
        (
            "order violations",
            f"{len(outcome.ordered.passed)} in {outcome.ordered.claims} claims, each compared with"
            f" {outcome.ordered.compared / max(1, outcome.ordered.claims):.1f} jobs that waited",
        ),
        ("over a cap", str(len(verdict.overfull))),
        ("money", f"{verdict.billed.total()} s billed, {len(verdict.money)} jobs counted wrong"),
        ("kills", f"{outcome.kills.total()}, at {len(died)} of {len(outcome.points)} points, and at random"),
        *([("nobody died at", ", ".join(alive))] if alive else []),
        ("more attempts", f"{tried} jobs, {sum(entry.preemptions for entry in outcome.entries)} preemptions"),
        ("fell by themselves", str(len(outcome.fell))),
        ("faults", ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.faults.items())) or "none"),
        ("took", f"{outcome.seconds:.0f} s"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:{width}}  {text}" for name, text in rows]
    for kind in (*_kinds(outcome),):
        lines += [f"  {line}" for line in kind[:SHOWN]]
        lines += [f"  ... and {len(kind) - SHOWN} more"] if len(kind) > SHOWN else []
    return "\n".join(lines)


def _kinds(outcome: Outcome) -> list[list[str]]:
    verdict = outcome.verdict
    found = [verdict.lost, verdict.doubled, verdict.disagreed, list(outcome.ordered.passed)]
    return [*found, verdict.overfull, verdict.money, outcome.fell]
