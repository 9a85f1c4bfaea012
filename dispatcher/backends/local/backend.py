"""The local backend: starts supervised processes, and finds them again from any later command."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import naming
from dispatcher.backends import code
from dispatcher.backends.base import LogLine, Observation, Request, Sighting, State, Submission, Upload
from dispatcher.backends.local import supervisor
from dispatcher.backends.local.render import FRONT, render
from dispatcher.errors import AlreadyExistsError, NotFoundError, UsageError

if TYPE_CHECKING:
    from dispatcher.job import Job
    from dispatcher.queue import Queue

INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip
"""What a job gets of the submitter's environment; anything else it must name in `env` or `secrets`."""
_LOOK = 0.2
"""Seconds between two looks at a log that is followed."""


class LocalBackend:
    """Jobs in `place/jobs/<name>`: log, status, output. `sleep` is what `logs` waits with."""

    settle_seconds = 0.0
    """A job is there as soon as its directory is, and that is made once."""

    def __init__(
        self, place: Path | None = None, *, user: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._place = (place or default_place()).absolute()
        self._user = user
        self._sleep = sleep

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the process to run. Pure; raises SpecError or PolicyRefusal with all reasons."""
        return render(job, queue, submission, self._place)

    def stage(self, upload: Upload, content: Path) -> None:
        """Keep an archive of code where jobs of this machine find it."""
        target = Path(upload.uri.removeprefix("file://"))
        if target.exists():
            code.expect(upload, content, size=target.stat().st_size)
            return
        archive = code.archive(content, upload)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        part.write_bytes(archive)
        part.replace(target)  # as a whole or not at all

    def submit(self, request: Request) -> str:
        """Start the process and return `local:<name>`. Raises AlreadyExistsError when the name is taken.

        Secrets are read from this process's environment now and handed over through a pipe.
        """
        (operation,) = request.operations
        body = operation.body
        values = _secrets(body["Secrets"])
        home = self._home(request.name)
        try:
            self._place.mkdir(parents=True, exist_ok=True, mode=0o700)  # logs may hold what others must not read
            for directory in (home, body["OutputDirectory"], body["CheckpointDirectory"]):
                if directory is not None:
                    Path(directory).mkdir(parents=True, exist_ok=True)
            lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"{home} cannot be written: {error}", "free the disk, or set --place") from error
        try:
            if not _locked(lock) or (home / "status.json").exists():
                raise AlreadyExistsError(f"a local job named {request.name} exists already")
            inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
            spec = {
                "command": body["Command"],
                "environment": {**inherited, **body["Environment"], **values},
                "directory": body["Directory"] or str(Path.cwd()),
                "max_runtime": body["MaxRuntimeInSeconds"],
                "grace": body["GraceInSeconds"],
                "hands_on": tuple(body["Command"][: len(FRONT)]) == FRONT,
            }
            _start(home, spec, lock)
        finally:
            os.close(lock)
        return f"local:{request.name}"

    def adopt(self, name: str) -> Observation | None:
        """Observe a job that may have been started; None when it never was."""
        return self._observe(name)

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """Observe many jobs; one that was never started here is left out."""
        return {name: seen for name in dict.fromkeys(names) if (seen := self._observe(name))}

    def ours(self, since: str, known: Callable[[str], bool] = lambda name: False) -> Iterator[Sighting]:
        """Find the jobs that were started in this place since then; nobody else starts any there."""
        homes = sorted((self._place / "jobs").glob("*"))
        for seen in filter(None, (self._observe(home.name) for home in homes)):
            if naming.parsed(seen.name) and (seen.created_at or since) >= since:
                yield Sighting(seen)

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        """Yield the job's lines; with `follow`, as they come, until the job is done. Raises NotFoundError."""
        self._known(name)
        path = self._home(name) / "log"
        offset, rest = 0, b""
        while True:
            ended = not follow or done()
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(offset)
                data = rest + file.read()
                offset = file.tell()
                *lines, rest = data.split(b"\n")
                for line in lines:
                    stamp, _, text = line.partition(b" ")
                    yield LogLine(int(stamp), "local", text.decode(errors="replace"))
            if ended:
                return
            self._sleep(_LOOK)

    def cancel(self, name: str) -> None:
        """Ask the supervisor to end the job: SIGTERM, and SIGKILL to its process group after the grace time.

        SIGTERM goes to the group too, or to dispatch-run alone, which hands it to the command as in a container.
        """
        state = self._known(name).state
        if state is not None and not state.final:
            (self._home(name) / "cancel").touch()

    def fetch(self, name: str, target: Path) -> list[Path]:
        """Copy the job's output directory into `target` and return the files written, sorted."""
        self._known(name)
        source = self._home(name) / "output"
        files = sorted(path for path in source.rglob("*") if path.is_file())
        if not files:
            raise NotFoundError(f"job {name} has no outputs in {source}", "a job writes to $DISPATCH_OUTPUT_DIR")
        try:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"outputs cannot be written to {target}: {reason}", "name another directory"
            ) from error
        return [target / path.relative_to(source) for path in files]

    def _home(self, name: str) -> Path:
        return self._place / "jobs" / name

    def _known(self, name: str) -> Observation:
        seen = self._observe(name)
        if seen is None:
            raise NotFoundError(f"no local job is named {name}", f"its jobs are in {self._place / 'jobs'}")
        return seen

    def _observe(self, name: str) -> Observation | None:
        home = self._home(name)
        status = status_of(home)
        if status is None:
            return None
        cause = "program" if status.get("exit_code") else ""
        if status["state"] in ("running", "stopping") and not supervised(home):
            # It may have ended between the two looks: its last word counts before its silence.
            status = status_of(home) or status
            if status["state"] in ("running", "stopping"):
                lost = "its supervisor is gone without a word: it was killed, or the machine restarted"
                status, cause = {**status, "state": "failed", "reason": lost}, "provider"
        return Observation(
            name=name,
            provider_id=f"local:{name}",
            state=State(status["state"]),
            vendor_state=status["state"],
            reason=status.get("reason", ""),
            created_at=status.get("started_at"),
            started_at=status.get("started_at"),
            ended_at=status.get("ended_at"),
            model_uri=(home / "output").as_uri(),
            cause=cause,
        )


def default_place() -> Path:
    """Return the user's own directory of local jobs, as the XDG base directory specification says."""
    root = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(root) / "launchway" / "local"


def _secrets(references: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, reference in references.items():
        variable = reference.removeprefix("env://")
        if variable not in os.environ:
            raise UsageError(f"secret {name} refers to {reference}, which is not set", f"export {variable}=...")
        values[name] = os.environ[variable]
    return values


def _start(home: Path, spec: Mapping[str, Any], lock: int) -> None:
    """Start the supervisor with the lock in its hands and wait until it has written its first status."""
    with (home / "supervisor.log").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-I", str(Path(supervisor.__file__)), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=home,
            pass_fds=(lock,),
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(spec).encode())
    with process.stdout:
        answer = process.stdout.read(3)
    process.wait()  # the first of two processes: it leaves the job to its child and ends
    if answer != b"ok\n":
        raise UsageError(f"the supervisor of the job did not start, see {home / 'supervisor.log'}")


def status_of(home: Path) -> dict[str, Any] | None:
    try:
        status: dict[str, Any] = json.loads((home / "status.json").read_text())
    except FileNotFoundError:
        return None
    return status


def supervised(home: Path) -> bool:
    """Tell whether a supervisor still holds the job's lock; asking leaves it as it was."""
    try:
        lock = os.open(home / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _locked(lock)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    """Take the lock if nobody has it, and tell whether that worked."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
