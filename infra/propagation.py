"""Wait, for a while and not for ever, until a cloud has told all its servers of what was made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  # seconds; 31 in all


@dataclass(frozen=True, slots=True)
class Clock:
    """What waiting means; a test's clock does not wait."""

    sleep: Callable[[float], None] = time.sleep


def until(ready: Callable[[], bool], clock: Clock, pauses: Sequence[float] = PAUSES) -> bool:
    """Ask again after each pause (seconds) until `ready`; False when it never was."""

    def asked() -> Iterator[bool]:
        for pause in pauses:
            if pause:
                clock.sleep(pause)
            yield ready()

    return any(asked())
