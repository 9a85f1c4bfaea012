"""Who signs in to a registry: a name and a token that ends within hours, and never a stored password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dispatcher.errors import AuthError

if TYPE_CHECKING:
    from dispatcher.images.transport import Transport


@dataclass(frozen=True, slots=True)
class Login:
    """What a registry's token server is shown. `host` is the registry, `identity` who that is, for messages."""

    host: str
    user: str
    secret: str = field(repr=False)
    identity: str


class Denied(AuthError):
    """The registry gives us an image not, or will not say whether it has it."""


@runtime_checkable
class SignsIn(Protocol):
    """A backend whose zone has a registry that can be asked. Its methods raise what the cloud says."""

    def local(self) -> bool:
        """Tell whether a local cloud stands in for the real one, which has no registry."""
        ...

    def registry_login(self, host: str, calls: Transport) -> Login:
        """Return a short-lived login for a registry that jobs of the zone may pull from."""
        ...
