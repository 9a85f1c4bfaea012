"""What a registry wants to be shown, and getting it: Basic, or a token of its token server (distribution spec)."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from dispatcher.backends import standin
from dispatcher.errors import UnreachableError
from dispatcher.images import transport
from dispatcher.images.login import Denied, Login
from dispatcher.images.transport import Transport

_PARAMETER = re.compile(r'([A-Za-z_]+)="([^"]*)"')


@dataclass(slots=True)
class Authority:
    """Answers the challenges of one registry, and remembers what it answered for each scope."""

    host: str
    login: Login | None
    transport: Transport
    _shown: dict[str, str] = field(default_factory=dict)

    def shown(self, scope: str) -> dict[str, str]:
        """Return the header for a scope, as far as it is known."""
        known = self._shown.get(scope) or self._shown.get("")
        return {"Authorization": known} if known else {}

    def meet(self, challenge: str, scope: str) -> bool:
        """Get what `challenge` (a WWW-Authenticate header) asks for; False when there is nothing to show."""
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            if self.login is None or "" in self._shown:
                return False
            self._shown[""] = _basic(self.login)
            return True
        if kind.lower() != "bearer" or scope in self._shown:
            return False
        asked = dict(_PARAMETER.findall(rest))
        self._shown[scope] = f"Bearer {self._token(asked, scope)}"
        return True

    def _token(self, asked: dict[str, str], scope: str) -> str:
        realm = asked.get("realm", "")
        query = urlencode(
            {key: value for key, value in (("service", asked.get("service")), ("scope", scope)) if value}
        )
        headers = {"Authorization": _basic(self.login)} if self.login and self._trusted(realm) else {}
        with self.transport.send("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", headers) as answer:
            if answer.status in (400, 401, 403):
                who = self.login.identity if self.login else "nobody"
                raise Denied(f"{self.host} gives {who} no token for {scope}: {answer.words() or answer.status}")
            try:
                document = json.loads(answer.read())
                return str(document.get("token") or document["access_token"])
            except (ValueError, KeyError, AttributeError) as error:
                raise UnreachableError(f"the token server of {self.host} answered {answer.status}") from error

    def _trusted(self, realm: str) -> bool:
        """Whether a token server is the registry's own: a login is shown to nobody else."""
        parts = urlsplit(realm)
        if standin.loopback(parts.hostname or ""):
            # In clear, and to whoever listens there: only where a registry of this machine stands in for all.
            return transport.stand_in() is not None
        return parts.scheme == "https" and parts.hostname == self.host.partition(":")[0]


def _basic(login: Login) -> str:
    return f"Basic {base64.b64encode(f'{login.user}:{login.secret}'.encode()).decode()}"
