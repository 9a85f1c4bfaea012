"""Waiting for a job on a terminal: its states, its log lines, and a Ctrl-C that leaves it running."""

from __future__ import annotations

import sys
from collections import deque

from dispatcher.api import Dispatcher
from dispatcher.backends.base import LogLine
from dispatcher.cli import output
from dispatcher.clock import moment
from dispatcher.documents.quantities import human_duration
from dispatcher.errors import AuthError, CapacityError, DispatchError, ExitCode, NotInstalledError
from dispatcher.ledger import Entry

LAST, PATIENCE = 10, 5.0
"""How many lines of a failed job are shown, and for how many seconds its log is read to find them."""


def until_ended(dispatcher: Dispatcher, id: str, form: str, *, lines: bool = True) -> int:
    """Wait for a job, print how it ended, and return the exit code that says so.

    `lines` shows the last lines of one that failed.
    """
    dispatcher.notice = output.note
    try:
        entry = dispatcher.wait(id, seen=_progress)
    except KeyboardInterrupt:
        return _goes_on(dispatcher, id)
    except (AuthError, NotInstalledError) as error:
        fate(error, id, dispatcher.show(id))
        raise
    code = ended(entry, form)
    if lines:
        last_lines(dispatcher, entry)
    return code


def last_lines(dispatcher: Dispatcher, entry: Entry) -> None:
    """Show on stderr what a failed job printed last, when its log can be had quickly; never an error."""
    if entry.state != "failed" or not entry.started:
        return
    last: deque[LogLine] = deque(maxlen=LAST)
    limit = dispatcher.clock() + PATIENCE
    try:
        for line in dispatcher.logs(entry.id):
            last.append(line)
            if dispatcher.clock() > limit:
                return  # what was read so far is not its end
    except Exception:
        return  # the log is an extra; `dispatch logs` tells what is wrong with it
    if last:
        output.note(f"  its last lines (all of them: dispatch logs {entry.id}):")
    for line in last:
        print_line(line, entry.nodes, "text", to_stderr=True)


def follow_logs(dispatcher: Dispatcher, id: str, *, form: str = "text", to_stderr: bool = False) -> int:
    """Print a job's lines until it has ended; non-zero when interrupted."""
    dispatcher.notice = output.note
    try:
        nodes = dispatcher.show(id).nodes
        for line in dispatcher.logs(id, follow=True, seen=_trouble):
            print_line(line, nodes, form, to_stderr=to_stderr)
    except KeyboardInterrupt:
        return _goes_on(dispatcher, id)
    except (AuthError, NotInstalledError) as error:
        fate(error, id, dispatcher.show(id))
        raise
    return 0


def print_line(line: LogLine, nodes: int, form: str, *, to_stderr: bool = False) -> None:
    """One log line; as JSON it is one object a line, so that it can be streamed."""
    if form == "json":
        output.print_json({"time": line.time, "node": line.node, "text": line.text}, indent=None)
    else:
        output.say(f"{line.node}  {line.text}" if nodes > 1 else line.text, err=to_stderr)


def ended(entry: Entry, form: str) -> int:
    """Print the end of a job and return its exit code. Raises CapacityError when its cloud had no room (left)."""
    if form == "json":
        output.print_json(entry.as_json())
    else:
        output.say(f"{output.coloured(entry.state, entry.state)} {entry.id}{_took(entry)}")
        if entry.reason and entry.state != "succeeded":
            output.say(f"  {entry.reason}")
        if place := outputs(entry):
            output.say(f"  output: {place}")
    if entry.state == "failed" and entry.cause == "capacity":
        raise CapacityError(
            f"zone {entry.zone} had no capacity for job {entry.id} ({entry.nodes} x {entry.hardware})",
            f"dispatch retry {entry.id} sends it once more; `retries` with retry_on: [capacity] do that unasked;"
            " or submit it with other hardware (--set resources.instance=...), or to a queue of another zone",
        )
    return {"succeeded": ExitCode.OK, "timed_out": ExitCode.JOB_TIMED_OUT}.get(entry.state, ExitCode.JOB_FAILED)


def outputs(entry: Entry) -> str | None:
    """Where a job's outputs are; what did not succeed may have left none, and what did not start has none."""
    if entry.state == "succeeded":
        return entry.model_uri
    return f"{entry.model_uri} (if it wrote any)" if entry.model_uri and entry.started_at else None


def _took(entry: Entry) -> str:
    start = entry.started_at or entry.claimed_at
    parts = [f"after {human_duration(moment(entry.ended_at) - moment(start))}"] if entry.ended_at and start else []
    parts += [f"billed {human_duration(entry.billable_seconds)}"] if entry.billable_seconds is not None else []
    return f" ({', '.join(parts)})" if parts else ""


def fate(error: DispatchError, id: str, entry: Entry) -> None:
    """Add to an error of the cloud what became of the recorded job."""
    if entry.state == "queued":
        kept = f"job {id} stays queued: dispatch wait {id} tries again, dispatch cancel {id} drops it"
    elif entry.state == "submitting":
        kept = f"job {id} may have been submitted: dispatch wait {id} looks it up before anything is sent again"
    elif entry.final:
        kept = f"job {id} is recorded as {entry.state}"
    else:
        kept = f"job {id} goes on, last seen {entry.state}: dispatch wait {id} asks again"
    error.remedy = f"{error.remedy}\n{kept}" if error.remedy else kept


def _progress(entry: Entry) -> None:
    _trouble(entry)
    quiet = not (entry.final or entry.last_error or _again(entry))
    if quiet and sys.stderr.isatty():
        output.note(f"  {output.coloured(entry.state, entry.state, stream=sys.stderr)}")


def _again(entry: Entry) -> bool:
    return entry.attempt > 1 and entry.state in ("queued", "pending")


def _trouble(entry: Entry) -> None:
    """Say what stands in the way, or that a job begins anew."""
    if entry.final:
        return
    if entry.last_error:
        output.note(f"  {entry.state}; {entry.last_error}; still trying")
    elif _again(entry):
        machines = "on spot" if entry.spot else "on demand"
        output.note(f"  {entry.state}: attempt {entry.attempt}, {machines}, because {entry.reason}")


def _goes_on(dispatcher: Dispatcher, id: str) -> int:
    entry = dispatcher.show(id)
    if entry.state == "queued":
        output.note(f"\nstopped waiting; job {id} stays queued, and is sent when a command runs the queue")
    else:
        output.note(f"\nstopped waiting; job {id} goes on")
    output.note(f"  dispatch wait {id}      to wait again")
    output.note(f"  dispatch logs -f {id}   to follow its lines")
    output.note(f"  dispatch cancel {id}    to stop it")
    return ExitCode.INTERRUPTED
