"""What an agent says while it works: one line for each thing that happened, for people or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from dispatcher.clock import Clock, stamp

Form = Literal["text", "json"]
REPEATED = 600.0
"""Seconds after which a trouble that lasts is told again."""


@dataclass(slots=True)
class Journal:
    """Writes events through `write`, a line each. `redact` takes secrets out of what clouds said."""

    write: Callable[[str], None]
    clock: Clock
    agent: str
    form: Form = "text"
    redact: Callable[[str], str] = lambda text: text
    _told: dict[str, tuple[float, int]] = field(default_factory=dict)

    def say(self, event: str, *, level: str = "info", **data: Any) -> None:
        """Tell what happened; empty data is left out."""
        now = stamp(self.clock())
        given = {name: value for name, value in data.items() if value or value == 0}
        if self.form == "json":
            line = json.dumps(
                {"at": now, "level": level, "agent": self.agent, "event": event, **given}, default=str
            )
        else:
            words = " ".join(f"{name}={_shown(value)}" for name, value in given.items())
            line = f"{now} {level.upper():7} {event:10} {words}".rstrip()
        self.write(self.redact(line))

    def trouble(self, message: str, **data: Any) -> None:
        """Warn of something that stands in the way: when it is new, and now and then while it lasts."""
        now = self.clock()
        since, count = self._told.get(message, (float("-inf"), 0))
        if now - since < REPEATED:
            self._told[message] = (since, count + 1)
            return
        self._told = {key: told for key, told in self._told.items() if now - told[0] < REPEATED}
        self._told[message] = (now, 0)
        self.say("trouble", level="warning", message=message, again=count or None, **data)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or "=" in text else text
