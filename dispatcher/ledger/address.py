"""Which ledger is meant: a file of this machine, or the address of a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from dispatcher.errors import UsageError

VARIABLE = "DISPATCH_LEDGER"
# fmt: off
_ALLOWED = frozenset({
    "host", "hostaddr", "port", "dbname", "user", "passfile", "require_auth", "channel_binding",
    "connect_timeout", "client_encoding", "options", "application_name", "fallback_application_name",
    "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    "gssencmode", "gsslib", "gssdelegation", "krbsrvname", "ssl", "sslmode", "sslnegotiation",
    "sslcompression", "sslcert", "sslkey", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni",
    "requirepeer", "ssl_min_protocol_version", "ssl_max_protocol_version", "min_protocol_version",
    "max_protocol_version", "service", "servicefile", "target_session_attrs", "load_balance_hosts",
})
# fmt: on
"""Parameters of an address that are no credentials (PostgreSQL 18, libpq, "Parameter Key Words"); a later one that
is a secret is refused for not being here."""


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


def shown(url: str) -> str:
    """The address as messages name it: without its parameters."""
    return urlunsplit((*urlsplit(url)[:3], "", ""))


def _without_secrets(url: str) -> None:
    """Refuse an address with a password: it would stand in histories and process lists, and be shown."""
    try:
        parts = urlsplit(url)
        given = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        secret = parts.password is not None
    except ValueError:
        raise UsageError("the ledger's address cannot be read", "postgresql://user@host:port/database") from None
    # What follows a `/`, `?` or `#` in a password that is not percent-encoded ends up in another part.
    if secret or "@" in parts.path or parts.fragment:
        raise UsageError(
            "the ledger's address has a password in it, which others could read there",
            "take it out, and give it with PGPASSWORD, PGPASSFILE or a service (docs/postgresql.md)",
        )
    if not _ALLOWED.issuperset(given):
        raise UsageError(
            "the ledger's address has a parameter that is a credential, or that is not known",
            "libpq has their names; credentials go into PGPASSWORD, PGPASSFILE or a service (docs/postgresql.md)",
        )
