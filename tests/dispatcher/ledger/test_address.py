"""Which ledger is meant: a file or an address, and never one with a password in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dispatcher.errors import NotInstalledError, UsageError
from dispatcher.ledger.address import Place, place, shown
from dispatcher.opened import open_ledger

STATE = {"XDG_STATE_HOME": "/s", "HOME": "/h"}


def test_the_ledger_is_the_named_one_else_the_environment_s_else_the_user_s_own() -> None:
    assert place("/a/b.db", {"DISPATCH_LEDGER": "/c"}) == Place(Path("/a"), file=Path("/a/b.db"))
    assert place(None, {"DISPATCH_LEDGER": "sqlite:///c/d.db"}).file == Path("/c/d.db")
    assert place(None, STATE).file == Path("/s/launchway/ledger.db")
    assert place(None, {"HOME": "/h"}).file == Path("/h/.local/state/launchway/ledger.db")


def test_an_address_keeps_what_lies_here_apart_from_that_of_others() -> None:
    one = place("postgres://ada@db.example/team", STATE)
    two = place(None, {**STATE, "DISPATCH_LEDGER": "postgresql://ada@db.example/other"})
    assert (one.url, one.file) == ("postgresql://ada@db.example/team", None)
    assert {one.folder.parent, two.folder.parent} == {Path("/s/launchway")}
    assert one.folder != two.folder


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ada:hunter2-hunter2@db/team",
        "postgresql://ada:hunter2/hunter2@db/team",
        "postgresql://ada:1#hunter2@db/team",
        "postgresql://ada:1?hunter2@db/team",
        "postgresql://ada@db/team?password=hunter2-hunter2",
        "postgresql://ada@db/team?user=a&password%20=hunter2-hunter2",
        "postgresql://ada@db/team?PassWord=hunter2-hunter2",
        "postgresql://ada@db/team?oauth_client_secret=hunter2-hunter2",
        "postgresql://ada@db/team?scram_client_key=hunter2-hunter2",
        "postgres://db/team?sslmode=require&sslpassword=hunter2-hunter2",
    ],
)
def test_a_password_in_an_address_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(UsageError, match="has a p") as raised:
        place(address, STATE)
    assert "PGPASSWORD" in raised.value.remedy
    assert "hunter2" not in str(raised.value)


def test_an_address_may_say_how_to_connect_and_messages_do_not_repeat_it() -> None:
    url = "postgresql://ada@one:5432,two/team?sslmode=verify-full&sslkey=/k&target_session_attrs=read-write"
    assert place(url, STATE).url == url
    assert shown(url) == "postgresql://ada@one:5432,two/team"


def test_a_kind_that_there_is_not_and_an_address_that_is_none_are_refused() -> None:
    with pytest.raises(UsageError, match="no ledgers of kind mysql://"):
        place("mysql://db/team", STATE)
    with pytest.raises(UsageError, match="cannot be read"):
        place("postgresql://[::1/team", STATE)


def test_an_installation_without_the_client_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("dispatcher.ledger.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NotInstalledError) as raised:
        open_ledger(place("postgresql://db/team", STATE))
    assert raised.value.remedy == "pip install 'launchway[postgres]'"
