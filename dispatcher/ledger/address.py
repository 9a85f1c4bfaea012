"""Which ledger is meant: a file of this machine, or the address of a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from dispatcher.errors import UsageError

VARIABLE = "DISPATCH_LEDGER"
_SECRET = ("password", "sslpassword")
"""Parameters of an address that are credentials; libpq takes them from elsewhere too."""


@dataclass(frozen=True, slots=True)
class Place:
    """`file` is a SQLite file, `url` a PostgreSQL address: one of them is set.

    `folder` is where what belongs to the ledger lies on this machine: jobs of the queue `local`, archives of code.
    """

    folder: Path
    file: Path | None = None
    url: str | None = None

    @property
    def path(self) -> Path:
        """The file, or what stands for it where there is none."""
        return self.file or self.folder / "ledger"


def place(named: str | None, environment: Mapping[str, str]) -> Place:
    """What `--ledger` names, else DISPATCH_LEDGER, else a file of the user's own. Raises UsageError."""
    text = named or environment.get(VARIABLE, "")
    if not text:
        return _file(state_directory(environment) / "ledger.db")
    scheme, found, rest = text.partition("://")
    if not found:
        return _file(Path(text).expanduser().absolute())
    if scheme == "sqlite":
        return _file(Path(rest).expanduser().absolute())
    if scheme in ("postgresql", "postgres"):
        url = f"postgresql://{rest}"
        import hashlib

        _without_secrets(url)
        # What lies on this machine for one database is kept apart from what does for another.
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        return Place(state_directory(environment) / f"postgresql-{digest}", url=url)
    rule = f"there are no ledgers of kind {scheme}://"
    raise UsageError(rule, f"name a SQLite file or a postgresql:// address with --ledger or {VARIABLE}")


def state_directory(environment: Mapping[str, str]) -> Path:
    """Where a user's own ledger and local jobs live: `$XDG_STATE_HOME/launchway`, else `~/.local/state/...`."""
    home = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME") or Path.home()) / ".local/state")
    return Path(home) / "launchway"


def _file(path: Path) -> Place:
    return Place(path.parent, file=path)


def _without_secrets(url: str) -> None:
    """Refuse an address with a password: it would stand in histories and process lists, and be shown."""
    try:
        parts = urlsplit(url)
        given = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        secret = parts.password is not None or given & set(_SECRET)
    except ValueError:
        raise UsageError("the ledger's address cannot be read", "postgresql://user@host:port/database") from None
    if secret:
        raise UsageError(
            "the ledger's address has a password in it, which others could read there",
            "take it out, and give it with PGPASSWORD, PGPASSFILE or a service (docs/postgresql.md)",
        )
