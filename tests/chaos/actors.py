"""The processes of a chaos run: people who submit and cancel, and agents; each may be killed at any moment."""

from __future__ import annotations

import os
import signal
import sys
from random import Random
from typing import Any

from dispatcher.api import Dispatcher
from dispatcher.errors import DispatchError
from tests.chaos.dying import Dying, Fate, watch_postgres, watch_sqlite
from tests.chaos.journal import Journal
from tests.chaos.setting import Setting, hurry, wish

PAUSE = 2.0
"""Seconds of the run's clock before somebody tries again."""


def warm() -> None:
    """Load what every process needs, in the one that all are forked from."""
    import botocore.loaders
    import botocore.session
    import google.auth.transport.requests
    import psycopg

    import dispatcher.agent.opening
    import dispatcher.backends.azureml.backend
    import dispatcher.backends.sagemaker.backend
    import dispatcher.backends.vertex.backend
    import dispatcher.cli.commands.submit
    import dispatcher.images.knowing
    import dispatcher.ledger.postgres.engine
    import dispatcher.ledger.sqlite
    import dispatcher.planning
    import dispatcher.scheduling.tick

    _read_once(botocore.loaders.JSONFileLoader)
    botocore.session.get_session().create_client("sagemaker", "eu-central-1")
    assert all((botocore.session, google.auth.transport.requests, psycopg, dispatcher))


def _read_once(loader: Any) -> None:
    """Keep what botocore reads from its data files, for all that are forked from this process."""
    read, kept = loader.load_file, {}

    def once(self: Any, path: str) -> Any:
        if path not in kept:
            kept[path] = read(self, path)
        return kept[path]

    loader.load_file = once


def agent(setting: Setting, process: str) -> None:
    """Be `dispatch agent` until SIGTERM."""
    _begin(setting, process)
    with _open(setting) as dispatcher:
        agent = dispatcher.agents.make(name=process, write=lambda line: print(process, line), steady=setting.clock)
        signal.signal(signal.SIGTERM, lambda number, frame: agent.stop())
        agent.run(agent.pulse)


def submitter(setting: Setting, process: str, slot: int, first: int, doubt: str | None) -> None:
    """Submit one's jobs from number `first` on; `doubt` is the id under which that one may have been recorded."""
    journal = _begin(setting, process)
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


def _begin(setting: Setting, process: str) -> Journal:
    """Make this process one of the run: its environment, its log, its journal, and how it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(setting.environment)
    os.environ["DISPATCH_USER"] = process
    log = os.open(setting.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout = sys.stderr = os.fdopen(log, "w", buffering=1)
    journal = Journal(setting.journals, process, setting.clock)
    dying = Dying(journal)
    signal.signal(signal.SIGUSR1, lambda number, frame: dying.doom(Fate.heard(setting.fates, process)))
    _watch(dying)
    hurry(setting.clock.speed)
    journal.note("began", pid=os.getpid())
    return journal


def _watch(dying: Dying) -> None:
    from dispatcher.backends.azureml.backend import AzureMLBackend
    from dispatcher.backends.sagemaker.backend import SagemakerBackend
    from dispatcher.backends.vertex.backend import VertexBackend
    from dispatcher.ledger.postgres.engine import PostgresLedger
    from dispatcher.ledger.sqlite import SqliteLedger

    watch_sqlite(dying)
    watch_postgres(dying)
    for ledger in (SqliteLedger, PostgresLedger):
        dying.ledger(ledger)
    for kind in (SagemakerBackend, VertexBackend, AzureMLBackend):
        dying.backend(kind)


def _open(setting: Setting) -> Dispatcher:
    return Dispatcher(setting.ledger, clock=setting.clock, sleep=setting.clock.sleep)
