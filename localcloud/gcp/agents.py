"""Service agents: Google's own accounts that act for a project; each exists after what makes it has happened."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.gcp.state import NUMBER, State


@cache
def table() -> dict[str, Any]:
    """Service -> its agents by what makes them: identity, enabling, asked, sink, first_use."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "service_agents.json").read_text())[
        "agents"
    ]
    return found


@dataclass
class Agents:
    """The e-mail addresses of the agents that exist."""

    state: State
    existing: set[str] = field(default_factory=set)

    def make(self, service: str, how: str) -> str:
        """Makes the agent of a service that `how` makes; its address, "" when there is none."""
        rows = table().get(service, {}).get(how) or []
        made = [row.format(number=NUMBER) for row in ([rows] if isinstance(rows, str) else rows)]
        self.existing.update(made)
        return made[0] if made else ""


def asked(state: State, service: str) -> str:
    """The agent of a service that exists from when somebody asks for its address on."""
    with state.lock:
        return state.store(Agents).make(service, "asked")
