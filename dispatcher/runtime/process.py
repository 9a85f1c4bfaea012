"""Runs the command as the container's main process: hands signals on, watches the grace time, keeps the code."""

from __future__ import annotations

import os
import signal
import sys
from _thread import allocate_lock, start_new_thread

from . import log, terminal
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that are meant for the command."""
ENDING = (signal.SIGTERM, signal.SIGINT)
"""Those after which a cloud ends the container, once the grace time is over."""
MARGIN = 5.0
"""Seconds of the grace time that are kept to settle what the command leaves."""
MISSING, NOT_EXECUTABLE = 127, 126
KEPT = 65536
"""Bytes kept of what the command says last on standard error."""
_DRAIN = 1.0
"""Seconds to wait for the last lines after the command has ended: a process it left behind may hold the pipe."""


class End:
    """How the command ended: `code` as a container reports it, and the last that it said where that is kept."""

    def __init__(self, code: int, said: bytes = b"", *, overdue: bool = False) -> None:
        self.code = code
        self.said = said
        self.overdue = overdue

    def __str__(self) -> str:
        if self.overdue:
            return "the command did not end in its grace time and was killed"
        name = _name(self.code - 128)
        if name:
            why = " (out of memory is the usual reason)" if name == "SIGKILL" else ""
            return f"the command was ended by {name}{why}"
        return f"the command ended with exit code {self.code}"


def end_when_asked(say: Callable[[str], None]) -> None:
    """Until there is a command, end at once when asked: a first process ignores whatever it does not take."""

    def end(number: int, _frame: object) -> None:
        say(f"{_name(number)}: the command had not started")
        sys.exit(128 + number)

    for number in ENDING:
        signal.signal(number, end)
    # Inherited from somebody who ignores it, it would keep the command's exit code from us.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def run(
    argv: Sequence[str],
    environ: Mapping[str, str],
    say: Callable[[str], None],
    *,
    grace: Callable[[], float | None] = lambda: None,
    keep: bool = False,
) -> End:
    """Run the command to its end. Raises Fault when it cannot be started.

    `grace` says how many seconds the cloud gives between asking and killing, None when it does not say; it is
    called when a signal comes, not at every start. With `keep` what the command writes to standard error passes
    through here, and the end of it is kept.
    """
    actions: list[tuple[Any, ...]] = []
    tail = None
    if keep:
        tail = _Tail()
        actions = [(os.POSIX_SPAWN_DUP2, tail.inlet, 2)]
    state = _State(say, grace)
    for number in HANDED_ON:
        signal.signal(number, state.hand_on)
    signal.signal(signal.SIGALRM, state.kill)
    blocked: dict[str, Any] = terminal.watch(state.hand_on)
    try:
        # Python ignores SIGPIPE and SIGXFSZ, and a program inherits what is ignored.
        state.child = os.posix_spawnp(
            argv[0],
            list(argv),
            environ,
            file_actions=actions,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            **blocked,
        )
    except OSError as error:
        code = MISSING if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        hint = "it is not in the image's PATH" if code == MISSING and os.sep not in argv[0] else ""
        raise Fault(f"the command {argv[0]} cannot be started: {error.strerror}", hint, code) from error
    if tail:
        tail.start()
    state.catch_up()
    code = _wait(state.child)
    signal.setitimer(signal.ITIMER_REAL, 0)
    state.child = 0
    return End(code, tail.finish() if tail else b"", overdue=state.overdue)


def _wait(child: int) -> int:
    """Wait for the command, and for every process that was left to the container's first one."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


class _State:
    """The command's process and what was asked of it; handlers run between any two steps of `run`."""

    def __init__(self, say: Callable[[str], None], grace: Callable[[], float | None]) -> None:
        self.child = 0
        self.overdue = False
        self._say = say
        self._grace = grace
        self._early: list[int] = []

    def hand_on(self, number: int, _frame: object) -> None:
        """Pass a signal to the command; one that asks to end starts the grace time."""
        if not self.child:
            self._early.append(number)
            return
        self._send(number)
        if number in ENDING:
            grace = self._grace()
            if grace is not None and not signal.getitimer(signal.ITIMER_REAL)[0]:
                signal.setitimer(signal.ITIMER_REAL, max(grace - MARGIN, grace / 2))
            known = "" if grace is None else f"; it has {grace:g} s to end"
            self._say(f"{_name(number)}: handed to the command{known}")  # at last: a log may keep us waiting

    def catch_up(self) -> None:
        """Hand on what came before there was a command."""
        early, self._early = self._early, []
        for number in early:
            self.hand_on(number, None)

    def kill(self, _number: int, _frame: object) -> None:
        """End a command that did not when it was asked."""
        self.overdue = True
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        try:
            os.kill(self.child, number)
        except ProcessLookupError:
            pass


class _Tail:
    """Standard error of the command on its way to ours; the last of it is kept."""

    def __init__(self) -> None:
        self._outlet, self.inlet = os.pipe()
        self._kept = b""
        self._open = allocate_lock()

    def start(self) -> None:
        """Copy by a thread of its own until nobody can write any more: a full pipe would hold the command."""
        os.close(self.inlet)
        self._open.acquire()
        start_new_thread(self._copy, ())

    def _copy(self) -> None:
        try:
            while data := os.read(self._outlet, KEPT):
                self._kept = (self._kept + data)[-KEPT:]
                log.write(data)
        finally:
            self._open.release()

    def finish(self) -> bytes:
        """Return the last of what was said."""
        self._open.acquire(timeout=_DRAIN)
        return self._kept


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
