"""The command line: what goes to stdout and stderr, which exit code, and that no error shows a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher import cli
from dispatcher.api import Dispatcher
from dispatcher.backends.base import LogLine, State
from dispatcher.errors import (
    AuthError,
    CapacityError,
    DispatchError,
    ExitCode,
    QuotaError,
    UnreachableError,
    UsageError,
)
from tests.dispatcher.doubles import ManualClock, ToyCloud

JOB = "image: img:1\nname: train\ncommand: [run]\n"


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def run(
    dispatcher: Dispatcher,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    """Run a command in this process, in an empty directory, on the toy cloud."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "job.yaml").write_text(JOB)
    monkeypatch.setattr(Dispatcher, "close", lambda self: None)
    monkeypatch.setattr(cli.Settings, "dispatcher", lambda self: dispatcher)

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = cli.run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(int(code), said.out, said.err)

    return run


@pytest.fixture
def line(run: Run, outputs: Path, tmp_path: Path) -> Run:
    """The same with one queue `line` that runs one job at a time."""
    (tmp_path / "q.yaml").write_text("queues: [{name: line, zone: aws-euc1, max_running: 1}]")
    assert run("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml")).code == 0
    return run


def submitted(said: Said) -> str:
    """The id that `submit` printed."""
    assert said.code == 0, said.err
    return said.out.split()[1].rstrip(":")


# Submitting


def test_submit_says_what_was_submitted_where(line: Run, cloud: ToyCloud) -> None:
    said = line("submit", "job.yaml")
    id = submitted(said)
    assert (
        said.out == f"submitted {id}: train to queue line (aws-euc1, ml.m5.large, at most 1d)\n" or id in said.out
    )
    assert cloud.sent == [f"train-{id}-1"]


def test_submit_as_json_prints_the_entry_and_nothing_else(line: Run) -> None:
    document = line("submit", "job.yaml", "-o", "json").json
    assert (document["state"], document["queue"], document["priority"]) == ("pending", "line", "medium")
    assert "lease_token" not in document


def test_a_dry_run_prints_exactly_the_agreed_document_and_sends_and_records_nothing(
    line: Run, cloud: ToyCloud
) -> None:
    said = line("submit", "job.yaml", "--dry-run", "-o", "json", "--set", "resources.nodes=2")
    document = said.json
    assert list(document) == ["queue", "zone", "cloud", "requests", "warnings", "estimate"]
    assert (document["queue"], document["zone"], document["cloud"]) == ("line", "aws-euc1", "aws")
    assert document["requests"] == [
        {"operation": "Create", "body": {"Name": "train-00000000-1", "Image": "img:1", "Nodes": 2}}
    ]
    assert list(document["estimate"]) == [
        "hardware",
        "nodes",
        "hours",
        "unit_price",
        "currency",
        "price_source",
        "price_as_of",
        "total",
    ]
    assert (document["estimate"]["unit_price"], document["estimate"]["total"]) == (None, None)
    assert (document["estimate"]["nodes"], document["estimate"]["hours"]) == (2, 24.0)
    assert cloud.sent == []
    assert line("list").out == ""


def test_a_price_file_fills_the_estimate_and_is_frozen_in_the_row(line: Run, tmp_path: Path) -> None:
    hardware = line("submit", "job.yaml", "--dry-run", "-o", "json").json["estimate"]["hardware"]
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "as_of: 2026-11-01\nsource: price list\ncurrency: EUR\n"
        f"prices: [{{cloud: aws, instance: {hardware}, unit_price: 0.5}}]\n"
    )
    said = line("submit", "job.yaml", "--dry-run", "--prices", str(prices))
    assert "at most 12.00 EUR (0.5 per node and hour, price list, 2026-11-01)" in said.err
    document = line("submit", "job.yaml", "--prices", str(prices), "-o", "json").json
    assert (document["unit_price"], document["currency"], document["price_as_of"]) == (0.5, "EUR", "2026-11-01")


def test_arguments_env_set_and_priority_go_on_top_of_the_file(line: Run) -> None:
    words = (
        "submit",
        "job.yaml",
        "-o",
        "json",
        "-P",
        "high",
        "--env",
        "A=1",
        "--set",
        "max_runtime=2h",
        "--",
        "--lr",
        "0.1",
    )
    document = line(*words).json
    job = document["job"]
    assert (job["command"], job["env"], job["max_runtime"]) == (["run", "--lr", "0.1"], {"A": "1"}, 7200)
    assert document["priority"] == "high"


def test_the_only_queue_needs_no_name_and_local_is_always_there(line: Run) -> None:
    assert line("submit", "job.yaml", "--dry-run", "-o", "json").json["queue"] == "line"
    assert line("submit", "job.yaml", "-q", "local", "--dry-run", "-o", "json").json["cloud"] == "local"


def test_several_queues_need_a_name(run: Run, outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text("queues: [{name: a, zone: aws-euc1}, {name: b, zone: aws-euc1}]")
    run("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml"))
    said = run("submit", "job.yaml")
    assert (said.code, said.out) == (ExitCode.NOT_FOUND, "")
    assert said.err == "error: there is more than one queue: say which\n  -q with one of a, b, local\n"


def test_a_job_that_waits_says_why(line: Run) -> None:
    line("submit", "job.yaml")
    said = line("submit", "job.yaml")
    assert said.code == 0
    assert said.out.startswith("queued ")
    assert "  waits: queue line runs 1 of 1 jobs (max_running)" in said.out


def test_a_wrong_file_lists_every_problem_and_exits_2(line: Run) -> None:
    Path("bad.yaml").write_text("imag: a\nresources: {gpu: x}\nenv: {WANDB_API_KEY: 0123456789abcdef}\n")
    said = line("submit", "bad.yaml")
    assert said.code == ExitCode.USAGE
    assert said.out == ""
    assert said.err.splitlines() == [
        "bad.yaml:1: imag: is not a known key (did you mean image?)",
        "bad.yaml:2: resources.gpu: is 'x', not a whole number",
        "bad.yaml:3: env.WANDB_API_KEY: looks like a secret by its name, and secrets are never written down"
        ' (reference it: secrets: {WANDB_API_KEY: "aws-sm://wandb-api-key"})',
        "bad.yaml:1: image: is missing",
        "error: 4 problems; nothing was changed",
    ]


def test_a_job_without_a_run_time_fits_a_queue_of_short_jobs(run: Run, outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text("{name: q, zone: aws-euc1, max_runtime: 2h}")
    run("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml"))
    assert run("submit", "job.yaml", "--dry-run", "-o", "json").json["estimate"]["hours"] == 2.0
    assert run("submit", "job.yaml", "--set", "max_runtime=3h").code == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("job_types", "job_type: other"),
        ("spot: forbidden", "spot: true\ncheckpoint: true"),
        ("max_runtime", "max_runtime: 2d"),
        ("max_nodes", "resources: {nodes: 4}"),
    ],
)
def test_a_queue_s_rule_refuses_with_its_name_and_exit_3(
    run: Run, outputs: Path, tmp_path: Path, rule: str, change: str
) -> None:
    (tmp_path / "q.yaml").write_text(
        "{name: q, zone: aws-euc1, job_types: [train-model], spot: forbidden, max_runtime: 1d, max_nodes: 3}"
    )
    run("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml"))
    text = "image: a\n" + ("" if "job_type" in change else "job_type: train-model\n") + change
    Path("job.yaml").write_text(text)
    said = run("submit", "job.yaml")
    assert said.code == ExitCode.REFUSED
    assert f"({rule})" in said.err


@pytest.mark.parametrize(
    ("error", "code", "fate"),
    [
        (AuthError("sign-in expired", "run: aws sso login"), ExitCode.AUTH, "stays queued"),
        (CapacityError("none now"), ExitCode.CAPACITY, "stays queued"),
        (QuotaError("limit is 0"), ExitCode.QUOTA, "recorded as failed"),
        (UnreachableError("reset"), ExitCode.UNREACHABLE, "may have been submitted"),
        (UsageError("bad bucket"), ExitCode.USAGE, "recorded as failed"),
        (DispatchError("odd"), ExitCode.UNEXPECTED, "recorded as failed"),
    ],
)
def test_an_error_of_the_cloud_has_its_exit_code_and_says_what_became_of_the_job(
    line: Run, cloud: ToyCloud, error: DispatchError, code: ExitCode, fate: str
) -> None:
    cloud.refuse.append(error)
    said = line("submit", "job.yaml")
    assert said.code == code
    assert f"error: {error.message}\n" in said.err
    assert fate in said.err


def test_a_full_disk_is_one_clear_error_and_nothing_is_sent(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud
) -> None:
    ledger: Any = dispatcher.ledger
    ledger._rows(f"PRAGMA max_page_count = {ledger._rows('PRAGMA page_count')[0][0]}")
    words = [f"--env=A{number}={'x' * 500}" for number in range(60)]
    said = line("submit", "job.yaml", *words)
    assert (said.code, cloud.sent) == (ExitCode.UNEXPECTED, [])
    assert "is full; nothing was recorded" in said.err


# Waiting and following


def test_wait_ends_with_the_job_s_result(line: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    for state, code in (
        (State.SUCCEEDED, 0),
        (State.FAILED, ExitCode.JOB_FAILED),
        (State.CANCELLED, ExitCode.JOB_FAILED),
        (State.TIMED_OUT, ExitCode.JOB_TIMED_OUT),
    ):
        clock.on_sleep = lambda _, state=state: cloud.end(cloud.sent[-1], state)  # type: ignore[misc]  # mypy cannot type it
        said = line("submit", "job.yaml", "--wait")
        assert said.code == code
        assert said.out.splitlines()[1].startswith(f"{state.value} ")


def test_waiting_says_once_what_stands_in_the_way(line: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    cloud.blind += [UnreachableError("AWS did not answer")] * 3
    clock.on_sleep = lambda _: None if cloud.blind else cloud.end(cloud.sent[-1])
    said = line("submit", "job.yaml", "--wait")
    assert said.code == 0
    assert said.err == "  pending; AWS did not answer; still trying\n"


def test_follow_prints_the_job_s_lines_cleaned_then_its_result(
    line: Run, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logs(name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True) -> Any:
        yield LogLine(1, "algo-1", "epoch 1 loss 0.5")
        yield LogLine(2, "algo-1", "using WANDB_API_KEY=0123456789abcdef")
        cloud.end(name)
        while not done():
            clock.now += 5

    monkeypatch.setattr(cloud, "logs", logs)
    said = line("submit", "job.yaml", "--follow")
    assert said.code == 0
    assert said.out.splitlines()[1:3] == ["epoch 1 loss 0.5", "using WANDB_API_KEY=[redacted]"]
    assert said.out.splitlines()[3].startswith("succeeded ")
    document = line("submit", "job.yaml", "--follow", "-o", "json")
    assert document.json["state"] == "succeeded"
    assert "epoch 1" in document.err


@pytest.mark.parametrize("words", [("--wait",), ("--follow",)])
def test_ctrl_c_while_waiting_leaves_the_job_and_says_how_to_return(
    line: Run, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    def logs(name: str, **_: object) -> Any:
        raise KeyboardInterrupt
        yield

    clock.on_sleep = interrupt
    monkeypatch.setattr(cloud, "logs", logs)
    said = line("submit", "job.yaml", *words)
    id = said.out.split()[1].rstrip(":")
    assert said.code == ExitCode.INTERRUPTED
    assert f"job {id} goes on" in said.err
    for way in (f"dispatch wait {id}", f"dispatch logs -f {id}", f"dispatch cancel {id}"):
        assert way in said.err
    assert cloud.cancelled == []
    clock.on_sleep = lambda _: cloud.end(cloud.sent[-1])
    assert line("wait", id).code == 0


def test_ctrl_c_during_the_call_itself_says_that_the_job_is_recorded(line: Run, cloud: ToyCloud) -> None:
    cloud.lose.append(KeyboardInterrupt())
    said = line("submit", "job.yaml")
    assert said.code == ExitCode.INTERRUPTED
    (entry,) = line("list", "-o", "json").json
    assert f"dispatch wait {entry['id']}" in said.err
    assert line("cancel", entry["id"]).out == f"{entry['id']} stopping\n"


def test_a_cancel_of_a_job_of_unknown_fate_says_what_happens_next(line: Run, cloud: ToyCloud) -> None:
    cloud.refuse.append(UnreachableError("no route"))
    assert line("submit", "job.yaml").code == ExitCode.UNREACHABLE
    (entry,) = line("list", "-o", "json").json
    said = line("cancel", entry["id"])
    assert said.out == f"{entry['id']} submitting\n"
    assert f"dispatch wait {entry['id']} stops it" in said.err


# Looking


def test_list_is_a_table_newest_first_with_only_what_was_asked_for(line: Run, clock: ManualClock) -> None:
    first = submitted(line("submit", "job.yaml"))
    clock.now += 60
    second = submitted(line("submit", "job.yaml", "-P", "low"))
    clock.now += 5
    table = line("list").out.splitlines()
    assert table[0].split() == ["ID", "JOB", "QUEUE", "PRIORITY", "STATE", "HARDWARE", "WHO", "AGE"]
    assert [row.split()[0] for row in table[1:]] == [second, first]
    assert table[1].split()[3:5] == ["low", "queued"]
    assert table[2].split()[-1] == "1m"
    assert [entry["id"] for entry in line("list", "-s", "pending", "-o", "json").json] == [first]
    cut = line("list", "-n", "1")
    assert (len(cut.out.splitlines()), cut.err) == (2, "... and 1 older (--all, or -n)\n")
    assert line("list", "--who", "bob").err == "no such jobs\n" or line("list", "--who", "bob").out == ""


def test_list_warns_when_jobs_wait_and_nobody_ticks(line: Run, clock: ManualClock) -> None:
    line("submit", "job.yaml")
    waiting = submitted(line("submit", "job.yaml"))
    assert "warning" not in line("list").err
    clock.now += 301
    assert (
        line("list").err
        == f"warning: 1 job waits and nothing has run the queue for 5m: `dispatch wait {waiting}` does\n"
    )
    json.loads(line("list", "-o", "json").out)


def test_show_tells_the_state_the_reasons_and_the_events(line: Run, cloud: ToyCloud) -> None:
    running = submitted(line("submit", "job.yaml"))
    waiting = submitted(line("submit", "job.yaml"))
    shown = line("show", waiting).out
    assert "queue line runs 1 of 1 jobs (max_running)" in shown
    cloud.end(str(f"train-{running}-1"))
    assert "succeeded (Succeeded)" in line("show", running, "--refresh").out
    document = line("show", running, "-o", "json").json
    assert [event["kind"] for event in document["events"]] == ["queued", "claimed", "submitted", "succeeded"]
    assert document["waits"] == []


def test_a_job_is_named_by_the_beginning_of_its_id_and_an_unknown_or_ambiguous_one_is_an_error(
    line: Run, dispatcher: Dispatcher
) -> None:
    id = submitted(line("submit", "job.yaml"))
    assert line("show", id[:5], "-o", "json").json["id"] == id
    assert line("show", f"train-{id}-1", "-o", "json").json["id"] == id
    said = line("show", "zzzzzzzz")
    assert (said.code, said.err.splitlines()[0][:29]) == (ExitCode.NOT_FOUND, "error: there is no job zzzzzz"[:29])
    assert line("show", "").code == ExitCode.NOT_FOUND


def test_logs_of_a_job_that_has_printed_nothing_say_so_on_stderr(line: Run, cloud: ToyCloud) -> None:
    id = submitted(line("submit", "job.yaml"))
    said = line("logs", id)
    assert (said.out, said.err) == ("", f"job {id} has printed nothing yet (pending)\n")
    cloud.lines[f"train-{id}-1"] = [LogLine(5, "algo-1", "hello")]
    assert line("logs", id).out == "hello\n"
    assert line("logs", id, "-o", "json").json == {"time": 5, "node": "algo-1", "text": "hello"}


def test_fetch_brings_files_and_names_them(line: Run, cloud: ToyCloud) -> None:
    id = submitted(line("submit", "job.yaml"))
    assert line("fetch", id, "out").out == "out/model.bin\n"
    assert Path("out/model.bin").read_bytes() == b"weights"
    waiting = submitted(line("submit", "job.yaml"))
    assert line("fetch", waiting).code == ExitCode.NOT_FOUND


def test_cancel_takes_several_jobs_and_tells_what_became_of_each(line: Run, cloud: ToyCloud) -> None:
    running, waiting = submitted(line("submit", "job.yaml")), submitted(line("submit", "job.yaml"))
    said = line("cancel", running, waiting)
    assert said.out == f"{running} stopping\n{waiting} cancelled\n"
    assert line("cancel", waiting).out == f"{waiting} had already ended: cancelled\n"
    assert line("cancel", running, "nope").code == ExitCode.NOT_FOUND


def test_history_shows_what_ended_and_its_cost_at_the_frozen_price_or_that_it_is_unknown(
    line: Run, cloud: ToyCloud, tmp_path: Path
) -> None:
    hardware = line("submit", "job.yaml", "--dry-run", "-o", "json").json["estimate"]["hardware"]
    (tmp_path / "p.yaml").write_text(
        "as_of: 2026-11-01\nsource: s\ncurrency: EUR\n"
        f"prices: [{{cloud: aws, instance: {hardware}, unit_price: 4}}]\n"
    )
    for words in (("--prices", str(tmp_path / "p.yaml")), ()):
        id = submitted(line("submit", "job.yaml", *words))
        cloud.end(f"train-{id}-1")
        line("show", id, "--refresh")
    rows = line("history").out.splitlines()[1:]
    assert sorted(row.rsplit("  ", 1)[-1].strip() for row in rows) == ["0.10 EUR", "unknown"]
    assert sorted(str(entry["cost"]) for entry in line("history", "-o", "json").json) == ["0.1", "None"]
    assert line("history", "--since", "1h").out
    assert line("history", "--since", "soon").code == ExitCode.USAGE


# Queues


def test_queue_list_and_show_tell_load_caps_and_order(line: Run) -> None:
    line("submit", "job.yaml")
    low = submitted(line("submit", "job.yaml", "-P", "low"))
    high = submitted(line("submit", "job.yaml", "-P", "high"))
    assert line("queue", "list").out.splitlines()[1].split() == [
        "line",
        "aws-euc1",
        "by",
        "resources",
        "2",
        "1/1",
        "1",
        "open",
    ]
    document = line("queue", "show", "line", "-o", "json").json
    assert [entry["id"] for entry in document["queue"]] == [high, low]
    assert (document["max_running"], document["waiting"], document["cloud"]) == (1, 2, "aws")
    assert [row.split()[1] for row in line("queue", "show", "line").out.splitlines()[-2:]] == [high, low]


def test_queue_pause_resume_and_export(line: Run) -> None:
    assert line("queue", "pause", "line", "--reason", "maintenance").code == 0
    assert line("queue", "list", "-o", "json").json[0]["paused_reason"] == "maintenance (by ada)"
    assert line("queue", "resume", "line").out == "queue line is open\n"
    assert line("queue", "export").out == "queues:\n- name: line\n  zone: aws-euc1\n  max_running: 1\n"
    assert line("queue", "pause", "local").code == ExitCode.USAGE
    assert line("queue", "show", "lien").err == "error: there is no queue lien\n  did you mean line?\n"


# Checking


def test_check_tells_what_each_file_is_or_all_that_is_wrong(run: Run, outputs: Path) -> None:
    Path("q.yaml").write_text("queues: [{name: a, zone: aws-euc1}]")
    said = run("check", "job.yaml", "q.yaml", str(outputs))
    assert said.out.splitlines() == [
        "job.yaml: a job, ok",
        "q.yaml: 1 queue, ok",
        f"{outputs}: outputs of environment golden with 1 zone, ok",
    ]
    Path("bad.yaml").write_text("image: a\nspto: true")
    Path("bad.queues.yaml").write_text("queues: [{name: A}]")
    said = run("check", "bad.yaml", "bad.queues.yaml", "none.yaml")
    assert said.code == ExitCode.USAGE
    assert said.err.splitlines()[-1] == "error: 4 problems; nothing was changed"
    Path("q.yaml").write_text("queues: [{name: a, zone: elsewhere}]")
    assert "is 'elsewhere', not a zone of the stack" in run("check", "q.yaml", "--outputs", str(outputs)).err


def test_doctor_gives_each_thing_a_verdict_and_failing_zones_a_remedy_and_an_exit_code(
    line: Run, cloud: ToyCloud
) -> None:
    said = line("doctor")
    assert said.code == 0
    assert "ok    zone aws-euc1: aws answers as the agent identity" in said.out
    cloud.blind.append(AuthError("not signed in to AWS", "run: aws sso login"))
    said = line("doctor")
    assert said.code == ExitCode.AUTH
    assert "fail  zone aws-euc1: not signed in to AWS\n      run: aws sso login" in said.out
    cloud.blind.append(UnreachableError("connection refused"))
    checks = line("doctor", "-o", "json").json
    assert {
        "subject": "zone aws-euc1",
        "verdict": "fail",
        "finding": "no answer: connection refused",
        "remedy": "",
    } in checks


# The frame


def test_an_unknown_command_or_option_gets_a_guess_and_exit_2(run: Run) -> None:
    said = run("sumbit", "x")
    assert (said.code, said.err.splitlines()[0]) == (
        2,
        "error: There is no command 'sumbit'; did you mean submit?",
    )
    assert run("list", "--al").code == 2
    assert run("submit").code == 2
    assert run("list", "-s", "dead").code == 2


def test_a_secret_in_the_wrong_place_is_not_repeated(line: Run) -> None:
    token = "ghp_" + "a" * 36
    for words in (("--set", token), ("--env", token), ("--set", f"env.{token}"), ("--set", f"{token}=1")):
        said = line("submit", "job.yaml", "--dry-run", *words)
        assert said.code == 2
        assert token not in said.out + said.err


def test_a_bug_is_one_line_with_the_way_to_see_more(
    run: Run, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("token=ghp_" + "a" * 36)

    monkeypatch.setattr(dispatcher, "list", broken)
    said = run("list")
    assert said.code == ExitCode.UNEXPECTED
    assert said.err.startswith("error: unexpected RuntimeError: token=[redacted]\n")
    assert "--debug" in said.err
    with pytest.raises(RuntimeError):
        cli.run(["--debug", "list"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    assert "_DISPATCH_COMPLETE" in run("completion", shell).out


def test_version_and_help_are_quick_words(run: Run) -> None:
    assert run("--version").out == "dispatch 0.1.0\n"
    assert all(name in run("--help").out for name in cli.COMMANDS)
