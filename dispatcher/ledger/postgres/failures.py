"""PostgreSQL's errors in words that say what to do; a failed change left nothing behind unless it says otherwise.

A server tells a refused connection in words only: libpq keeps no code of it. The words are PostgreSQL's own, in
English (its src/backend/libpq/auth.c and src/backend/utils/init/postinit.c); a server that speaks another language
"does not answer", with its words. Codes: appendix A of PostgreSQL's documentation.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import psycopg

from dispatcher.errors import AuthError, DispatchError, LedgerError, NotFoundError, UnreachableError
from dispatcher.ledger.engine import RuleBroken

_ELSEWHERE = "name another ledger with --ledger or DISPATCH_LEDGER"
_AGAIN = "nothing was changed; try again in a moment"
_SIGN_IN = "give PGPASSWORD, PGPASSFILE or a service (docs/postgresql.md), or check the name in the address"

_REFUSED: tuple[tuple[str, type[DispatchError], str], ...] = (
    (r"password authentication failed|no password supplied|pg_hba|authentication failed|SSL", AuthError, _SIGN_IN),
    (r'role ".*" does not exist|is not permitted to log in|permission denied', AuthError, _SIGN_IN),
    (
        r'database ".*" does not exist',
        NotFoundError,
        f"make it once: `createdb` (docs/postgresql.md), or {_ELSEWHERE}",
    ),
    (r"definition of service|service file|root certificate file|invalid .* value", LedgerError, _ELSEWHERE),
)
"""What libpq and servers say of a connection that was not made, and what it means."""

_LOCKED = ("55P03", "40P01", "40001", "57014")
"""Lock not available, deadlock, serialisation failure, statement cancelled."""
_AWAY = ("08", "57P", "53300")
"""Connection failures, the operator's interventions, too many connections."""
_FULL = ("53100", "53200", "53400", "54000")


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn psycopg's errors into ours, which name the ledger and the remedy."""
    try:
        yield
    except psycopg.Error as error:
        raise _meant(name, error) from error


def _meant(name: str, error: psycopg.Error) -> DispatchError:
    code = error.sqlstate or ""
    words = said(error)
    if code.startswith("23"):
        return RuleBroken(words)
    if code in _LOCKED:
        return UnreachableError(f"the ledger {name} is locked by another process", _AGAIN)
    if not code or code.startswith(_AWAY):
        return _unanswered(name, words)
    if code == "25006":
        reason = "is read-only: a standby, or a user who may only read"
        return LedgerError(f"the ledger {name} {reason}", f"name the primary server, or {_ELSEWHERE}")
    if code == "42501":
        return AuthError(
            f"the ledger {name} does not let this user in: {words}",
            "ask its owner for the rights of docs/postgresql.md",
        )
    if code in _FULL:
        return LedgerError(f"the server of the ledger {name} is full: {words}", "free some space, then try again")
    if code.startswith("42P01") or code.startswith("3F"):
        return LedgerError(f"the ledger {name} is not one of ours, or damaged: {words}", _ELSEWHERE)
    return LedgerError(f"the ledger {name} failed: {words}", _ELSEWHERE)


def _unanswered(name: str, words: str) -> DispatchError:
    for pattern, kind, remedy in _REFUSED:
        if re.search(pattern, words):
            return kind(f"the ledger {name} cannot be opened: {words}", remedy)
    return UnreachableError(
        f"the ledger {name} does not answer: {words}", "is its server up, and may this machine reach it?"
    )


def said(error: psycopg.Error) -> str:
    """The first line of what went wrong, without what libpq puts before a server's words."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return first.rpartition("FATAL:  ")[2].removeprefix("connection failed: ")
