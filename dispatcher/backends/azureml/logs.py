"""A job's lines: one file for each process, which Azure ML writes as they come and run history points to.

Azure ML keeps no time with a line. A line's time here is when its file was last written, as of the answer that
brought the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from dispatcher.backends.azureml.faults import translated
from dispatcher.backends.base import LogLine
from dispatcher.backends.faults import Throttled
from dispatcher.backends.following import follow
from dispatcher.errors import NotFoundError

if TYPE_CHECKING:
    from dispatcher.backends.azureml.session import Session

PRINTED = re.compile(r"user_logs/std_log.*\.txt")
"""What programs print: `std_log.txt`, or `std_log_process_1.txt` of several (azure-ai-ml's JobLogPattern)."""
BEFORE = re.compile(r"azureml-logs/\d{2}.+\.txt")
"""What is there when no program has begun: the image, and what Azure ML made of the job."""
SHORTEST, LONGEST = 2.0, 15.0
"""Seconds between two looks while lines arrive, and when nothing has come for a while."""
_CHUNK = 1024 * 1024


@dataclass(slots=True)
class _File:
    """One log: how many bytes have been read, and the beginning of a line whose end has not."""

    node: str
    have: int = 0
    rest: bytes = b""
    time: int = 0


@dataclass(slots=True)
class LogReader:
    """Reads the logs of the job `name`."""

    session: Session
    name: str
    _files: dict[str, _File] = field(default_factory=dict)
    _seen: bool = False
    """Whether its run has been there."""

    def read(self) -> Iterator[LogLine]:
        """Yield what is there now, in the order of files, the first node's first."""
        yield from self._look()
        yield from self._rests()

    def follow(self, done: Callable[[], bool], sleep: Callable[[float], None]) -> Iterator[LogLine]:
        """Yield lines as they come until `done()` and two quiet looks."""
        yield from follow(self._gathered, done, sleep, shortest=SHORTEST, longest=LONGEST)
        yield from self._rests()

    def _gathered(self) -> list[LogLine]:
        lines: list[LogLine] = []
        with suppress(Throttled):  # what was read is kept, and the rest comes with a later look
            lines.extend(self._look())
        return lines

    def _look(self) -> Iterator[LogLine]:
        """Yield the whole lines that are new."""
        try:
            details = self.session.history("GetRunDetails", "GET", f"runs/{self.name}/details")
        except NotFoundError:
            if self._seen:
                raise
            return  # a job is there before its run is, and one that never began has none
        found: Mapping[str, Any] = details.get("logFiles") or {}
        self._seen = True
        names = sorted(filter(PRINTED.fullmatch, found), key=_order)
        for name in names or sorted(filter(BEFORE.fullmatch, found)):
            file = self._files.setdefault(name, _File(_node(name)))
            yield from self._new(file, str(found[name]))

    def _new(self, file: _File, url: str) -> Iterator[LogLine]:
        with translated("GetLog", self.session.caller):
            answer = self.session.signed("GetLog", url, start=file.have)
            if answer is None:
                return
            file.time = _written(answer) or file.time
            again = file.have if answer.status_code != 206 else 0  # a whole file, though a part was asked for
            for chunk in answer.iter_raw():
                again, chunk = max(0, again - len(chunk)), chunk[again:]
                file.have += len(chunk)
                *whole, file.rest = (file.rest + chunk).split(b"\n")
                for line in whole:
                    yield _line(file, line)

    def _rests(self) -> Iterator[LogLine]:
        """Yield what programs printed without ending the line."""
        for file in self._files.values():
            if file.rest:
                yield _line(file, file.rest)
                file.rest = b""


def _line(file: _File, text: bytes) -> LogLine:
    return LogLine(file.time, file.node, text.decode(errors="replace").rstrip("\r"))


def _node(name: str) -> str:
    """The process of a log: `process_1`; `std_log` where there is one only."""
    return PurePosixPath(name).stem.removeprefix("std_log_")


def _order(name: str) -> list[tuple[int, str]]:
    """Sort `process_10` behind `process_9`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _written(answer: Any) -> int:
    """When a file was last written, in milliseconds since 1970; 0 when the answer does not say."""
    try:
        return int(parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp() * 1000)
    except (KeyError, TypeError, ValueError):
        return 0
