"""The processes of a chaos run: people who submit and cancel, and agents; each may be killed at any moment."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from dispatcher.api import Dispatcher
from dispatcher.errors import DispatchError
from tests.chaos.dying import Dying, Fate, watch_sqlite
from tests.chaos.journal import Journal
from tests.chaos.setting import Setting, wish

PAUSE = 2.0
"""Seconds of the run's clock between two ticks of an agent, and before somebody tries again."""


def warm() -> None:
    """Load what every process needs, in the one that all are forked from."""
    import botocore.session
    import google.auth.transport.requests
    import psycopg

    import dispatcher.backends.azureml.backend
    import dispatcher.backends.sagemaker.backend
    import dispatcher.backends.vertex.backend
    import dispatcher.cli.commands.submit
    import dispatcher.images.knowing
    import dispatcher.ledger.sqlite
    import dispatcher.planning
    import dispatcher.scheduling.tick

    assert all((botocore.session, google.auth.transport.requests, psycopg, dispatcher))


def agent(setting: Setting, process: str, fate: Fate) -> None:
    """Run ticks until SIGTERM."""
    journal = _begin(setting, process, fate)
    going = [True]

    def stop(number: int, frame: FrameType | None) -> None:
        going.clear()

    signal.signal(signal.SIGTERM, stop)
    with _open(setting) as dispatcher:
        while going:
            try:
                report = dispatcher.tick()
            except DispatchError as error:
                journal.note("refused", at="tick", error=error.message)
            else:
                for error, _ in report.errors:
                    journal.note("met", kind=type(error).__name__)
            dispatcher.sleep(PAUSE)


def submitter(setting: Setting, process: str, fate: Fate, slot: int, first: int, doubt: str | None) -> None:
    """Submit one's jobs from number `first` on; `doubt` is the id under which that one may have been recorded."""
    journal = _begin(setting, process, fate)
    dice = Random(f"{setting.seed}-{process}")
    with _open(setting) as dispatcher:
        for number in setting.numbers(slot, first):
            known = doubt if number == first else None
            while True:
                try:
                    _submit(dispatcher, journal, setting, number, known)
                    break
                except DispatchError as error:
                    journal.note("refused", at="submit", n=number, error=error.message)
                    known = journal.latest
                    dispatcher.sleep(PAUSE)
            if dice.random() < 0.05:
                dispatcher.sleep(PAUSE)


def _submit(dispatcher: Dispatcher, journal: Journal, setting: Setting, number: int, known: str | None) -> None:
    """Submit job `number`, unless it turns out that an earlier try did record it under the id `known`."""
    wanted = wish(setting, number)
    entry = dispatcher.ledger.entry(known) if known is not None else None
    if entry is None:
        plan = dispatcher.plan(wanted.job, wanted.queue)
        journal.note("submitting", n=number)
        entry = dispatcher.enqueue(plan)
    journal.note("recorded", n=number, id=entry.id)
    dispatcher.start(entry)
    if wanted.cancelled:
        journal.note("cancelling", n=number, id=entry.id)
        dispatcher.cancel(entry.id)
    journal.note("submitted", n=number, id=entry.id)


def _begin(setting: Setting, process: str, fate: Fate) -> Journal:
    """Make this process one of the run: its environment, its log, its journal, and how it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(setting.environment)
    os.environ["DISPATCH_USER"] = process
    log = os.open(setting.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout = sys.stderr = open(log, "w", buffering=1, closefd=False)
    journal = Journal(setting.journals, process, setting.clock)
    dying = Dying(journal, fate)
    _watch(dying, setting)
    _hurry(setting)
    journal.note("began", pid=os.getpid(), fate=fate.point)
    return journal


def _watch(dying: Dying, setting: Setting) -> None:
    from dispatcher.backends.azureml.backend import AzureMLBackend
    from dispatcher.backends.sagemaker.backend import SagemakerBackend
    from dispatcher.backends.vertex.backend import VertexBackend
    from dispatcher.ledger.sqlite import SqliteLedger

    watch_sqlite(dying)
    dying.ledger(SqliteLedger)
    for kind in (SagemakerBackend, VertexBackend, AzureMLBackend):
        dying.backend(kind)


def _hurry(setting: Setting) -> None:
    """Let the clients' own waits between two tries go by the run's clock."""
    import time as real

    import botocore.endpoint

    class Hurried:
        """What botocore uses of the module `time`."""

        time = staticmethod(real.time)
        sleep = staticmethod(setting.clock.sleep)

    botocore.endpoint.time = Hurried


def _open(setting: Setting) -> Dispatcher:
    def opened(*arguments: Any, **named: Any) -> Any:
        from dispatcher import backends

        return backends.open_backend(*arguments, **named)

    ledger: str | Path = setting.ledger
    return Dispatcher(ledger, clock=setting.clock, sleep=setting.clock.sleep, open_backend=opened)
