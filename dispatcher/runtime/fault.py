"""What ends a job before its command has started: one clear line, and an exit code of its own."""

from __future__ import annotations

FAULT = 125
"""Exit code for what dispatch-run itself cannot do; 126 and 127 are for a command that cannot be started (as of
`docker run`, `env` and `timeout`)."""


class Fault(Exception):
    """Something the job needs is missing or wrong: what it is, and what to do about it."""

    def __init__(self, what: str, remedy: str = "", code: int = FAULT) -> None:
        super().__init__(f"{what} ({remedy})" if remedy else what)
        self.what = what
        self.remedy = remedy
        self.code = code
