"""What does not answer this process: each is left alone for a while that grows, so that a round stays short."""

from __future__ import annotations

from dataclasses import dataclass, field

PAUSE = (15.0, 300.0)
"""First and longest pause in seconds; the first follows on the second silence in a row, and it doubles then."""


@dataclass(slots=True)
class Silence:
    """What one process met in a row, by zone. Times are epoch seconds."""

    _met: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    def met(self, zone: str, now: float) -> None:
        """A zone did not answer. Once is an accident: it may be asked again in the next round."""
        times = self._met.get(zone, (0, 0.0, 0.0))[0] + 1
        pause = 0.0 if times == 1 else min(PAUSE[0] * 2.0 ** min(times - 2, 10), PAUSE[1])
        self._met[zone] = (times, now, now + pause)

    def broken(self, zone: str) -> None:
        """A zone answered, whatever it said."""
        self._met.pop(zone, None)

    def lasts(self, zone: str, now: float) -> bool:
        """Whether a zone is to be left alone now; a clock that was set back ends that."""
        _, since, until = self._met.get(zone, (0, 0.0, 0.0))
        return since <= now < until
