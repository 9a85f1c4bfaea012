"""Who calls Azure, and for which zone: what an error has to know so that somebody can act on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.contract import AzureZone


@dataclass(frozen=True, slots=True)
class Caller:
    """`identity` is `agent`, the zone's agent identity where the machine carries it, or `ambient`, whoever is
    signed in. People are always themselves: nobody can become a managed identity."""

    zone: AzureZone
    identity: str

    @property
    def client(self) -> str | None:
        """The client id of the identity to be on machines that carry several, None for whichever there is."""
        return self.zone.identities.agent_client_id if self.identity == "agent" else None

    def sign_in(self) -> str:
        """Say how to sign in, from what the user's environment shows."""
        government = self.zone.azure_cloud == "usgovernment"
        login = "az cloud set --name AzureUSGovernment && az login" if government else "az login"
        for name in ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"):
            if os.environ.get(name):
                return f"renew what {name} holds, or unset it and run: {login}"
        return f"run: {login}"
