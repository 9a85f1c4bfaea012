"""One PostgreSQL server in a folder of its own on this machine, gone with the process that started it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from tools.apart import NotInstalled
from tools.postgres import Programs, programs

USER = "launchway"
_PATIENCE = 60.0
"""Seconds that a server may take to start."""

# Nothing here outlives a test, so the disk need not have it.
_SETTINGS = (
    *("fsync=off", "full_page_writes=off", "jit=off", "shared_buffers=64MB", "max_connections=200"),
    *("listen_addresses=127.0.0.1", "log_min_messages=error", "wal_level=minimal", "max_wal_senders=0"),
)

# Ends the server when the one who started it is gone, however that happened: nobody holds the pipe any more. One
# who says nothing before was killed, and cannot remove the folder.
_WATCH = """trap "" INT TERM
place=$1; shift
"$@" & server=$!
said=$(cat)
kill -QUIT $server 2>/dev/null
wait $server
[ -n "$said" ] || rm -rf "$place"
"""


@dataclass
class Server:
    """`with Server() as server:` has it running. Settings such as `fsync=on` go on top of those for tests.

    Over the socket in `place` whoever may read the folder is let in; over TCP on loopback only with `password`.
    """

    settings: tuple[str, ...] = ()
    place: Path = Path()
    port: int = 0
    password: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    _programs: Programs | None = None
    _watch: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Make and start it. Raises NotInstalled."""
        found = programs()
        self.place = Path(tempfile.mkdtemp(prefix="lw-pg-"))
        try:
            if _foreign():
                shutil.chown(self.place, *_foreign())
                found = _readable(found, self.place)
            self._programs = found
            self._initialise(found)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = USER) -> str:
        """The address over the socket."""
        return f"postgresql://{user}@/{database}?host={self.place}&port={self.port}"

    def tcp(self, database: str = "postgres", user: str = USER) -> str:
        """The address over TCP; PGPASSWORD has to be `password`."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, again too: it keeps its port and what is in it."""
        assert self._programs is not None
        self.port = self.port or _free_port()
        settings = (*_SETTINGS, f"port={self.port}", f"unix_socket_directories={self.place}", *self.settings)
        server = [str(self._programs.folder / "postgres"), "-D", str(self.place / "data")]
        command = [*server, *(word for setting in settings for word in ("-c", setting))]
        with (self.place / "log").open("ab") as log:
            self._watch = subprocess.Popen(
                ["sh", "-c", _WATCH, "sh", str(self.place), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._programs.environment(),
                cwd=self.place,
                start_new_session=True,
                **_as_whom(),
            )
        self._wait()

    def stop(self) -> None:
        """Stop it at once, as a power cut would; everything committed is there after `start`."""
        if self._watch is not None:
            try:
                self._watch.communicate(b"stop", _PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._watch.pid, signal.SIGKILL)
                self._watch.wait()
            self._watch = None

    def _initialise(self, found: Programs) -> None:
        word = self.place / "password"
        word.write_text(self.password)
        word.chmod(0o644)
        command = [str(found.folder / "initdb"), "-D", str(self.place / "data"), "-U", USER, "-E", "UTF8"]
        options = ["--no-locale", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"]
        ended = subprocess.run(
            [*command, *options, f"--pwfile={word}"],
            env=found.environment(),
            cwd=self.place,
            capture_output=True,
            text=True,
            check=False,
            **_as_whom(),
        )
        word.unlink()
        if ended.returncode:
            raise NotInstalled(f"PostgreSQL does not run here: {ended.stdout}{ended.stderr}")

    def _wait(self) -> None:
        """Until it lets somebody in: the last line of the file with its process id says so."""
        end = time.monotonic() + _PATIENCE
        status = self.place / "data" / "postmaster.pid"
        while time.monotonic() < end:
            lines = status.read_text().split("\n") if status.exists() else []
            if len(lines) > 7 and lines[7].strip() == "ready" and self._answers():
                return
            time.sleep(0.02)
        log = (self.place / "log").read_text(errors="replace")
        raise NotInstalled(f"PostgreSQL did not start in {_PATIENCE:.0f} s:\n{log[-2000:]}")

    def _answers(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


def _foreign() -> tuple[int, int] | tuple[()]:
    """The user and group who run it when we are root, which it refuses to be; else nothing: it runs as us."""
    if os.geteuid() != 0:
        return ()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _as_whom() -> dict[str, Any]:
    ids = _foreign()
    return {"user": ids[0], "group": ids[1], "extra_groups": []} if ids else {}


def _readable(found: Programs, place: Path) -> Programs:
    """What was unpacked into root's cache, where that other user can read it."""
    if found.root is None:
        return found
    copied = place / "programs"
    shutil.copytree(found.root, copied, symlinks=True, copy_function=_linked)
    return replace(found, folder=copied / found.folder.relative_to(found.root), root=copied)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port
