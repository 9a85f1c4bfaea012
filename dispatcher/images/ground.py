"""The zone that an image is built or copied for, opened: its registry, who signs in there, and the ledger."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dispatcher import contract
from dispatcher.backends import image_rules
from dispatcher.errors import AuthError, NotFoundError, UsageError
from dispatcher.images import transport
from dispatcher.images.login import Denied, Login, SignsIn
from dispatcher.images.registry import Registry
from dispatcher.images.transport import Transport
from dispatcher.queue import Identity, Queue
from dispatcher.sites import Line

if TYPE_CHECKING:
    from dispatcher.api import Dispatcher
    from dispatcher.contract import Zone
    from dispatcher.ledger import ZoneRow


@dataclass(frozen=True, slots=True)
class Ground:
    """One zone; `identity` is who pushes: the zone's agent where the contract lets it, else who is signed in."""

    name: str
    zone: Zone
    identity: str
    backend: SignsIn
    calls: Transport

    @property
    def host(self) -> str:
        """The host of the zone's registry."""
        return self.zone.registry.url.partition("/")[0]

    def login(self, host: str | None = None) -> Login:
        """Sign in to the zone's registry, or to another that its cloud knows. Raises AuthError and friends."""
        if self.backend.local() and transport.stand_in() is None:
            raise NotFoundError(
                f"zone {self.name} is of a local cloud, which has no registry",
                f"start one on this machine, and name it: {transport.ENDPOINT}=http://127.0.0.1:5000",
            )
        return self.backend.registry_login(host or self.host, self.calls)

    @contextlib.contextmanager
    def pushing(self, login: Login) -> Iterator[Registry]:
        """The zone's registry, to write to; a refusal says who lacks which right."""
        try:
            yield Registry(self.host, login, self.calls)
        except Denied as error:
            needed = image_rules(self.zone.cloud).PUSH_RIGHT
            raise AuthError(
                f"{error.message}: {login.identity} needs {needed}",
                f"imagePush: true on zone {self.name}, `pulumi up` and `dispatch sync` let its agent push",
            ) from error


def ground(dispatcher: Dispatcher, name: str | None) -> Ground:
    """Open a zone of the ledger; without a name, the only one there is. Raises NotFoundError, UsageError."""
    row = _row(dispatcher, name)
    zone = contract.trusted(json.loads(row.document))
    may = image_rules(zone.cloud).PUSH_ACTION in zone.actions.agent
    who: Identity = "agent" if may else "ambient"
    backend = dispatcher.backend(Line(Queue(name=row.name, zone=row.name, identity=who), None, row))
    if not isinstance(backend, SignsIn):
        raise UsageError(f"zone {row.name} has no registry to sign in to")
    return Ground(row.name, zone, who, backend, Transport(dispatcher.who, sleep=dispatcher.sleep))


def host_of(row: ZoneRow) -> str:
    """Return the host of a zone's registry, without opening the zone."""
    url: str = json.loads(row.document)["registry"]["url"]
    return url.partition("/")[0]


def _row(dispatcher: Dispatcher, name: str | None) -> ZoneRow:
    rows = {row.name: row for row in dispatcher.reading.zones()}
    if name is None and len(rows) == 1:
        return next(iter(rows.values()))
    if not rows:
        raise NotFoundError("there is no zone yet", "run `dispatch sync` after `pulumi up`")
    if name is None:
        raise UsageError("there is more than one zone: say which", f"--zone with one of {', '.join(rows)}")
    if name not in rows:
        from dispatcher.documents.reading import did_you_mean

        raise NotFoundError(f"there is no zone {name}", did_you_mean(name, list(rows)))
    return rows[name]


def lendable(login: Login) -> Login:
    """The same login, under the address at which other programs find the registry."""
    local = transport.stand_in()
    if local is None:
        return login
    return Login(f"{urlsplit(local).netloc}/{login.host}", login.user, login.secret, login.identity)
