"""`dispatch-run [--print] [--] COMMAND...`: prepare what the container lacks, run the command, end as it ends."""

from __future__ import annotations

import os
import sys

from . import PROGRAM, cluster, code, failure, folders, log, process, secrets
from .fault import FAULT, Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USAGE = f"""\
usage: {PROGRAM} [--print] [--] COMMAND...

Runs COMMAND in a container of a job with the same cluster, folders, secrets and code on every cloud.

  --print    show what is found here; with COMMAND, run it afterwards
  --version  show the version
  --help     show this
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run with the words of this process, and return the exit code: the command's own once it has started."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    shown = False
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        if word in ("--help", "-h"):
            print(USAGE, end="")
            return 0
        if word == "--version":
            print(PROGRAM, _version())
            return 0
        if word != "--print":
            say(f"{word} is not an option of {PROGRAM}: put -- before the command\n{USAGE}".rstrip())
            return FAULT
        shown = True
    process.end_when_asked(say)
    reason = failure.place(os.environ)
    try:
        return _main(words, os.environ, reason, shown=shown)
    except Fault as fault:
        for line in str(fault).splitlines():
            say(line)
        if reason:
            failure.write(reason, f"{PROGRAM}: {fault}")
        return fault.code


def _main(command: Sequence[str], environ: Mapping[str, str], reason: str, *, shown: bool) -> int:
    found = cluster.find(environ)
    cloud = environ.get("DISPATCH_CLOUD") or found.cloud
    if shown:
        from . import report

        print(report.table(environ, found, _version(), grace(cloud), reason), flush=True)
        if not command:
            return 0
    if not command:
        raise Fault("there is no command to run", f"{PROGRAM} [--print] [--] COMMAND...")
    asked = environ.get("DISPATCH_NODES", str(found.nodes))
    if asked != str(found.nodes):
        say(f"the job asked for {asked} nodes, and {found.source} has {found.nodes}")
    for line in folders.prepare(environ, found.rank):
        say(line)
    known = found.environment(environ)
    directory = code.unpack(environ)
    try:
        if directory:
            known.update(code.variables(environ, directory))
            os.chdir(directory)
        return _run(command, known, reason, cloud, found.rank)
    finally:
        code.remove(directory)


def _run(command: Sequence[str], environ: Mapping[str, str], reason: str, cloud: str, rank: int) -> int:
    """Run the command with its secrets, settle what it left, and say how it ended."""
    try:
        given = secrets.resolved(environ)
    except secrets.SecretError as error:
        raise Fault("\n".join(error.lines)) from error
    started = _now()
    end = process.run(command, given, say, grace=lambda: grace(cloud), keep=bool(reason))
    checkpoints = given.get(folders.CHECKPOINTS)
    if checkpoints and cloud != "aws":  # there the service's own agent copies what is on the disk
        folders.settle(checkpoints, started)
    if rank == 0:
        from . import metrics

        metrics.tell(given, started)
    if end.code:
        say(str(end))
        if reason:
            values = [given[name] for name in secrets.references(environ) if name in given]
            failure.write(reason, str(end), end.said, values)
    return end.code


def grace(cloud: str) -> float | None:
    """Return how many seconds this cloud gives between asking a container to end and ending it, None if unsaid."""
    import json
    import pkgutil

    data = pkgutil.get_data(__package__ or "", "data/grace.json")
    seconds = json.loads(data or b"{}").get(cloud, {}).get("seconds")
    return None if seconds is None else float(seconds)


def say(text: str) -> None:
    """Put a line into the job's log that shows who says it."""
    log.write(f"{PROGRAM}: {text}\n".encode("utf-8", "surrogateescape"))


def _now() -> float:
    import time

    return time.time()


def _version() -> str:
    from .. import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
