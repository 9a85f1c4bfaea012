"""What the demo does, in its order, and what takes all of it away again."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from localcloud import process
from localcloud.place import Place
from tools.demo import jobs
from tools.demo.commands import CHECKOUT, StepFailed, local, quietly, run, together
from tools.demo.jobs import Ended

STACK, SPOT_STACK = "local", "local-spot"
QUEUES = ("aws-use1", "gcp-usc1", "azure-weu")
SPOT_QUEUES = ("aws-use1", "gcp-usc1", "azure-neu")
JOB, SPOT_JOB, NODES_JOB = (f"examples/{name}.yaml" for name in ("train", "train-spot", "train-nodes"))
FETCHED = "build/model"  # where the demo proposes to fetch the models to; git ignores it


def tell() -> None:
    """Run the demo. Raises StepFailed."""
    start = time.monotonic()
    _step(
        "1. AWS, Google Cloud and Azure here: one process on loopback, gone without a trace on `make demo-clean`"
    )
    run("localcloud", "up")
    run("localcloud", "image", "add", "train", "examples/program")
    _step(f"2. A landing zone on each: `pulumi up` of stack {STACK}, on the real engine")
    print(f"(beside it stack {SPOT_STACK}: Azure has Spot machines in zones without a network of their own only)")
    for stack in (SPOT_STACK, STACK):  # the last one stays selected
        quietly("pulumi", "stack", "select", "--create", stack)
    together(lambda up: up(), (_up, _up_spot))
    _step("3. Their contracts become queues in the dispatcher's ledger, one per zone")
    local("dispatch", "sync", "--stack", STACK, "--stack", SPOT_STACK)
    _step("4. One job file is an exact request on each; a dry run prints it and sends nothing")
    for queue in QUEUES:
        local("dispatch", "submit", JOB, "--queue", queue, "--dry-run")
    _step("5. The same file, once for each: the lines below are the jobs' own, as they come")
    plain = _shown(jobs.run(JOB, QUEUES))
    _step("6. The same on spot machines, with its program sent along; these are taken away on the way")
    spot = _shown(jobs.run(SPOT_JOB, SPOT_QUEUES, interrupted=True))
    _step("7. The same on two nodes with two processes each, which meet and train together")
    nodes = _shown(jobs.run(NODES_JOB, QUEUES))
    _step("8. The final metric, of every cloud and every way to get there")
    for title, ended in (("one node", plain), ("spot, interrupted", spot), ("two nodes", nodes)):
        print(f"{title:18}" + "  ".join(f"{one.job['cloud']} {one.metric}" for one in ended))
    _same([*plain, *spot, *nodes])
    print(f"\nthe whole path took {time.monotonic() - start:.0f} s\n")
    print(_next(plain))


def _up() -> None:
    local("pulumi", "up", "--yes", "--suppress-outputs", "--stack", STACK, *_terminal())


def _up_spot() -> None:
    quietly("pulumi", "up", "--yes", "--stack", SPOT_STACK, "--non-interactive", "--skip-preview")


def _shown(ended: list[Ended]) -> list[Ended]:
    """Print what became of jobs. Raises StepFailed when one did not succeed."""
    print(f"\n{jobs.table(ended)}")
    for one in ended:
        if one.job["state"] != "succeeded":
            raise StepFailed(f"job {one.job['id']} ended as {one.job['state']}: {one.job['reason']}", 9)
    return ended


def _same(ended: Sequence[Ended]) -> None:
    """Raises StepFailed when jobs came to different metrics: then one of the clouds is not like the others."""
    found = {one.metric for one in ended}
    if len(found) > 1 or "-" in found:
        raise StepFailed(f"the jobs came to different metrics: {', '.join(sorted(found))}", 1)


def _next(ended: Sequence[Ended]) -> str:
    """What there is to type now, with `localcloud` as this person's shell finds it."""
    found = shutil.which("localcloud")
    activated = found and Path(found).samefile(Path(sys.executable).with_name("localcloud"))
    typed = f"{'localcloud' if activated else '.venv/bin/localcloud'} run --"
    fetches = [f"{typed} dispatch fetch {one.job['id']} {FETCHED}/{one.job['zone']}" for one in ended]
    last = ended[-1].job
    return "\n  ".join(
        [
            "Go on in the same place:",
            *fetches,
            f"{typed} dispatch show {last['id']}",
            f"{typed} dispatch submit {JOB} --queue {last['queue']} --follow -- --epochs 50",
            f"{typed} pulumi preview --stack {STACK} --expect-no-changes",
            "make demo-clean",
        ]
    )


def clean(place: Place) -> None:
    """Destroy what the demo made and remove every trace of it."""
    if process.living(place) is not None:
        for stack in (SPOT_STACK, STACK):
            if any(place.pulumi_state.rglob(f"{stack}.json")):
                _destroy(stack)
    _step("Ending the local clouds")
    run("localcloud", "down")
    shutil.rmtree(place.root, ignore_errors=True)
    shutil.rmtree(CHECKOUT / FETCHED, ignore_errors=True)
    for parent in (place.root.parent, (CHECKOUT / FETCHED).parent):
        with contextlib.suppress(OSError):
            parent.rmdir()  # only when nothing else is in it
    print(f"removed {place.root}")
    print("kept: .venv, and the built tools that all checkouts share (`make clean-cache` removes those)")


def _destroy(stack: str) -> None:
    _step(f"Destroying stack {stack}")
    try:
        local("pulumi", "destroy", "--yes", "--suppress-outputs", "--stack", stack, *_terminal())
    except StepFailed as failure:
        # What is left lives in the memory of the server that ends next.
        print(f"going on: {failure}", file=sys.stderr)


def _step(title: str) -> None:
    print(f"\n== {title}", flush=True)


def _terminal() -> list[str]:
    """On a terminal the engine previews first, with the idle cost of the zone; a log gets the bare steps."""
    return [] if sys.stdout.isatty() else ["--non-interactive", "--suppress-progress", "--skip-preview"]
