"""Who calls Google Cloud, and for which zone: what an error has to know so that somebody can act on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.contract import GcpZone


@dataclass(frozen=True, slots=True)
class Caller:
    """`identity` is `agent`, the zone's agent account, or `ambient`, whoever is signed in."""

    zone: GcpZone
    identity: str

    @property
    def who(self) -> str:
        """The identity that calls are made as, for messages."""
        return self.zone.identities.agent if self.identity == "agent" else "your own identity"

    def sign_in(self) -> str:
        """Say how to sign in, from what the user's environment shows."""
        login = "gcloud auth application-default login"
        if file := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
            return f"renew {file} (GOOGLE_APPLICATION_CREDENTIALS), or unset it and run: {login}"
        return f"run: {login}"
