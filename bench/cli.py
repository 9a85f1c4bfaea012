"""`python bench/cli.py`: start-up of the commands, and `submit` beside plain scripts of the vendors' own SDKs."""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[0] = str(CHECKOUT)  # this folder holds a pulumi.py, which must not be what `import pulumi` finds

from bench.timing import Case, Timing, measure, table  # noqa: E402 - the path has to be right first
from localcloud import running  # noqa: E402
from tools.azure_ai_ml import AZURE_AI_ML  # noqa: E402

BIN = Path(sys.executable).parent
DISPATCH = str(BIN / "dispatch")
ROWS = 10_000

JOB = """\
image: train
command: ["true"]
resources: {cpu: 2, memory: 4Gi}
max_runtime: 1h
"""

PLAIN = CHECKOUT / "bench" / "plain"
SUBMITS = (
    ("aws", "plain boto3 script", PLAIN / "sagemaker.py", 1.2),
    ("gcp", "script with google.cloud.aiplatform", PLAIN / "vertex.py", 0.4),
    ("azure", "script with azure.ai.ml", PLAIN / "azureml.py", 0.4),
)
"""Cloud, the script that does the same in its zone, and what `dispatch submit` may take of the script's time."""


def _python(cloud: str) -> Path:
    """The Python that runs a cloud's script: azure-ai-ml lives in an environment of its own."""
    return AZURE_AI_ML.install() if cloud == "azure" else Path(sys.executable)


def main() -> int:
    """Print the tables; 1 when a command is over its budget."""
    parser = argparse.ArgumentParser(description="Start-up of dispatch, and submit beside plain scripts.")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as made, running(Path(made) / "place") as cloud:
        folder = Path(made)
        environment = cloud.environment
        run = _runner(environment)
        print("bringing up stack local to measure on", file=sys.stderr)
        run("pulumi", "stack", "init", "local")
        run("pulumi", "up", "--yes", "--skip-preview", "--stack", "local", "--non-interactive")
        run("dispatch", "sync", "--stack", "local")
        contract = json.loads(run("pulumi", "stack", "output", "contract", "--json", "--stack", "local"))
        zones = {zone["cloud"]: (name, zone) for name, zone in contract["zones"].items()}
        job = folder / "job.yaml"
        job.write_text(JOB)
        dry = [DISPATCH, "submit", str(job), "--dry-run", "-q"]
        run("dispatch", "submit", str(job), "-q", zones["aws"][0], "--yes", "--wait")
        _fill(Path(environment["DISPATCH_LEDGER"]))

        base = "import click"
        start = [
            Case(base, [sys.executable, "-c", "import click"]),
            Case("dispatch --help", [DISPATCH, "--help"], base, 2),
            Case(f"dispatch list ({ROWS:,} rows)", [DISPATCH, "list"], base, 2),
            Case("dispatch queue list", [DISPATCH, "queue", "list"], base, 2),
            *(
                Case(f"dispatch submit --dry-run ({kind})", [*dry, name], base, 4)
                for kind, (name, _) in zones.items()
            ),
        ]
        begun = measure(start, rounds, environment, CHECKOUT)
        print(table(f"start-up, {rounds} rounds", begun))

        sent: list[Timing] = []
        for kind, script, file, budget in SUBMITS:
            queue, zone = zones[kind]  # without a queue file each zone has one queue of its own name
            cases = [
                Case(script, _plain(folder, run, job, [str(_python(kind)), str(file)], queue, zone)),
                Case("dispatch submit", [DISPATCH, "submit", str(job), "-q", queue, "--yes"], script, budget),
            ]
            timed = measure(cases, rounds, environment, CHECKOUT)
            print("\n" + table(f"submitting one training job to localcloud ({kind}), {rounds} rounds", timed))
            sent += timed
    return 0 if all(one.kept for one in [*begun, *sent]) else 1


def _runner(environment: dict[str, str]) -> Callable[..., str]:
    def run(*words: str) -> str:
        done = subprocess.run(
            [BIN / words[0], *words[1:]], env=environment, cwd=CHECKOUT, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    return run


def _plain(
    folder: Path, run: Callable[..., str], job: Path, script: Sequence[str], queue: str, zone: Mapping[str, Any]
) -> Callable[[], Sequence[str]]:
    """The script with the very bodies that `submit` sends, under a new name each time it is asked for."""
    answer = json.loads(run("dispatch", "submit", str(job), "-q", queue, "--dry-run", "--output", "json"))
    bodies = folder / f"{queue}.json"
    bodies.write_text(json.dumps([one["body"] for one in answer["requests"]]))
    numbers = iter(range(1_000_000))
    return lambda: [*script, str(bodies), f"plain-{next(numbers)}", json.dumps(zone)]


def _fill(ledger: Path) -> None:
    """Copy the one finished job until the ledger holds ROWS of them, each a minute older than the last."""
    with sqlite3.connect(ledger) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(submissions)")]
        own = {
            "id": "printf('b%07d', n)",
            "cloud_name": "printf('bench-%d', n)",
            "submitted_at": "strftime('%Y-%m-%dT%H:%M:%SZ', submitted_at, printf('-%d minutes', n))",
        }
        values = ", ".join(own.get(name, name) for name in columns)
        connection.execute(
            f"WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {ROWS - 1}) "
            f"INSERT INTO submissions ({', '.join(columns)}) SELECT {values} FROM submissions, count"
        )


if __name__ == "__main__":
    sys.exit(main())
