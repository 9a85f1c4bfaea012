"""`make demo`: a real `pulumi up` of a landing zone on the local AWS, then a training job that really runs."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localcloud import process
from localcloud.place import Place

CHECKOUT = Path(__file__).parents[1]
STACK = "local"
JOB = "examples/train.yaml"
FETCHED = "build/model"  # where the demo proposes to fetch the model to; git ignores it


class StepFailed(Exception):
    """A command of the demo ended with another code than 0; it has said why itself."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(f"`{command}` ended with exit code {code}")
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo or clean up after it; the exit code is that of the first step that failed."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove everything the demo made")
    options = parser.parse_args(arguments)
    place = Place.default()
    try:
        _clean(place) if options.clean else _demo(place)
    except StepFailed as failure:
        print(f"\nthe demo stopped: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130
    return 0


def _demo(place: Place) -> None:
    start = time.monotonic()
    _step("1. A local AWS: one process on loopback, gone without a trace on `make demo-clean`")
    _run("localcloud", "up")
    _run("localcloud", "image", "add", "train", "examples")
    _step(f"2. The landing zone: `pulumi up` of stack {STACK}, on the real engine")
    _local("pulumi", "stack", "select", "--create", STACK, quiet=True)
    _local("pulumi", "up", "--yes", "--suppress-outputs", "--stack", STACK, *_terminal())
    _step("3. Its contract becomes queues in the dispatcher's ledger")
    _local("dispatch", "sync", "--stack", STACK)
    _step("4. A training job: the lines below are the job's own")
    _local("dispatch", "submit", JOB, "--yes", "--wait", "--follow")
    _step("5. What came of it")
    newest = _answer("dispatch", "list", "--output", "json")[0]
    job = _answer("dispatch", "show", newest["id"], "--output", "json")
    print(f"job      {job['id']} ({job['cloud_name']})")
    print(f"state    {job['state']}")
    print(f"model    {job['model_uri']}")
    print(f"the whole path took {time.monotonic() - start:.0f} s\n")
    found = shutil.which("localcloud")
    activated = found and Path(found).samefile(Path(sys.executable).with_name("localcloud"))
    localcloud = "localcloud" if activated else ".venv/bin/localcloud"
    print(_NEXT.format(localcloud=localcloud, id=job["id"], stack=STACK, job=JOB, fetched=FETCHED))


_NEXT = """\
Go on in the same place:
  {localcloud} run -- dispatch show {id}
  {localcloud} run -- dispatch fetch {id} {fetched}
  {localcloud} run -- dispatch submit {job} --dry-run       # the exact request; nothing is sent
  {localcloud} run -- dispatch submit {job} --wait --follow -- --epochs 50
  {localcloud} run -- pulumi preview --stack {stack} --expect-no-changes
  make demo-clean"""


def _clean(place: Place) -> None:
    if process.living(place) is not None and any(place.pulumi_state.rglob(f"{STACK}.json")):
        _step(f"Destroying stack {STACK}")
        try:
            _local(
                "pulumi",
                "destroy",
                "--yes",
                "--suppress-outputs",
                "--stack",
                STACK,
                *_terminal(),
            )
        except StepFailed as failure:
            # What is left lives in the memory of the server that ends next.
            print(f"going on: {failure}", file=sys.stderr)
    _step("Ending the local AWS")
    _run("localcloud", "down")
    shutil.rmtree(place.root, ignore_errors=True)
    shutil.rmtree(CHECKOUT / FETCHED, ignore_errors=True)
    with contextlib.suppress(OSError):
        place.root.parent.rmdir()  # only when nothing else of ours is in it
    print(f"removed {place.root}")
    print("kept: .venv, and the built tools that all checkouts share (`make clean-cache` removes those)")


def _step(title: str) -> None:
    print(f"\n== {title}", flush=True)


def _terminal() -> list[str]:
    """On a terminal the engine previews first, with the idle cost of the zone; a log gets the bare steps."""
    return [] if sys.stdout.isatty() else ["--non-interactive", "--suppress-progress", "--skip-preview"]


def _local(*command: str, quiet: bool = False) -> None:
    _run("localcloud", "run", "--", *command, quiet=quiet)


def _run(*command: str, quiet: bool = False) -> None:
    shown = shlex.join(command)
    if not quiet:
        print(f"$ {shown}", flush=True)
    code = subprocess.run(_resolved(command), cwd=CHECKOUT, check=False).returncode
    if code:
        raise StepFailed(shown, code)


def _answer(*command: str) -> Any:
    command = ("localcloud", "run", "--", *command)
    answer = subprocess.run(_resolved(command), cwd=CHECKOUT, check=False, stdout=subprocess.PIPE, text=True)
    if answer.returncode:
        raise StepFailed(shlex.join(command), answer.returncode)
    return json.loads(answer.stdout)


def _resolved(command: Sequence[str]) -> list[str]:
    """Our own programs out of the environment this runs in, whether or not it is activated."""
    own = Path(sys.executable).with_name(command[0])
    return [str(own) if os.access(own, os.X_OK) else command[0], *command[1:]]


if __name__ == "__main__":
    sys.exit(main())
