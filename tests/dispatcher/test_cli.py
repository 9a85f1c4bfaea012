"""The other commands: what goes to stdout and stderr, which exit code, and that no error shows a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher import cli
from dispatcher.api import Dispatcher
from dispatcher.backends.base import LogLine, State
from dispatcher.errors import (
    AuthError,
    ExitCode,
    UnreachableError,
)
from tests.dispatcher.command_line import Run, submitted
from tests.dispatcher.doubles import ManualClock, ToyCloud


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
    for command in ("list", "history"):
        said = line(command, "-q", "lin")
        assert (said.code, said.err) == (7, "error: there is no queue lin\n  did you mean line?\n")
        assert line(command, "-q", "local").code == 0
    assert line("list", "--who", "bob").err == "no such jobs\n" or line("list", "--who", "bob").out == ""


def test_list_warns_when_jobs_wait_and_nobody_ticks(line: Run, clock: ManualClock) -> None:
    line("submit", "job.yaml")
    waiting = submitted(line("submit", "job.yaml"))
    assert "warning" not in line("list").err
    clock.now += 301
    remedy = f"`dispatch agent` does, or `dispatch wait {waiting}`"
    warning = f"warning: 1 job waits and nothing has run the queue for 5m: {remedy}\n"
    assert line("list").err.endswith(warning)
    json.loads(line("list", "-o", "json").out)


def test_list_and_show_say_how_old_a_state_is_and_ask_the_clouds_when_told_to(
    line: Run, cloud: ToyCloud, clock: ManualClock
) -> None:
    id = submitted(line("submit", "job.yaml"))
    clock.now += 300
    cloud.end(f"train-{id}-1", State.RUNNING)
    said = line("list", "-o", "json")
    assert (said.json[0]["state"], said.err) == ("pending", "")
    said = line("list")
    assert said.err == "states as of 2026-11-21 08:00:00Z, 5m ago; --refresh asks the clouds\n"
    assert "  pending 5m ago  " in said.out
    assert "last seen   not yet; --refresh asks the cloud\n" in line("show", id).out
    said = line("list", "--refresh")
    assert "last seen   0s ago\n" in line("show", id).out
    clock.now += 60
    assert "last seen   1m ago; --refresh asks the cloud\n" in line("show", id).out
    clock.now -= 60
    assert (said.out.splitlines()[1].split()[4], said.err) == ("running", "")
    cloud.blind.append(UnreachableError("no answer from aws"))
    said = line("list", "--refresh", "-o", "json")
    assert (said.code, said.json[0]["state"]) == (0, "running")
    assert said.err == "warning: no answer from aws; the last known states are shown\n"


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
    shown = line("queue", "show", "line").out
    assert [row.split()[1] for row in shown.splitlines()[-2:]] == [high, low]
    assert "zone allows  a job at most 4 nodes for 5d, on ml.g5.xlarge, ml.m5.xlarge\n" in shown
    types = ["ml.g5.xlarge", "ml.m5.xlarge"]
    assert document["limits"] == {"instance_types": types, "max_nodes": 4, "max_runtime": 432_000}


def test_the_queue_of_this_machine_is_listed_too(run: Run, outputs: Path) -> None:
    row = ["local", "local", "this", "machine", "0", "0", "0", "open"]
    alone = run("queue", "list")
    assert [one.split() for one in alone.out.splitlines()[1:]] == [row]
    assert alone.err == "no other queues yet: run `dispatch sync` after `pulumi up`\n"
    assert run("sync", "--outputs", str(outputs)).code == 0
    assert run("queue", "list").out.splitlines()[-1].split() == row
    assert run("queue", "show", "local", "-o", "json").json["limits"] is None


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
    assert said.err.splitlines()[-1] == "error: 4 problems"
    assert said.out == ""
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


def test_debug_shows_where_an_error_came_from_and_no_secret_of_its_words(
    line: Run, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("token=ghp_" + "a" * 36)

    monkeypatch.setattr(dispatcher, "list", broken)
    assert cli.run(["--debug", "list"]) == ExitCode.UNEXPECTED
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):\n")
    assert "in broken\n" in said
    assert "RuntimeError: token=[redacted]\n" in said
    assert "ghp_a" not in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    assert "_DISPATCH_COMPLETE" in run("completion", shell).out


def test_version_and_help_are_quick_words(run: Run) -> None:
    assert run("--version").out == "dispatch 0.1.0\n"
    assert all(name in run("--help").out for name in cli.COMMANDS)
