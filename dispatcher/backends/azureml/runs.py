"""Run history, which alone says when jobs ran and why they failed: asked for many at once, and often not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dispatcher.backends.azureml import faults
from dispatcher.backends.azureml.faults import NoConnection, NotFromHere
from dispatcher.backends.azureml.observe import mapping
from dispatcher.errors import UnreachableError

if TYPE_CHECKING:
    from dispatcher.backends.azureml.session import Session

TOGETHER = 100
"""Runs that are asked for in one call."""
CLOSED = 600.0
"""Seconds for which a zone that was closed from here is not asked again: each try may wait for a connection."""
SILENT = 3600.0
"""Seconds of failures after which what Resource Manager knows of a job has to do."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of runs: their records, whose are to come, and why nothing can be (empty when it can)."""

    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()
    unknown: str = ""


class RunHistory:
    """One zone's. It remembers for a while that it does not answer; `clock` says the time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._closed, self._until = "", 0.0
        self._silent: float | None = None

    def tell(self, session: Session, names: Sequence[str]) -> Told:
        """Say what there is of these jobs. That a record cannot be had just now is no error, for states are known.

        Raises what is the caller's to mend, as AuthError.
        """
        now, public = self._clock(), session.zone.network.mode == "public"
        if not names:
            return Told()
        if now < self._until:
            return Told(unknown=self._closed)
        try:
            told = _ask(session, names, again=public)
        except (NotFromHere, UnreachableError) as error:
            if isinstance(error, NotFromHere) or (isinstance(error, NoConnection) and not public):
                self._closed, self._until = error.message, now + CLOSED
                return Told(unknown=error.message)
            self._silent = now if self._silent is None else self._silent
            if now - self._silent >= SILENT:
                return Told(unknown=error.message)
            return Told(owed=frozenset(names))
        self._silent = None
        return told


def _ask(session: Session, names: Sequence[str], again: bool) -> Told:
    found: dict[str, Mapping[str, Any]] = {}
    owed: set[str] = set()
    for start in range(0, len(names), TOGETHER):
        asked = {name: {"runId": name, "selectRunMetadata": True} for name in names[start : start + TOGETHER]}
        answer = session.history("BatchGetRunData", "POST", "batchrundata", body={"requests": asked}, again=again)
        for name, one in mapping(answer.get("successfulResults")).items():
            found[name] = mapping(mapping(one).get("runMetadata"))
        failed = mapping(answer.get("failedResults"))
        # A run that is not there, as that of a job which never began, is an answer.
        owed |= {name for name in asked if not found.get(name) and not faults.missing(failed.get(name))}
    return Told(found, frozenset(owed))
