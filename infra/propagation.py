"""Wait, for a while and not for ever, until a cloud has told all its servers of what was made."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pulumi

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


def wait(ready: Callable[[], bool], otherwise: str, clock: Clock, pauses: Sequence[float] = PAUSES) -> None:
    """Wait until `ready`, or warn of `otherwise`. Never raises: the engine fails an update for a hook that does.

    A connection that breaks is asked again; whoever cannot ask at all (nobody is signed in) does not wait.
    """

    def asked() -> bool:
        try:
            return ready()
        except OSError:  # all that requests and sockets raise for connections
            return False

    try:
        there, why = until(asked, clock, pauses), ""
    except Exception as error:  # whatever it is, what was to be made is made
        there, why = False, f" (asking failed: {error})"
    if not there:
        pulumi.log.warn(f"{otherwise}{why}")


def hook_until(
    name: str,
    ready: Callable[[pulumi.ResourceHookArgs], bool],
    otherwise: str,
    clock: Clock | None = None,
    pauses: Sequence[float] = PAUSES,
) -> pulumi.ResourceHookBinding:
    """A hook called `name` that waits after a creation; the engine runs none in a preview."""

    def hook(args: pulumi.ResourceHookArgs) -> None:
        wait(lambda: ready(args), otherwise, clock or Clock(), pauses)

    return pulumi.ResourceHookBinding(after_create=[pulumi.ResourceHook(name, hook)])


def hook_again(
    name: str, refusal: re.Pattern[str], pauses: Sequence[float], emulated: bool, clock: Clock | None = None
) -> pulumi.ResourceHookBinding:
    """A hook called `name` that tries an operation again after each pause, while it fails with `refusal`.

    Every other error, and one that stays, fails the update in the cloud's own words. An emulator's grants hold at
    once: it is asked again without a pause.
    """
    instead = Clock(lambda _: None) if emulated else Clock()

    def again(args: pulumi.ErrorHookArgs) -> bool:
        tried = len(args.errors)
        if not refusal.search(args.errors[0]) or tried > len(pauses):
            return False
        (clock or instead).sleep(pauses[tried - 1])
        return True

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(name, again)])
