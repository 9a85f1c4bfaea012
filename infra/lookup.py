"""Look up what a stack adopts: what cannot be found is told in one line with the setting that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

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


def reached(setting: str, endpoint: str, ask: Callable[[], Found]) -> Found:
    """Return what `ask` is told by the cloud at `endpoint`. Raises pulumi.RunError, one line, when nobody answers.

    Only for what is asked once: who asks again until there is an answer has to see the fault itself.
    """
    try:
        return ask()
    except OSError as error:  # all that requests and sockets raise for connections
        raise pulumi.RunError(
            f"{setting}: {urlsplit(endpoint).hostname} did not answer ({type(error).__name__}); check the "
            "network, VPN and proxy (HTTPS_PROXY) of this machine and run the same command again"
        ) from None


def _reason(error: Exception) -> str:
    """The provider's own words on one line, without the names of functions the engine puts before them."""
    words = " ".join(str(error).split())
    for frame in (" failed: ", " returned an error: ", "an error occurred: "):
        words = words.rpartition(frame)[2] if words.startswith("invo") else words
    return words.rstrip(" .")
