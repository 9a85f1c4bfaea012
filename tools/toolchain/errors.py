"""Why a way to get `pulumi` did not work, in one sentence each."""

from __future__ import annotations


class WayFailed(Exception):
    """This way is closed on this machine; the message is the reason, the next way may work."""
