"""A ledger with what surrounds it, each opened when it is first needed: the parts of a dispatcher."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dispatcher.clock import Clock, Sleep, stamp
from dispatcher.errors import NotInstalledError
from dispatcher.ledger import Ledger, address
from dispatcher.steadiness import Steadiness
from dispatcher.steadiness import steady as machine

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend
    from dispatcher.redact import Redactor
    from dispatcher.scheduling.work import Work
    from dispatcher.sites import Sites


def open_ledger(
    place: address.Place, *, readonly: bool = False, redactor: Redactor | None = None, sleep: Sleep = time.sleep
) -> Ledger:
    """Open it; only what it is made of is imported."""
    if place.url is not None:
        try:
            from dispatcher.ledger.postgres.engine import PostgresLedger
        except ImportError as error:
            raise NotInstalledError("postgres", error) from error
        return PostgresLedger(place.url, readonly=readonly, redactor=redactor)
    from dispatcher.ledger.sqlite import SqliteLedger

    assert place.file is not None
    return SqliteLedger(place.file, readonly=readonly, redactor=redactor, sleep=sleep)


class Opened:
    """The ledger, the clouds, the clock and the person; nothing is opened before it is asked for.

    `steady` is a clock that nobody sets, which tells when `clock` was; one that is given without it is believed.
    """

    def __init__(
        self,
        ledger: str | Path | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        steady: Clock | None = None,
        sleep: Sleep = time.sleep,
        open_backend: Callable[..., Backend] | None = None,
    ) -> None:
        self.environment = os.environ if environment is None else environment
        self.clock = clock or self._now
        self.sleep = sleep
        self.notice: Callable[[str], None] = lambda text: None
        self._open_backend = open_backend
        self._place = address.place(str(ledger) if ledger is not None else None, self.environment)
        self._path = self._place.path
        self._writable: Ledger | None = None
        self._readable: Ledger | None = None
        self._sites: Sites | None = None
        self._steady = steady or (machine if clock is None else self.clock)
        self._steadiness: Steadiness | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened for changes; made when it does not exist yet."""
        if self._writable is None:
            self._writable = self.another()
            if words := self.doubtful:
                self.notice(f"warning: {words}")
        return self._writable

    @property
    def doubtful(self) -> str | None:
        """Why the ledger should not be where it is; None when nothing speaks against it."""
        from dispatcher.ledger import filesystem

        return filesystem.warning(self._place.file) if self._place.file is not None else None

    def another(self) -> Ledger:
        """The ledger, opened for changes once more: for a thread of its own, which closes it."""
        return open_ledger(self._place, redactor=self.redactor, sleep=self.sleep)

    @property
    def reading(self) -> Ledger:
        """The ledger for questions only: a read-only file will do, and a missing one is empty."""
        if self._writable is not None:
            return self._writable
        if self._readable is None:
            self._readable = open_ledger(self._place, readonly=True)
        return self._readable

    def close(self) -> None:
        """Close the ledger."""
        for opened in (self._writable, self._readable):
            if opened is not None:
                opened.close()
        self._writable = self._readable = self._sites = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def who(self) -> str:
        """The person, as history and the clouds' audit logs will name them."""
        import getpass

        named = self.environment.get("DISPATCH_USER") or self.environment.get("USER")
        return self.redactor.text(named or getpass.getuser())

    @property
    def redactor(self) -> Redactor:
        """What takes secrets out of everything that is recorded or shown; it knows those of the environment."""
        from dispatcher.redact import Redactor

        return Redactor.of(self.environment)

    def places(self, *, write: bool) -> Sites:
        """The queues and zones, with the cloud behind each; those of a ledger for changes with `write`."""
        if self._sites is None or (write and self._sites.ledger is not self._writable):
            from dispatcher import backends
            from dispatcher.code import keeping
            from dispatcher.sites import Sites

            ledger = self.ledger if write else self.reading
            opener = self._open_backend or backends.open_backend
            self._sites = Sites(
                ledger, self.who, self._place.folder / "local-jobs", keeping.beside(self._path), opener
            )
        return self._sites

    def work(self) -> Work:
        """What a tick works with."""
        import platform
        import secrets

        from dispatcher.scheduling.process import alive, owner
        from dispatcher.scheduling.work import Work

        host = platform.node()
        if self._steadiness is None:
            self._steadiness = Steadiness(self.clock, self._steady)
        return Work(
            ledger=self.ledger,
            site=self.places(write=True).site,
            clock=self.clock,
            sleep=self.sleep,
            owner=owner(self.who, host),
            token=lambda: secrets.token_hex(8),
            alive=lambda other: alive(other, host),
            notice=self.notice,
            host=host,
            beside=self.another,
            sure=self._steadiness.sure,
        )

    def _now(self) -> float:
        """The time that all who share the ledger agree on; this machine's, when nobody does."""
        shared = None if self._place.url is None else self.reading.clock
        return (shared or time.time)()

    def stamp(self) -> str:
        """Now, as the ledger writes it."""
        return stamp(self.clock())
