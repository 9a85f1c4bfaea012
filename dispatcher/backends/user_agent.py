"""How calls name the person behind them, for the audit log of a cloud beside the identity they are made as."""

from __future__ import annotations

import re

from dispatcher import __version__


def user_agent(user: str) -> str:
    """Return the user agent: this program, its version, and the person in characters that a header takes."""
    return f"launchway/{__version__} ({re.sub(r'[^A-Za-z0-9_+=,.@-]+', '-', user).strip('-') or 'unknown'})"
