"""A small real trainer: linear regression by gradient descent, with checkpoints, in the standard library alone.

It keeps to what every cloud's container gives it:
  DISPATCH_INPUT_TRAIN     a folder of CSV files, the last column being the target; else data is made from --seed
  DISPATCH_CHECKPOINT_DIR  where it saves its state after each epoch, and goes on from when it starts again
  DISPATCH_OUTPUT_DIR      where model.json goes (else SM_MODEL_DIR, else ./output)
SIGTERM, which clouds send before they take a machine away, makes it save and leave with exit code 143.
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

TRUE_WEIGHTS, TRUE_BIAS = (3.0, -2.0), 0.5
SAGEMAKER_CHANNEL = Path("/opt/ml/input/data/train")
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


def step(rows: Rows, state: State, rate: float) -> float:
    """One epoch of full-batch gradient descent on the mean squared error; returns the loss before it."""
    loss, bias_slope = 0.0, 0.0
    slopes = [0.0] * len(state.weights)
    for features, target in rows:
        error = sum(w * x for w, x in zip(state.weights, features, strict=True)) + state.bias - target
        loss += error * error
        bias_slope += error
        for i, x in enumerate(features):
            slopes[i] += error * x
    scale = 2 * rate / len(rows)
    state.weights = [w - scale * s for w, s in zip(state.weights, slopes, strict=True)]
    state.bias -= scale * bias_slope
    state.epoch += 1
    return loss / len(rows)


def write(file: Path, document: object) -> None:
    """Write JSON so that a reader, or a machine that dies, finds the old file or the new one, never half."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_text(json.dumps(document, indent=2) + "\n")
    part.replace(file)


def main() -> int:
    """Train and return the exit code."""
    parser = argparse.ArgumentParser(description="Linear regression by gradient descent.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to wait after each epoch")
    options = parser.parse_args()

    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))

    named = os.environ.get("DISPATCH_INPUT_TRAIN")
    folder = Path(named) if named else SAGEMAKER_CHANNEL
    rows = read(folder) if named or folder.is_dir() else make(options.seed)
    print(f"{len(rows)} rows from {folder if named or folder.is_dir() else f'seed {options.seed}'}", flush=True)

    checkpoints = os.environ.get("DISPATCH_CHECKPOINT_DIR")
    saved = Path(checkpoints) / "state.json" if checkpoints else None
    state = State(0, [0.0] * len(rows[0][0]), 0.0)
    if saved and saved.exists():
        state = State(**json.loads(saved.read_text()))
        print(f"resuming after epoch {state.epoch}", flush=True)

    loss = None
    while state.epoch < options.epochs:
        loss = step(rows, state, options.learning_rate)
        print(f"epoch {state.epoch} loss {loss:.4f}", flush=True)
        if saved:
            write(saved, asdict(state))
        if stopped:
            print(f"stopping after epoch {state.epoch}: asked to", flush=True)
            return STOPPED
        time.sleep(options.pause)

    output = Path(os.environ.get("DISPATCH_OUTPUT_DIR") or os.environ.get("SM_MODEL_DIR") or "output")
    model = {"weights": state.weights, "bias": state.bias, "epochs": state.epoch, "loss": loss}
    write(output / "model.json", model)
    print(f"wrote {output / 'model.json'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
