"""What one cloud of the server holds: a store per concern, made when first asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from localcloud.place import Place


class Store(Protocol):
    """Anything that can be made from the state alone."""

    def __init__(self, state: State) -> None: ...


S = TypeVar("S", bound=Store)


@dataclass
class State:
    """`url` is the server's. `lock` guards every store; nothing waits under it.

    `secret` is known to the programs of this place alone: what only they may ask for needs it.
    """

    place: Place
    url: str
    clock: Callable[[], float] = time.time
    secret: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _stores: dict[type[Any], Any] = field(default_factory=dict)

    def store(self, kind: type[S]) -> S:
        """The one store of a kind, as in `state.store(Buckets)`."""
        with self.lock:
            if kind not in self._stores:
                self._stores[kind] = kind(self)
            found: S = self._stores[kind]
            return found
