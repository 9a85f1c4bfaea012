"""An agent with 10,000 live jobs on SageMaker: its memory, and what one round of it takes."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.filling import ON_CLOUD, fill

BUDGET = 150.0
"""Megabytes that the agent may have at most."""

ROUNDS = 5
RUNNING = {"state": "'running'", "vendor_state": "'InProgress/Training'", "max_runtime": "2000000000"}
QUEUES = "queues: [{name: q, zone: aws, identity: ambient}]"


def table(folder: Path, live: int) -> bool:
    """Measure, print, and say whether the memory is within its budget."""
    with _sagemaker(live) as endpoint:
        context = multiprocessing.get_context("spawn")
        told: Any = context.Queue()
        process = context.Process(target=_agent, args=(str(folder), live, endpoint, told))
        process.start()
        first, again, idle, megabytes = told.get(timeout=600)
        process.join()
    over = "" if megabytes <= BUDGET else "  over budget"
    print(f"an agent with {live:,} live jobs on SageMaker (a stand-in that answers at once), SQLite")
    print(f"{'first round':24}{first:>9.2f} s")
    print(f"{'later rounds':24}{again:>9.2f} s   median of {ROUNDS}; it asks about every job")
    print(f"{'rounds that only send':24}{idle:>9.3f} s   median of {ROUNDS}")
    print(f"{'memory':24}{megabytes:>9.0f} MB  {BUDGET:g} MB{over}\n")
    return bool(megabytes <= BUDGET)


def _agent(place: str, live: int, endpoint: str, told: Any) -> None:
    """Be an agent, and tell the first round, the later ones, those that do not ask, and the memory at its most."""
    from dispatcher.api import Dispatcher
    from dispatcher.contract import Contract, as_json
    from dispatcher.scheduling import tick
    from tests.backends.sagemaker.cases import open_zone

    folder = Path(place)
    keys = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    os.environ.update({**keys, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    outputs, queues = folder / "outputs.json", folder / "bench.queues.yaml"
    contract = Contract(1, "2026-11-21T08:00:00Z", "bench", "none", {"aws": open_zone()})
    outputs.write_text(json.dumps({"contract": as_json(contract)}))
    queues.write_text(QUEUES)
    with Dispatcher(folder / "live.db") as dispatcher:
        dispatcher.sync(outputs=[outputs], queues=queues, project=folder)
        fill(dispatcher.ledger, live, {**ON_CLOUD, **RUNNING})
        agent = dispatcher.agents.make()
        asked = [_seconds(agent.once) for _ in range(ROUNDS + 1)]
        work = dispatcher.work()
        sent = [_seconds(lambda: tick.tick(work, observe=False)) for _ in range(ROUNDS)]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    told.put((asked[0], statistics.median(asked[1:]), statistics.median(sent), most))


def _seconds(step: Any) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


@contextmanager
def _sagemaker(live: int) -> Iterator[str]:
    """A service with so many training jobs in progress; it costs nothing, so that the agent's own time is seen."""
    names = [f"train-b{number}-1" for number in range(1, live + 1)]
    began = time.time() - 3600

    def summary(name: str) -> dict[str, Any]:
        arn = f"arn:aws:sagemaker:eu-central-1:123456789012:training-job/{name}"
        return {
            "TrainingJobName": name,
            "TrainingJobArn": arn,
            "CreationTime": began,
            "LastModifiedTime": began + 60,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Training",
        }

    def answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeTrainingJob":
            return {**summary(asked["TrainingJobName"]), "TrainingStartTime": began + 30}
        start = int(asked.get("NextToken", 0))
        page = {"TrainingJobSummaries": [summary(name) for name in names[start : start + 100]]}
        return page if start + 100 >= live else {**page, "NextToken": str(start + 100)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
