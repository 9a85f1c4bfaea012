"""Refusals that every cloud knows, with what the dispatcher has to remember of them."""

from __future__ import annotations

from dispatcher.errors import AuthError, QuotaError, UnreachableError


class RoleNotAssumable(AuthError):
    """An identity cannot be assumed: it is wrong, or so new that the change has not spread yet."""

    propagating = True


class NotAllowed(AuthError):
    """The cloud denied an action by name: it is not granted, or the grant has not spread yet."""

    propagating = True

    def __init__(self, message: str, remedy: str, action: str) -> None:
        super().__init__(message, remedy)
        self.action = action


class QuotaExceeded(QuotaError):
    """A quota of the account; `quota` is its name as the cloud's own list of quotas shows it."""

    def __init__(self, message: str, remedy: str, quota: str) -> None:
        super().__init__(message, remedy)
        self.quota = quota


class Throttled(UnreachableError):
    """Too many calls in a short time: the call had no effect, and the same one may pass a moment later."""

    after: float = 0.0
    """Seconds that the cloud asks to wait; 0 when it does not say."""


def clause(text: str) -> str:
    """Return an error's text as part of a sentence, on one line."""
    return " ".join(text.split()).rstrip(".")
