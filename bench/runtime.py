"""`python bench/runtime.py`: what dispatch-run takes before a command starts, beside an idle Python."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: it holds a pulumi.py

from bench.timing import Case, measure, table  # noqa: E402 - the path has to be right first
from dispatcher.runtime.bundle import build  # noqa: E402 - as above

BUDGET = 3.0


def main() -> int:
    """Print the table; 1 when it is over its budget."""
    parser = argparse.ArgumentParser(description="Start of dispatch-run beside `python -c pass`.")
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    # The interpreter itself, as an image has it: that of a virtual environment starts later.
    bin = Path(sys.base_prefix) / "bin"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        program = folder / "dispatch-run"
        program.write_bytes(build())
        program.chmod(0o755)
        base = "python -c pass"
        cases = [
            Case(base, [str(bin / "python3"), "-c", "pass"]),
            Case("dispatch-run -- true", [str(program), "--", "true"], base, BUDGET),
            Case("dispatch-run -- true (on SageMaker)", _on_sagemaker(folder, program), base, BUDGET),
        ]
        timed = measure(cases, rounds, {"PATH": f"{bin}{os.pathsep}{os.defpath}"}, folder)
    print(table(f"start of a job's command, {rounds} rounds", timed))
    return 0 if all(one.kept for one in timed) else 1


def _on_sagemaker(folder: Path, program: Path) -> list[str]:
    """The second of two nodes: the cluster is read, checkpoints are tried, the last words are kept."""
    for name in ("config", "output"):
        (folder / name).mkdir()
    cluster = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (folder / "config" / "resourceconfig.json").write_text(json.dumps(cluster))
    environment = {
        "SM_INPUT_CONFIG_DIR": folder / "config",
        "SM_OUTPUT_DIR": folder / "output",
        "DISPATCH_CHECKPOINT_DIR": folder / "checkpoints",
        "DISPATCH_CLOUD": "aws",
        "DISPATCH_NODES": "2",
    }
    return ["env", *(f"{name}={value}" for name, value in environment.items()), str(program), "--", "true"]


if __name__ == "__main__":
    sys.exit(main())
