"""What every backend must do, written once; `test_conformance.py` runs it over each of them."""

from __future__ import annotations

import dataclasses
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher import clock
from dispatcher.backends.base import Backend, Observation, Request, State
from dispatcher.code import keeping, packing
from dispatcher.errors import AlreadyExistsError, NotFoundError, NotHereError
from dispatcher.job import Job


class Stand(ABC):
    """A backend under test, and how to give it a small Python program to run."""

    @abstractmethod
    def backend(self) -> Backend:
        """Return a backend that remembers nothing of an earlier one."""

    @abstractmethod
    def program(self, backend: Backend, *lines: str, job: Callable[[Job], Job] = lambda job: job) -> Request:
        """Render a job that runs the lines; every request has a name of its own."""


def until(backend: Backend, name: str, *states: State, seconds: float = 40) -> Observation:
    """Poll until the job is in one of `states`, or final when none is given."""
    deadline = time.monotonic() + seconds
    seen: Observation | None = None
    while time.monotonic() < deadline:
        seen = backend.poll([name]).get(name)
        if seen and seen.state and (seen.state in states if states else seen.state.final):
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{name} is {seen}")


class Conformance:
    """Inherit, and give a fixture `stand`."""

    def test_a_job_runs_to_success_with_its_lines_and_outputs(self, stand: Stand, tmp_path: Path) -> None:
        backend = stand.backend()
        request = stand.program(
            backend,
            "import os, pathlib",
            "print('first'); print('second')",
            "outputs = pathlib.Path(os.environ['DISPATCH_OUTPUT_DIR'])",
            "outputs.mkdir(parents=True, exist_ok=True)  # in a mounted bucket nothing is there until it is made",
            "(outputs / 'model.txt').write_text('weights')",
        )
        provider_id = backend.submit(request)
        final = until(backend, request.name)
        assert (final.state, final.provider_id, final.name) == (State.SUCCEEDED, provider_id, request.name)
        assert final.started_at is not None
        assert final.ended_at is not None
        assert final.started_at <= final.ended_at
        lines = list(backend.logs(request.name))
        assert [line.text for line in lines] == ["first", "second"]
        assert all(abs(line.time / 1000 - time.time()) < 600 for line in lines)
        (file,) = backend.fetch(request.name, tmp_path / "results")
        assert file == tmp_path / "results" / "model.txt", "in the same place, whatever the cloud"
        assert file.read_text() == "weights"

    def test_the_program_finds_the_dispatchers_names(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(
            backend,
            "import json, os",
            "print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('DISPATCH_') or k == 'MY'}))",
            "os.makedirs(os.environ['DISPATCH_CHECKPOINT_DIR'], exist_ok=True)",
            "open(os.environ['DISPATCH_CHECKPOINT_DIR'] + '/step-1', 'w').close()",
            job=lambda job: dataclasses.replace(job, env={"MY": "own value"}, checkpoint=True),
        )
        backend.submit(request)
        assert until(backend, request.name).state is State.SUCCEEDED
        (line,) = backend.logs(request.name)
        names = json.loads(line.text)
        assert (names["MY"], names["DISPATCH_ATTEMPT"], names["DISPATCH_NODES"]) == ("own value", "1", "1")
        assert names["DISPATCH_CLOUD"] == request.cloud
        assert names["DISPATCH_JOB_ID"] in request.name

    def test_code_goes_along_and_is_where_the_program_starts(self, stand: Stand, tmp_path: Path) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "parts.py").write_text("word = 'sent along'")
        (tmp_path / "src" / "main.py").write_text("import os, parts\nprint(parts.word, sorted(os.listdir()))")
        packed = packing.pack(tmp_path / "src")
        archive = keeping.keep(packed, tmp_path / "archives")
        backend = stand.backend()

        def coded(job: Job) -> Job:
            return dataclasses.replace(job, command=("python", "-B", "main.py"), runtime=True, code=packed.code)

        request = stand.program(backend, job=coded)
        (upload,) = request.uploads
        assert (upload.sha256, upload.size) == (packed.code.sha256, archive.stat().st_size)
        with pytest.raises(NotHereError, match="nor on this machine"):
            backend.stage(upload, tmp_path / "nowhere")
        backend.stage(upload, archive)
        stand.backend().stage(upload, tmp_path / "nowhere")  # it is there, so nobody needs to have it
        backend.submit(request)
        assert until(backend, request.name).state is State.SUCCEEDED
        assert [line.text for line in backend.logs(request.name)] == ["sent along ['main.py', 'parts.py']"]

    def test_a_name_is_taken_once_and_the_job_can_be_adopted(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(backend, "pass")
        provider_id = backend.submit(request)
        with pytest.raises(AlreadyExistsError):
            backend.submit(request)
        adopted = stand.backend().adopt(request.name)
        assert adopted is not None
        assert adopted.provider_id == provider_id
        until(backend, request.name)
        with pytest.raises(AlreadyExistsError):
            backend.submit(request)

    def test_a_program_that_fails_is_failed_by_its_own_fault(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(backend, "print('bye'); raise SystemExit(7)")
        backend.submit(request)
        final = until(backend, request.name)
        assert (final.state, final.cause) == (State.FAILED, "program")
        assert "7" in final.reason
        assert [line.text for line in backend.logs(request.name)] == ["bye"]

    def test_a_job_can_be_cancelled_at_any_time_and_twice(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(backend, "import time; time.sleep(60)")
        backend.submit(request)
        until(backend, request.name, State.RUNNING)
        stand.backend().cancel(request.name)
        backend.cancel(request.name)
        assert until(backend, request.name).state is State.CANCELLED
        backend.cancel(request.name)

    def test_a_job_that_runs_too_long_times_out(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(
            backend, "import time; time.sleep(60)", job=lambda job: dataclasses.replace(job, max_runtime=1)
        )
        backend.submit(request)
        assert until(backend, request.name).state is State.TIMED_OUT

    def test_many_are_polled_at_once_and_strangers_are_left_out(self, stand: Stand) -> None:
        backend = stand.backend()
        requests = [stand.program(backend, "pass") for _ in range(3)]
        for request in requests:
            backend.submit(request)
        names = [request.name for request in requests]
        assert set(backend.poll([*names, "nobody-nowhere-1"])) == set(names)
        assert backend.poll([]) == {}
        for name in names:
            until(backend, name)

    def test_all_that_a_dispatcher_sent_is_found_again_whoever_knows_of_it(self, stand: Stand) -> None:
        backend = stand.backend()
        before = clock.stamp(time.time() - 5)
        requests = [stand.program(backend, "pass") for _ in range(2)]
        ids = {request.name: backend.submit(request) for request in requests}
        for known in (lambda name: False, lambda name: True):
            found = {one.seen.name: one for one in stand.backend().ours(before, known)}
            assert {name: found[name].seen.provider_id for name in ids} == ids
            assert all(found[name].owner in ("", "ada@example.org", "ada-example-org") for name in ids)
            assert all(found[name].seen.state is not None for name in ids)
        assert not list(backend.ours(clock.stamp(time.time() + 3600)))
        for name in ids:
            until(backend, name)

    def test_a_log_is_followed_to_its_last_line(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(backend, "import time\nfor n in range(4): print(n); time.sleep(0.1)")
        backend.submit(request)

        def done() -> bool:
            time.sleep(0.05)
            seen = backend.adopt(request.name)
            return bool(seen and seen.state and seen.state.final)

        followed = [line.text for line in backend.logs(request.name, follow=True, done=done)]
        assert followed == ["0", "1", "2", "3"]

    def test_what_never_was_is_unknown(self, stand: Stand, tmp_path: Path) -> None:
        backend = stand.backend()
        assert backend.adopt("nobody-nowhere-1") is None
        assert backend.poll(["nobody-nowhere-1"]) == {}
        with pytest.raises(NotFoundError):
            backend.cancel("nobody-nowhere-1")
        with pytest.raises(NotFoundError):
            backend.fetch("nobody-nowhere-1", tmp_path)

    def test_rendering_the_same_twice_is_the_same(self, stand: Stand) -> None:
        backend = stand.backend()
        request = stand.program(backend, "pass")
        assert json.loads(json.dumps(request.operations[0].body)) == request.operations[0].body
        body = request.operations[0].body
        assert request.name == body.get("TrainingJobName", body.get("displayName", request.name))
