"""The local backend with real processes: they outlive their starter, obey limits, and keep secrets off disk."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.backends import open_backend
from dispatcher.backends.base import Backend, Observation, Request, State, Submission
from dispatcher.errors import AlreadyExistsError, NotFoundError, PolicyRefusal, SpecError, UsageError
from dispatcher.job import Job, Resources, Wandb
from dispatcher.queue import Queue
from tests.backends.cases import train

LOCAL = Queue("local", "local")


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return open_backend(None, user="ada", place=tmp_path)


def request(backend: Backend, *command: str, attempt: int = 1, **fields: object) -> Request:
    job = dataclasses.replace(Job(image="train", command=command), **fields)  # type: ignore[arg-type] # names are real
    return backend.render(job, LOCAL, Submission("abc", attempt, "train"))


def until(backend: Backend, name: str, right: Callable[[Observation], bool], seconds: float = 20) -> Observation:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = backend.adopt(name)
        if seen and right(seen):
            return seen
        time.sleep(0.02)
    raise AssertionError(f"{name} is {seen}")


def ended(backend: Backend, name: str) -> Observation:
    return until(backend, name, lambda seen: seen.state is not None and seen.state.final)


def test_the_request_says_all_that_will_be_run(backend: Backend, tmp_path: Path) -> None:
    made = request(
        backend, "python", "train.py", env={"A": "1"}, secrets={"KEY": "env://MY_KEY"}, checkpoint=True,
        inputs={"train": "data/train", "test": "file:///data/test"}, wandb=Wandb("demo"), max_runtime=60,
    )  # fmt: skip
    (operation,) = made.operations
    home = tmp_path / "jobs" / "train-abc-1"
    assert operation.operation == "RunProcess"
    assert operation.body == {
        "Name": "train-abc-1",
        "Command": ["python", "train.py"],
        "Directory": None,
        "Environment": {
            "DISPATCH_JOB_ID": "abc",
            "DISPATCH_ATTEMPT": "1",
            "DISPATCH_CLOUD": "local",
            "DISPATCH_REGION": "local",
            "DISPATCH_INSTANCE": "local",
            "DISPATCH_NODES": "1",
            "DISPATCH_NODE_RANK": "0",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": "29400",
            "DISPATCH_OUTPUT_DIR": str(home / "output"),
            "DISPATCH_CHECKPOINT_DIR": str(tmp_path / "checkpoints" / "abc"),
            "DISPATCH_INPUT_TRAIN": "data/train",
            "DISPATCH_INPUT_TEST": "/data/test",
            "DISPATCH_SECRET_KEY": "env://MY_KEY",
            "WANDB_PROJECT": "demo",
            "A": "1",
        },
        "Secrets": {"KEY": "env://MY_KEY"},
        "MaxRuntimeInSeconds": 60,
        "GraceInSeconds": 10.0,
        "OutputDirectory": str(home / "output"),
        "CheckpointDirectory": str(tmp_path / "checkpoints" / "abc"),
    }
    assert made.warnings == ("image train is not used: the command runs as a process of this machine",)


@pytest.mark.parametrize(
    ("job", "queue", "message"),
    [
        (train(command=()), LOCAL, r"command: is missing"),
        (train(resources=Resources(nodes=2)), LOCAL, r"resources\.nodes: this machine is one node"),
        (train(max_runtime=0), LOCAL, r"max_runtime: is 0 s"),
        (train(inputs={"t": "s3://b/x"}), LOCAL, r"inputs\.t: s3://b/x is not on this machine"),
        (train(env={"DISPATCH_JOB_ID": "x"}), LOCAL, r"env\.DISPATCH_JOB_ID"),
        (train(), Queue("local", "local", overrides={"RoleArn": "x"}), r"queue local: overrides\.RoleArn"),
    ],
)
def test_what_this_machine_cannot_do_is_a_mistake(backend: Backend, job: Job, queue: Queue, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        backend.render(job, queue, Submission("abc", 1, "train"))


def test_a_secret_of_a_cloud_is_refused(backend: Backend) -> None:
    with pytest.raises(PolicyRefusal, match=r"(?s)aws-sm://.*use env://NAME"):
        request(backend, "x", secrets={"A": "aws-sm://a"})


@pytest.mark.wire
def test_a_command_runs_where_it_was_submitted_and_leaves_log_and_outputs(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "data.txt").write_text("forty-two")
    monkeypatch.chdir(tmp_path / "here")
    script = "cat data.txt; echo; echo err >&2; echo weights > $DISPATCH_OUTPUT_DIR/model.bin; printf 'no newline'"
    made = request(backend, "sh", "-c", script)
    assert backend.submit(made) == "local:train-abc-1"
    seen = ended(backend, made.name)
    assert (seen.state, seen.reason, seen.cause) == (State.SUCCEEDED, "", "")
    assert seen.started_at is not None
    assert seen.ended_at is not None
    assert seen.started_at <= seen.ended_at
    lines = list(backend.logs(made.name))
    assert [line.text for line in lines] == ["forty-two", "err", "no newline"]
    assert abs(lines[0].time / 1000 - time.time()) < 60
    (file,) = backend.fetch(made.name, tmp_path / "results")
    assert file.read_text() == "weights\n"


@pytest.mark.wire
def test_a_queue_may_name_the_directory(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    queue = Queue("local", "local", overrides={"directory": str(tmp_path / "there")})
    made = backend.render(Job(image="x", command=("pwd",)), queue, Submission("abc", 1, "train"))
    backend.submit(made)
    ended(backend, made.name)
    assert [line.text for line in backend.logs(made.name)] == [str(tmp_path / "there")]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("sh", "-c", "exit 3"), "exit code 3"),
        (("sh", "-c", "kill -9 $$"), "ended by SIGKILL"),
        (("/nowhere/at-all",), "cannot be started"),
    ],
)
def test_a_failure_has_its_reason(backend: Backend, command: tuple[str, ...], reason: str) -> None:
    made = request(backend, *command)
    backend.submit(made)
    seen = ended(backend, made.name)
    assert (seen.state, seen.cause) == (State.FAILED, "program")
    assert reason in seen.reason


@pytest.mark.wire
def test_a_secret_reaches_the_process_and_never_the_disk(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sw0rdfish")
    made = request(backend, "sh", "-c", "echo ${#KEY} ${KEY%rdfish}", secrets={"KEY": "env://MY_KEY"})
    assert "sw0rdfish" not in str(made)
    backend.submit(made)
    assert ended(backend, made.name).state is State.SUCCEEDED
    assert [line.text for line in backend.logs(made.name)] == ["9 sw0"]
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"sw0rdfish" not in path.read_bytes()


def test_a_secret_that_is_not_set_is_named_before_anything_runs(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(UsageError, match=r"(?s)secret KEY refers to env://MY_KEY.*export MY_KEY="):
        backend.submit(request(backend, "true", secrets={"KEY": "env://MY_KEY"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wire
def test_the_submitters_other_variables_do_not_leak_into_the_job(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sw0rdfish")
    made = request(backend, "env")
    backend.submit(made)
    ended(backend, made.name)
    names = {line.text.partition("=")[0] for line in backend.logs(made.name)}
    assert "AWS_SECRET_ACCESS_KEY" not in names
    assert {"PATH", "DISPATCH_JOB_ID"} <= names


@pytest.mark.wire
def test_a_job_outlives_the_process_that_submitted_it(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; import sys\n"
        "from dispatcher.backends import open_backend\n"
        "from dispatcher.backends.base import Submission\n"
        "from dispatcher.job import Job\n"
        "from dispatcher.queue import Queue\n"
        "backend = open_backend(None, user='ada', place=Path(sys.argv[1]))\n"
        "job = Job(image='x', command=('sh', '-c', 'sleep 0.6; echo survived'))\n"
        "print(backend.submit(backend.render(job, Queue('local', 'local'), Submission('abc', 1, 'train'))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "local:train-abc-1"
    later = open_backend(None, user="ada", place=tmp_path)
    seen = later.adopt("train-abc-1")
    assert seen is not None
    assert seen.state is State.RUNNING
    assert ended(later, "train-abc-1").state is State.SUCCEEDED
    assert [line.text for line in later.logs("train-abc-1")] == ["survived"]


@pytest.mark.wire
def test_max_runtime_ends_the_whole_process_group(backend: Backend, tmp_path: Path) -> None:
    flag = tmp_path / "grandchild"
    made = request(backend, "sh", "-c", f"(sleep 30; touch {flag}) & echo $!; wait", max_runtime=1)
    backend.submit(made)
    seen = ended(backend, made.name)
    assert (seen.state, seen.reason) == (State.TIMED_OUT, "it ran into max_runtime")
    (line, *_) = backend.logs(made.name)
    gone(int(line.text))


@pytest.mark.wire
def test_what_a_command_left_running_is_ended_with_it(backend: Backend) -> None:
    made = request(backend, "sh", "-c", "trap '' TERM; (exec sleep 30 >/dev/null 2>&1) & echo $!")
    backend.submit(made)
    assert ended(backend, made.name).state is State.SUCCEEDED
    (line,) = backend.logs(made.name)
    gone(int(line.text))


@pytest.mark.wire
def test_cancel_asks_first_and_kills_after_the_grace_time(backend: Backend) -> None:
    made = request(backend, "sh", "-c", "trap 'echo asked' TERM; echo up; while :; do sleep 0.1; done")
    body = {**made.operations[0].body, "GraceInSeconds": 0.5}
    made = dataclasses.replace(made, operations=(dataclasses.replace(made.operations[0], body=body),))
    backend.submit(made)
    until(backend, made.name, lambda seen: bool(list(backend.logs(made.name))))
    backend.cancel(made.name)
    until(backend, made.name, lambda seen: seen.state in (State.STOPPING, State.CANCELLED))
    seen = ended(backend, made.name)
    assert seen.state is State.CANCELLED
    texts = [line.text for line in backend.logs(made.name)]
    assert (texts[0], texts[-1]) == ("up", "asked")
    backend.cancel(made.name)


COUNTS = """
import os, signal, time
asked = []
signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
ours, theirs = os.pipe()
if helper := os.fork():
    print("up", flush=True)
    while not asked:
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(helper, signal.SIGUSR1)
    print("asked", len(asked), "and its helper", os.read(ours, 9).decode(), flush=True)
else:
    signal.signal(signal.SIGUSR1, lambda number, frame: os.write(theirs, b"%d" % len(asked)) and os._exit(0))
    while True:
        time.sleep(1)
"""
"""How often a program, and a process that it started, were asked to end."""


@pytest.mark.wire
@pytest.mark.parametrize(("runtime", "helper"), [(True, 0), (None, 1)])
def test_a_program_is_asked_to_end_once_and_what_it_started_only_where_it_is_the_first_process(
    backend: Backend, runtime: bool | None, helper: int
) -> None:
    made = request(backend, sys.executable, "-c", COUNTS, runtime=runtime)
    backend.submit(made)
    until(backend, made.name, lambda seen: bool(list(backend.logs(made.name))))
    backend.cancel(made.name)
    assert ended(backend, made.name).state is State.CANCELLED
    assert [line.text for line in backend.logs(made.name)][-1] == f"asked 1 and its helper {helper}"


@pytest.mark.wire
def test_a_program_that_tidies_up_within_the_grace_time_is_cancelled_all_the_same(backend: Backend) -> None:
    made = request(backend, "sh", "-c", "trap 'echo saved; exit 0' TERM; echo up; while :; do sleep 0.1; done")
    backend.submit(made)
    until(backend, made.name, lambda seen: bool(list(backend.logs(made.name))))
    backend.cancel(made.name)
    assert ended(backend, made.name).state is State.CANCELLED
    assert [line.text for line in backend.logs(made.name)][-1] == "saved"


@pytest.mark.wire
def test_a_name_is_used_once(backend: Backend) -> None:
    made = request(backend, "true")
    backend.submit(made)
    with pytest.raises(AlreadyExistsError, match="train-abc-1 exists already"):
        backend.submit(made)
    ended(backend, made.name)
    with pytest.raises(AlreadyExistsError):
        backend.submit(made)


@pytest.mark.wire
def test_a_submit_that_died_before_anything_started_may_be_repeated(backend: Backend, tmp_path: Path) -> None:
    made = request(backend, "true")
    (tmp_path / "jobs" / made.name).mkdir(parents=True)
    (tmp_path / "jobs" / made.name / "lock").touch()
    assert backend.adopt(made.name) is None
    backend.submit(made)
    assert ended(backend, made.name).state is State.SUCCEEDED


@pytest.mark.wire
def test_a_job_whose_supervisor_was_killed_has_failed(backend: Backend, tmp_path: Path) -> None:
    made = request(backend, "sleep", "30")
    backend.submit(made)
    pids = subprocess.run(["pgrep", "-f", f"supervisor.py {tmp_path}"], capture_output=True, text=True, check=True)
    for pid in pids.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    seen = ended(backend, made.name)
    assert seen.state is State.FAILED
    assert "supervisor is gone" in seen.reason
    assert seen.cause == "provider"
    status = (tmp_path / "jobs" / made.name / "status.json").read_text()
    os.killpg(int(status.partition('"pid": ')[2].partition("}")[0]), signal.SIGKILL)


@pytest.mark.wire
def test_following_a_log_waits_by_the_given_clock(tmp_path: Path) -> None:
    from dispatcher.backends.local import LocalBackend

    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        time.sleep(0.02)

    backend = LocalBackend(tmp_path, user="ada", sleep=sleep)
    made = request(backend, "sh", "-c", "for n in 1 2 3; do echo $n; sleep 0.1; done")
    backend.submit(made)

    def done() -> bool:
        seen = backend.adopt(made.name)
        return bool(seen and seen.state and seen.state.final)

    assert [line.text for line in backend.logs(made.name, follow=True, done=done)] == ["1", "2", "3"]
    assert naps


def test_a_job_that_never_was_is_unknown(backend: Backend, tmp_path: Path) -> None:
    assert backend.poll(["nobody"]) == {}
    for ask in (lambda: list(backend.logs("nobody")), lambda: backend.cancel("nobody")):
        with pytest.raises(NotFoundError, match="no local job is named nobody"):
            ask()
    with pytest.raises(NotFoundError):
        backend.fetch("nobody", tmp_path / "x")


def gone(pid: int, seconds: float = 5) -> None:
    """Wait until no such process runs (a zombie does not run)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} still runs")
