"""Run a script so that an interrupt unwinds it once, quietly and soon; standard library only.

`python interruptible.py SCRIPT ARG...` runs in the program's own interpreter. Python's own answer to SIGINT
prints the tracebacks of asyncio, gRPC and the SDK into the engine's output; and the SDK, when the program
has been unwound, waits for answers of an engine that has stopped giving any.
"""

import os
import runpy
import selectors
import signal
import sys
import warnings
from types import FrameType

_LOOK_EVERY = 0.25  # seconds


class Interrupted(SystemExit):
    """Passes through `except Exception` and through asyncio, so that `finally` blocks still run."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _leave_when_idle)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY, _LOOK_EVERY)
    raise Interrupted(128 + number)


def _leave_when_idle(number: int, frame: FrameType | None) -> None:
    """End once the main thread only waits in the event loop: the program's own cleaning up is over then."""
    if frame is not None and frame.f_code.co_filename == selectors.__file__:
        _leave(128 + signal.SIGINT)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Run the script named in argv as `__main__`, with its own folder first on the path."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    del sys.argv[0]
    sys.path[0] = os.path.dirname(sys.argv[0])  # noqa: PTH120 - pathlib would cost 10 ms of every run
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except Interrupted as interrupted:
        _leave(int(interrupted.code or 0))


if __name__ == "__main__":
    main()
