"""dispatch-run as a container's first process: signals, grace time, exit codes, and the one file it fits in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import select
import signal
import subprocess
import sys
import tarfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dispatcher.runtime.bundle import build

pytestmark = pytest.mark.process

MODULE = [sys.executable, "-m", "dispatcher.runtime"]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MODULE, *words], env=with_path(environ), capture_output=True, text=True, timeout=60)


def with_path(environ: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.defpath, **environ}


@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        ("exit 0", 0, ""),
        ("exit 3", 3, "dispatch-run: the command ended with exit code 3\n"),
        ("exit 255", 255, "dispatch-run: the command ended with exit code 255\n"),
        (
            "kill -9 $$",
            137,
            "dispatch-run: the command was ended by SIGKILL (out of memory is the usual reason)\n",
        ),
    ],
)
def test_the_exit_code_is_the_command_s_own_and_an_end_that_is_no_success_is_told(
    script: str, code: int, told: str
) -> None:
    done = run("--", "sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", told)


def test_a_command_that_is_not_there_is_127_and_one_that_is_no_program_126(tmp_path: Path) -> None:
    text = tmp_path / "train.py"
    text.write_text("print(1)\n")
    missing, data = run("no-such-program"), run(str(text))
    assert missing.returncode == 127
    assert (
        "the command no-such-program cannot be started: No such file or directory (it is not in" in missing.stderr
    )
    assert data.returncode == 126
    assert f"the command {text} cannot be started: Permission denied" in data.stderr


def test_the_command_finds_its_node_its_folder_and_none_of_the_references(tmp_path: Path) -> None:
    given = {"DISPATCH_CHECKPOINT_DIR": f"{tmp_path}/ck", "DISPATCH_SECRET_TOKEN": "env://TOKEN", "TOKEN": "t0ken"}
    done = run(
        "--", "sh", "-c", 'echo "$NODE_RANK $WORLD_SIZE $MASTER_ADDR $TOKEN"; env; ls -d "$1"', "", "/", **given
    )
    assert done.stdout.startswith("0 1 127.0.0.1 t0ken\n")
    assert "DISPATCH_SECRET_" not in done.stdout
    assert (tmp_path / "ck").is_dir()


def test_a_command_does_not_inherit_what_python_ignores() -> None:
    """A program whose reader is gone must end, as it does without dispatch-run."""
    shown = run("--", "grep", "^SigIgn", "/proc/self/status").stdout
    ignored = int(shown.split()[1], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        assert not ignored & 1 << (number - 1), number


TRAPS = "trap 'echo saved; exit 7' TERM; echo ready; while :; do sleep 0.05; done"


@contextmanager
def started(words: Sequence[str], **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose command has said that it is ready; whatever happens, nothing of it is left."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, env=with_path(environ), stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


COUNTS = """
import os, signal, sys, time
heard = []
for number in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, lambda *_: (heard.append(1), os.write(1, b"heard\\n")))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(len(heard)))
os.write(1, b"ready\\n")
while True:
    time.sleep(0.01)
"""


def test_what_is_typed_on_a_terminal_reaches_the_command_once_and_what_is_sent_still_does() -> None:
    keyboard, terminal = os.openpty()
    words = [*MODULE, "--", sys.executable, "-c", COUNTS]
    with subprocess.Popen(
        words,
        env=with_path({}),
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # its terminal is this one
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            for number in range(3):
                os.write(keyboard, b"\x03")
                assert process.stdout.readline() == "heard\n", number
            process.send_signal(signal.SIGQUIT)  # another one than may be waiting still
            assert process.stdout.readline() == "heard\n"
            process.send_signal(signal.SIGUSR1)
            assert process.wait(timeout=30) == 4
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            os.close(keyboard)
            os.close(terminal)


def test_a_signal_reaches_the_command_which_ends_as_it_likes() -> None:
    with started([*MODULE, "--", "sh", "-c", TRAPS], DISPATCH_CLOUD="aws") as process:
        process.send_signal(signal.SIGTERM)
        said, told = process.communicate(timeout=30)
    assert (process.returncode, said) == (7, "saved\n")
    assert told.splitlines()[0] == "dispatch-run: SIGTERM: handed to the command; it has 120 s to end"


def test_a_stop_before_the_command_has_started_ends_the_job(tmp_path: Path) -> None:
    archive = tmp_path / "code.tar.gz"
    os.mkfifo(archive)
    environ = with_path({"DISPATCH_CODE": str(archive), "DISPATCH_CODE_SHA256": "0" * 64})
    with (
        subprocess.Popen([*MODULE, "--", "true"], env=environ, stderr=subprocess.PIPE, text=True) as process,
        archive.open("wb"),  # it has been opened: from here on it reads what does not come
    ):
        while _state(process.pid) != "S":  # just before it waits a signal would only be noted
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (143, "dispatch-run: SIGTERM: the command had not started\n")


def _state(pid: int) -> str:
    """Whether a process runs (R) or sleeps (S)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_end_of_a_process_that_lost_its_parent_is_not_taken_for_the_command_s() -> None:
    """A container's first process inherits them; so does one that asks for it, as here."""
    script = "(sh -c 'exit 9' &) ; sleep 0.3; exit 4"
    adopt = "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", adopt, *MODULE, "--", "sh", "-c", script], env=with_path({}), capture_output=True
    )
    assert done.returncode == 4


def test_each_signal_that_asks_for_nothing_final_is_handed_on_without_a_word() -> None:
    others = ("HUP", "QUIT", "USR1", "USR2")
    traps = "".join(f"trap 'echo {name}' {name}; " for name in others)
    script = f"{traps}trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    with started([*MODULE, "--", "sh", "-c", script]) as process:
        assert process.stdout is not None
        for name in others:
            process.send_signal(signal.Signals[f"SIG{name}"])
            assert select.select([process.stdout], [], [], 30)[0], name
            assert process.stdout.readline() == f"{name}\n"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told == "dispatch-run: SIGTERM: handed to the command\n"


def test_an_interrupt_is_handed_on_as_a_request_to_end() -> None:
    with started([*MODULE, "--", "sh", "-c", TRAPS.replace("TERM", "INT")], DISPATCH_CLOUD="aws") as process:
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=30)
    assert (process.returncode, said) == (7, "saved\n")
    assert told.startswith("dispatch-run: SIGINT: handed to the command; it has 120 s to end\n")


AFTERWARDS = """
import os, signal
from dispatcher.runtime import process
script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"
end = process.run(["sh", "-c", script], {"PATH": "/bin:/usr/bin"}, lambda text: None, grace=lambda: 100)
sent = []
os.kill = lambda *asked: sent.append(asked)
signal.raise_signal(signal.SIGTERM)
print(end.code, signal.getitimer(signal.ITIMER_REAL)[0], sent)
"""


def test_nothing_is_sent_to_whatever_has_the_command_s_number_when_it_has_ended() -> None:
    with started([sys.executable, "-c", AFTERWARDS]) as process:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert said == "0 0.0 []\n"


STUBBORN = """
import sys
from dispatcher.runtime import process
script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
end = process.run(["sh", "-c", script], {"PATH": "/bin:/usr/bin"}, lambda text: None, grace=lambda: 0.2)
print(end.code, end)
"""


def test_a_command_that_does_not_end_in_its_grace_time_is_killed_while_there_is_time_to_say_so() -> None:
    with started([sys.executable, "-c", STUBBORN]) as process:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert said == "137 the command did not end in its grace time and was killed\n"


ASKED = """
import signal
from dispatcher.runtime import process
set = []
signal.setitimer = lambda which, seconds: set.append(seconds)
for seconds in (120, 6):
    state = process._State(lambda text: print(set.pop(), text), lambda: seconds)
    state.child = 2**22 + 1
    state.hand_on(signal.SIGTERM, None)
"""


def test_the_clock_runs_before_a_word_is_said_and_leaves_time_to_settle() -> None:
    """Five seconds of a grace time, half of a short one. No process has a number that large."""
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["115.0", "3.0"], done.stderr


def test_sagemaker_is_told_the_last_words_of_a_command_without_its_secrets(tmp_path: Path) -> None:
    given = {"SM_OUTPUT_DIR": str(tmp_path), "DISPATCH_SECRET_TOKEN": "env://TOKEN", "TOKEN": "t0ken-of-ada"}
    done = run("--", "sh", "-c", "echo epoch 1; echo ValueError: 401 for $TOKEN >&2; exit 2", **given)
    assert (done.returncode, done.stdout) == (2, "epoch 1\n")
    assert done.stderr.startswith("ValueError: 401 for t0ken-of-ada\n"), "the log is the job's own"
    assert (tmp_path / "failure").read_text() == "the command ended with exit code 2: ValueError: 401 for ***"


LOUD = """
import sys
for line in range(40):
    sys.stderr.write("x" * 10000 + "\\n")
sys.exit(3)
"""


def test_a_command_ends_as_it_likes_though_nobody_reads_its_log(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    words = [*MODULE, "--", sys.executable, "-c", LOUD]
    with subprocess.Popen(words, env=with_path({"SM_OUTPUT_DIR": str(tmp_path)}), stderr=writer) as process:
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        try:
            assert process.wait(timeout=30) == 3
        finally:
            process.kill()
    assert (tmp_path / "failure").read_text().startswith("the command ended with exit code 3: xxx")


def test_a_log_that_is_full_for_a_while_has_every_line(tmp_path: Path) -> None:
    """Whoever shares standard error may have made it one that does not wait."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    words = [*MODULE, "--", sys.executable, "-c", LOUD]
    with subprocess.Popen(words, env=with_path({"SM_OUTPUT_DIR": str(tmp_path)}), stderr=writer):
        os.close(writer)
        with open(reader, "rb") as log:
            assert select.select([log], [], [], 30)[0]
            said = log.read()
    assert said.startswith(b"x" * 10000)
    assert said == (b"x" * 10000 + b"\n") * 40 + b"dispatch-run: the command ended with exit code 3\n"


def test_nothing_of_the_code_is_left_when_its_command_has_ended(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(__file__, "train.py")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    given = {"DISPATCH_CODE": str(path), "DISPATCH_CODE_SHA256": digest, "TMPDIR": str(tmp_path / "tmp")}
    done = run("--", "sh", "-c", "ls; pwd; exit 4", **given)
    assert (done.returncode, done.stdout.splitlines()[0]) == (4, "train.py")
    assert Path(done.stdout.splitlines()[1]).parent == tmp_path / "tmp"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_process_that_the_command_leaves_behind_does_not_keep_the_job_alive(tmp_path: Path) -> None:
    done = subprocess.run(
        [*MODULE, "--", "sh", "-c", "sleep 300 >/dev/null & echo $!"],
        env=with_path({"SM_OUTPUT_DIR": str(tmp_path)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )
    os.kill(int(done.stdout), signal.SIGKILL)
    assert done.returncode == 0


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "dispatch-run"
    path.write_bytes(build())
    path.chmod(0o755)
    return path


def test_the_one_file_does_what_the_package_does(one_file: Path, tmp_path: Path) -> None:
    """In an image of its own: another folder, and a job whose modules must not be taken for Python's."""
    (tmp_path / "json.py").write_text("raise ImportError('this is the job's own')")
    environ = {"PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.defpath}", "PYTHONPATH": str(tmp_path)}
    for words in (["--version"], ["--print", "--", "sh", "-c", "exit 4"]):
        done = subprocess.run([one_file, *words], env=environ, cwd=tmp_path, capture_output=True, text=True)
        same = run(*words)
        assert (done.returncode, done.stdout) == (same.returncode, same.stdout), done.stderr


def test_the_one_file_says_when_an_image_has_no_python(one_file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", one_file, "true"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 125
    assert done.stderr == "dispatch-run: this image has no python3 (Python 3.9 or newer, in PATH)\n"


def test_the_one_file_says_when_the_python_of_an_image_is_too_old(one_file: Path) -> None:
    script = "import runpy, sys; sys.version_info = (3, 7, 17); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script, one_file], capture_output=True, text=True)
    assert done.returncode == 125
    assert done.stderr == "dispatch-run: this image has Python 3.7; it needs 3.9 or newer\n"
