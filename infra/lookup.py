"""Look up what a stack adopts: what cannot be found is told in one line with the setting that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pulumi

Found = TypeVar("Found")


def found(setting: str, thing: str, ask: Callable[[], Found]) -> Found:
    """Return what `ask` finds; `thing` is its kind and id, `setting` the path in the stack's file.

    `ask` must be the form of a lookup that waits: an output that fails later ends the program with a traceback
    wherever it is used. Raises pulumi.RunError, which the engine prints as it is.
    """
    try:
        return ask()
    except Exception as error:  # the SDK raises bare Exception for every answer that is no result
        raise pulumi.RunError(
            f"{setting}: {thing} cannot be looked up: {_reason(error)}; correct the setting or remove it"
        ) from None


def _reason(error: Exception) -> str:
    """The provider's own words on one line, without the names of functions the engine puts before them."""
    words = " ".join(str(error).split())
    for frame in (" failed: ", " returned an error: ", "an error occurred: "):
        words = words.rpartition(frame)[2] if words.startswith("invo") else words
    return words.rstrip(" .")
