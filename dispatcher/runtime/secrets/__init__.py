"""Secret references become values: read as the job's own identity, into the environment of the command alone.

A job carries `DISPATCH_SECRET_<NAME>=<reference>`; the command that it starts finds `<NAME>=<value>`. A value is
written nowhere else: no file, no log line, no argument, no error. Nothing is loaded for a job without secrets.
"""

from __future__ import annotations

from dispatcher.runtime import SECRET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .world import World


class SecretError(Exception):
    """Secrets could not be had. `lines` has one per secret: its name, its reference, why, and what to do."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def references(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the references in an environment by the name that their value will have. They are no secrets."""
    return {name[len(SECRET) :]: text for name, text in sorted(environment.items()) if name.startswith(SECRET)}


def resolved(environment: Mapping[str, str], world: World | None = None) -> dict[str, str]:
    """Return the environment for the command: every secret as `<NAME>`, and no `DISPATCH_SECRET_<NAME>` any more.

    `world` is how the clouds are reached (another one in tests). Raises SecretError with every problem at once.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(SECRET)}
    wanted = references(environment)
    if not wanted:
        return kept
    from .reading import read_all

    values, problems = read_all(wanted, environment, world)
    if problems:
        raise SecretError(problems)
    return {**kept, **values}
