"""A small real trainer: linear regression by gradient descent, with checkpoints, on any number of processes.

It keeps to what every cloud's container gives it:
  DISPATCH_INPUT_TRAIN     a folder of CSV files, the last column being the target; else data is made from --seed
  DISPATCH_CHECKPOINT_DIR  where it saves its state after each epoch, and goes on from when it starts again
  DISPATCH_OUTPUT_DIR      where model.json goes (else ./output)
SIGTERM, which clouds send before they take a machine away, makes all processes leave after the same epoch, with
exit code 143. The result depends neither on how many processes share the work, nor on how often they lost it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import together

TRUE_WEIGHTS, TRUE_BIAS = (3.0, -2.0), 0.5
STOPPED = 128 + signal.SIGTERM

Rows = list[tuple[list[float], float]]


@dataclass
class State:
    """All that an epoch changes."""

    epoch: int
    weights: list[float]
    bias: float


def read(folder: Path) -> Rows:
    """Read every CSV file of a folder; a first line without numbers is taken as a header."""
    rows: Rows = []
    for file in sorted(folder.rglob("*.csv")):
        with file.open(newline="") as handle:
            for number, line in enumerate(csv.reader(handle), start=1):
                try:
                    *features, target = map(float, line)
                except ValueError:
                    if number == 1 or not line:
                        continue
                    raise SystemExit(f"{file}:{number}: not a row of numbers: {','.join(line)}") from None
                if rows and len(features) != len(rows[0][0]):
                    raise SystemExit(
                        f"{file}:{number}: {len(features)} features, the rows before have {len(rows[0][0])}"
                    )
                rows.append((features, target))
    if not rows:
        raise SystemExit(f"no rows in any .csv file below {folder}")
    return rows


def make(seed: int, count: int = 400) -> Rows:
    """Make rows of a known line with a little noise."""
    chance = random.Random(seed)
    rows: Rows = []
    for _ in range(count):
        features = [chance.uniform(-1, 1) for _ in TRUE_WEIGHTS]
        exact = sum(w * x for w, x in zip(TRUE_WEIGHTS, features, strict=True)) + TRUE_BIAS
        rows.append((features, exact + chance.gauss(0, 0.1)))
    return rows


def look(rows: Rows, state: State) -> list[float]:
    """What these rows say of the model: how many they are, the sum of their squared errors, and its slopes."""
    loss, bias_slope, slopes = 0.0, 0.0, [0.0] * len(state.weights)
    for features, target in rows:
        error = sum(w * x for w, x in zip(state.weights, features, strict=True)) + state.bias - target
        loss += error * error
        bias_slope += error
        for i, x in enumerate(features):
            slopes[i] += error * x
    return [float(len(rows)), loss, bias_slope, *slopes]


def step(state: State, told: list[float], rate: float) -> None:
    """Go down the slope that all rows of all processes have told of."""
    count, _, bias_slope, *slopes = told
    scale = 2 * rate / count
    state.weights = [w - scale * s for w, s in zip(state.weights, slopes, strict=True)]
    state.bias -= scale * bias_slope
    state.epoch += 1


def resumed(group: together.Group, saved: Path | None, features: int) -> State:
    """The state to start from, as the first process finds it; the others need not see its checkpoints."""
    state = State(0, [0.0] * features, 0.0)
    if group.rank == 0 and saved and saved.exists():
        state = State(**json.loads(saved.read_text()))
        say(f"resuming after epoch {state.epoch}")
    epoch, bias, *weights = group.total([float(state.epoch), state.bias, *state.weights])
    return State(int(epoch), weights, bias)


def write(file: Path, document: object) -> None:
    """Write JSON so that a reader, or a machine that dies, finds the old file or the new one, never half."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_text(json.dumps(document, indent=2) + "\n")
    part.replace(file)


def say(text: str) -> None:
    """Print a line in one piece, so that those of several processes do not run into each other."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Train and return the exit code."""
    parser = argparse.ArgumentParser(description="Linear regression by gradient descent.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="how many share the work of a node")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to wait after each epoch")
    options = parser.parse_args()
    if not together.started():
        return together.start(options.processes)

    group = together.join()  # whoever is asked to end before that just ends
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))

    named = os.environ.get("DISPATCH_INPUT_TRAIN")
    rows = read(Path(named)) if named else make(options.seed)
    mine = rows[group.rank :: group.size]
    who = f"process {group.rank} of {group.size} on node {together.node()}"
    say(f"{who}: {len(mine)} of {len(rows)} rows from {named or f'seed {options.seed}'}, by {group.by}")

    checkpoints = os.environ.get("DISPATCH_CHECKPOINT_DIR")
    saved = Path(checkpoints) / "state.json" if checkpoints else None
    state = resumed(group, saved, len(rows[0][0]))
    while state.epoch < options.epochs:
        *told, asked = group.total([*look(mine, state), float(len(stopped))])
        if asked:  # of any process: all leave after the same epoch, which is saved already
            say(f"{who}: stopping after epoch {state.epoch}: asked to")
            return STOPPED
        step(state, told, options.learning_rate)
        if group.rank == 0:
            say(f"epoch {state.epoch} loss {told[1] / told[0]:.6f}")
            if saved:
                write(saved, asdict(state))
        time.sleep(options.pause)

    count, loss, *_ = group.total(look(mine, state))
    say(f"{who}: done")
    if group.rank == 0:
        output = Path(os.environ.get("DISPATCH_OUTPUT_DIR") or "output")
        model = {"weights": state.weights, "bias": state.bias, "epochs": state.epoch, "loss": loss / count}
        write(output / "model.json", model)
        say(f"wrote {output / 'model.json'}: final loss {loss / count:.6f}")
        say(f"dispatch-metric loss={loss / count:.9g} step={state.epoch}")  # what a sweep compares trials by
    return 0


if __name__ == "__main__":
    sys.exit(main())
