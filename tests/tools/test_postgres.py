"""The PostgreSQL server of the tests: found, run as somebody else than root, and gone with who started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import postgres
from tools.apart import NotInstalled
from tools.postgres.server import Server

LINE = "apt-get install postgresql"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a server, and nothing in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(postgres, "_PLACES", ())
    return tmp_path


@pytest.mark.usefixtures("bare")
def test_a_test_that_lacks_a_server_fails_with_what_gets_it() -> None:
    with pytest.raises(NotInstalled, match=f"python -m tools.postgres.*{LINE}"):
        postgres.programs()


@pytest.mark.usefixtures("bare")
def test_a_machine_without_apt_is_told_what_to_install() -> None:
    with pytest.raises(NotInstalled, match=f"no apt.*{LINE}"):
        postgres.install()


def test_the_newest_server_of_the_machine_is_taken_and_one_too_old_is_not(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_PLACES", (f"{bare}/*/bin",))
    for release in ("9", "14", "16"):
        (bare / release / "bin").mkdir(parents=True)
        for program in ("initdb", "postgres"):
            (bare / release / "bin" / program).touch()
    assert postgres.programs().folder == bare / "16" / "bin"
    assert [found.folder.parent.name for found in postgres._own()] == ["16", "14"]


@pytest.mark.postgres
def test_a_server_ends_with_the_process_that_started_it_killed_or_not_and_leaves_nothing() -> None:
    program = (
        "import sys, time\nfrom tools.postgres.server import Server\n"
        "with Server() as server:\n    print(server.place, flush=True)\n    time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root)
    assert starter.stdout is not None
    place = Path(starter.stdout.readline().strip())
    server = int((place / "data" / "postmaster.pid").read_text().split("\n")[0])
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    end = time.monotonic() + 20
    while (alive(server) or place.exists()) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(server)
    assert not place.exists()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.postgres
def test_what_was_committed_is_there_after_a_server_stopped_and_started(postgres: Server) -> None:
    import psycopg

    with Server() as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url())
        server.start()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
    assert server.port != postgres.port
