"""Secret references become values: fetched as the job's own identity, into the environment of the command alone.

A job carries `DISPATCH_SECRET_<NAME>=<reference>`; the command it starts finds `<NAME>=<value>`. Nothing is written
anywhere else: no file, no log line, no argument. What a store answers with an error is told in one line per secret.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "DISPATCH_SECRET_"


class SecretError(Exception):
    """Secrets could not be had. `lines` has one line per secret: its name, its reference, why, and what to do."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def references(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the references in an environment by the name their value will have. They are no secrets."""
    return {name[len(PREFIX) :]: text for name, text in sorted(environment.items()) if name.startswith(PREFIX)}


def resolved(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the command: every secret as `<NAME>`, no `DISPATCH_SECRET_<NAME>` any more.

    Without a reference it is a copy, and nothing is imported or asked. Raises SecretError with every problem.
    """
    wanted = references(environment)
    kept = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    if not wanted:
        return kept
    raise SecretError([f"secret {name} ({reference}): not resolved yet" for name, reference in wanted.items()])
