"""`dispatch doctor`: what this machine, the ledger and every zone need, each with a verdict and a remedy."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dispatcher import stack
from dispatcher.errors import AuthError, DispatchError, ExitCode, UnreachableError, UsageError

if TYPE_CHECKING:
    from dispatcher.api import Dispatcher
    from dispatcher.ledger import Ledger
    from dispatcher.sites import Line

_OFF = 5.0
"""Seconds that a clock may be off before that is worth a word."""

PROBE = "dispatch-doctor-00000000-1"
"""A name no submission has: asking for it shows that we are signed in, may read jobs, and get an answer."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. `code` is the exit code that a failure stands for."""

    subject: str
    verdict: Literal["ok", "warn", "fail"]
    finding: str
    remedy: str = ""
    code: ExitCode = ExitCode.UNEXPECTED


def examine(dispatcher: Dispatcher) -> Iterator[Check]:
    """Run every check; none raises, and a later one does not depend on an earlier one."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "ok", version)
    yield from _programs(dispatcher.environment)
    yield from _ledger(dispatcher)
    yield from _zones(dispatcher)


def _programs(environment: Mapping[str, str]) -> Iterator[Check]:
    for extra, module in (
        ("aws", "botocore"),
        ("gcp", "google.cloud.aiplatform"),
        ("azure", "azure.mgmt.core"),
        ("postgres", "psycopg"),
    ):
        if _installed(module):
            yield Check(f"extra {extra}", "ok", f"{module} is installed")
        else:
            yield Check(
                f"extra {extra}", "warn", "not installed", f"only if you use it: pip install 'launchway[{extra}]'"
            )
    program = stack.pulumi(environment)
    if program:
        yield Check("pulumi", "ok", program)
    else:
        yield Check(
            "pulumi",
            "warn",
            "neither on PATH nor beside this Python",
            "needed for `dispatch sync` without --outputs",
        )


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _ledger(dispatcher: Dispatcher) -> Iterator[Check]:
    try:
        # A change that changes nothing: it takes the lock, writes the log and syncs the disk.
        dispatcher.ledger.remember("doctor_at", dispatcher.stamp())
        jobs = dispatcher.count()
    except DispatchError as error:
        yield Check("ledger", "fail", error.message, error.remedy, error.exit_code)
        return
    environment = dispatcher.ledger.meta("environment")
    where = f"{dispatcher.ledger.name}: {jobs} jobs, environment {environment or 'none yet'}"
    if doubt := dispatcher.doubtful:
        yield Check("ledger", "warn", f"{where}; {doubt}", "move the file, or name a database with --ledger")
    else:
        yield Check("ledger", "ok", where)
    if dispatcher.ledger.exposed:
        how = "put sslmode=verify-full into its address (docs/postgresql.md)"
        yield Check("encryption", "warn", "what is said to the ledger can be read on the way", how)
    yield from _time(dispatcher.ledger)
    if warning := dispatcher.stalled():
        yield Check("ticks", "warn", warning, "keep one command waiting")


def _time(ledger: Ledger) -> Iterator[Check]:
    """How far this machine's clock is from that of a ledger that many machines share."""
    if ledger.clock is None:
        return
    ahead = time.time() - ledger.clock()
    if abs(ahead) < _OFF:
        yield Check("time", "ok", "the ledger's own, and this machine's agrees")
        return
    how = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the ledger's, by which everybody goes"
    yield Check("time", "warn", f"this machine's clock is {how}", "set it: clouds refuse who is minutes off")


def _zones(dispatcher: Dispatcher) -> Iterator[Check]:
    try:
        rows = dispatcher.queues()
    except DispatchError:
        return
    if not rows:
        yield Check("queues", "warn", "none: nothing has been synced", "run `dispatch sync` after `pulumi up`")
    seen: set[tuple[str, str]] = set()
    for row in rows:
        line = dispatcher.queue(row.name)
        key = (line.queue.zone, line.queue.identity)
        if key not in seen:
            seen.add(key)
            yield _zone(dispatcher, line)


def _zone(dispatcher: Dispatcher, line: Line) -> Check:
    """Open the zone and ask it for a job that does not exist."""
    subject = f"zone {line.queue.zone}"
    role = "as the agent identity" if line.queue.identity == "agent" else "as you are signed in"
    if line.cloud == "azure" and line.queue.identity == "agent":
        role = "as you are signed in, or as the agent identity where this machine carries it"
    try:
        dispatcher.backend(line).adopt(PROBE)
    except AuthError as error:
        return Check(subject, "fail", error.message, error.remedy, error.exit_code)
    except UnreachableError as error:
        return Check(subject, "fail", f"no answer: {error.message}", error.remedy, error.exit_code)
    except UsageError as error:
        return Check(subject, "warn", error.message, error.remedy, error.exit_code)
    except DispatchError as error:
        return Check(subject, "fail", error.message, error.remedy, error.exit_code)
    return Check(subject, "ok", f"{line.cloud} answers {role}")
