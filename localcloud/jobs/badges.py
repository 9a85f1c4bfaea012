"""Badges: what a job's programs show to be given credentials of the job's own identity, and of no other."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field


@dataclass
class Badges:
    """One unguessable badge per identity, for as long as the server runs."""

    _holders: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lend(self, holder: str) -> str:
        """The badge of an identity."""
        with self._lock:
            found = next((badge for badge, one in self._holders.items() if one == holder), None)
            if found is None:
                found = secrets.token_urlsafe(24)
                self._holders[found] = holder
            return found

    def holder(self, badge: str) -> str | None:
        """Whose badge it is; None for one that nobody was given."""
        with self._lock:
            return self._holders.get(badge)
