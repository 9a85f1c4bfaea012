"""What can go wrong, as exit codes and exceptions: each says what happened, the rule, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """Exit codes of every command; part of the contract with scripts (docs/exit-codes.md)."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    REFUSED = 3
    AUTH = 4
    QUOTA = 5
    CAPACITY = 6
    NOT_FOUND = 7
    UNREACHABLE = 8
    JOB_FAILED = 9
    JOB_TIMED_OUT = 10
    INTERRUPTED = 130


class DispatchError(Exception):
    """A refusal or failure that a user can act on; the command line prints it without a traceback."""

    exit_code = ExitCode.UNEXPECTED
    propagating = False
    """True when a role, grant or object made a moment ago may not have spread yet: retry while it is young."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document a user wrote: where, which key, which rule, and the remedy.

    `source` is the file as the user named it (or `--set`, `--env`); `line` counts from 1, None when the
    document has no lines; `path` is the key's path, such as `resources.gpu` or `command[2]`.
    """

    source: str
    line: int | None
    path: str
    rule: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        key = f" {self.path}:" if self.path else ""
        hint = f" ({self.remedy})" if self.remedy else ""
        return f"{place}:{key} {self.rule}{hint}"


class SpecError(DispatchError):
    """One or more documents are wrong; carries every problem found, not only the first."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class UsageError(DispatchError):
    """The command's own words are off, or a named file cannot be read."""

    exit_code = ExitCode.USAGE


class NotInstalledError(UsageError):
    """This installation cannot speak to that cloud; another one, which shares the ledger, may."""

    def __init__(self, cloud: str, why: object = "") -> None:
        reason = f" ({why})" if why else ""
        super().__init__(
            f"this installation has no client for {cloud}{reason}", f"pip install 'launchway[{cloud}]'"
        )


class NotHereError(UsageError):
    """Something that the job takes along is on the machine it was submitted from, and not on this one."""


class PolicyRefusal(DispatchError):
    """A rule forbids it; the message names the rule."""

    exit_code = ExitCode.REFUSED


class AuthError(DispatchError):
    """Not signed in, sign-in expired, or not allowed; the message names the action when the cloud does."""

    exit_code = ExitCode.AUTH


class QuotaError(DispatchError):
    """An account limit stands in the way; retrying will keep failing. The message names the quota."""

    exit_code = ExitCode.QUOTA


class CapacityError(DispatchError):
    """The cloud has none of this hardware now; a later try may succeed."""

    exit_code = ExitCode.CAPACITY


class NotFoundError(DispatchError):
    """No such job, queue, stack or file of outputs."""

    exit_code = ExitCode.NOT_FOUND


class UnreachableError(DispatchError):
    """The cloud, the registry or the ledger did not answer. Says nothing about the state of any job."""

    exit_code = ExitCode.UNREACHABLE


class AlreadyExistsError(DispatchError):
    """The cloud already has a job of this name: the submit went through earlier and can be adopted."""


class UnexpectedError(DispatchError):
    """What nobody foresaw, in words; the error itself is its cause."""


class LedgerError(DispatchError):
    """The ledger cannot be read or written (read-only, disk full, newer schema)."""


class OutdatedError(LedgerError):
    """A newer release has upgraded the ledger: this one cannot use it any more, however long it waits."""
