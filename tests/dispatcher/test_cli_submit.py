"""`dispatch submit`: what goes to stdout and stderr, which exit code, and that no error shows a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
from tests.dispatcher.command_line import Run, submitted
from tests.dispatcher.doubles import ManualClock, ToyCloud


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


def test_a_price_file_fills_the_estimate_and_is_frozen_in_the_row(
    line: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = line("submit", "job.yaml", "--dry-run", "-o", "json").json["estimate"]["hardware"]
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "as_of: 2026-11-01\nsource: price list\ncurrency: EUR\n"
        f"prices: [{{cloud: aws, instance: {hardware}, unit_price: 0.5}}]\n"
    )
    said = line("submit", "job.yaml", "--dry-run", "--prices", str(prices))
    assert "at most 12.00 EUR (0.5 per node and hour, price list, 2026-11-01)" in said.err
    monkeypatch.setenv("DISPATCH_PRICES", str(prices))
    assert line("submit", "job.yaml", "--dry-run").err == said.err
    said = line("submit", "job.yaml")
    assert said.out.splitlines()[1] == "  at most 12.00 EUR (0.5 per node and hour, price list, 2026-11-01)"
    document = line("submit", "job.yaml", "-o", "json").json
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


def test_several_queues_need_a_name_or_the_variable(
    run: Run, outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q.yaml").write_text("queues: [{name: a, zone: aws-euc1}, {name: b, zone: aws-euc1}]")
    run("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml"))
    said = run("submit", "job.yaml")
    assert (said.code, said.out) == (ExitCode.USAGE, "")
    assert said.err.splitlines() == [
        "error: there is more than one queue: say which",
        "  -q or DISPATCH_QUEUE with one of a, b, local",
    ]
    monkeypatch.setenv("DISPATCH_QUEUE", "b")
    assert run("submit", "job.yaml", "--dry-run", "-o", "json").json["queue"] == "b"
    assert run("submit", "job.yaml", "-q", "a", "--dry-run", "-o", "json").json["queue"] == "a"


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
        "bad.yaml:1: image: is missing",
        "bad.yaml:3: env.WANDB_API_KEY: looks like a secret by its name, and secrets are never written down"
        ' (reference it: secrets: {WANDB_API_KEY: "aws-sm://wandb-api-key"};'
        " if it is none: --allow-plain WANDB_API_KEY)",
        "error: 4 problems; nothing was changed",
    ]


def test_what_only_the_zone_finds_wrong_has_its_file_and_line_too(line: Run) -> None:
    Path("gpu.yaml").write_text("image: a\ncommand: [run]\nresources:\n  gpu_type: L40\n")
    said = line("submit", "gpu.yaml")
    assert said.code == ExitCode.USAGE
    assert said.err.startswith("gpu.yaml:4: resources.gpu_type: aws has no L40 for training")
    said = line("submit", "job.yaml", "--set", "resources.instance=g2-standard-8", "--dry-run")
    assert said.err.startswith("--set: resources.instance: g2-standard-8 is not a training instance type of aws")
    assert "leave it out and say resources.gpu" in said.err


def test_a_job_may_bound_its_wait_without_spot_because_a_queue_may_start_it_flexibly(line: Run) -> None:
    Path("flex.yaml").write_text("image: a\ncommand: [run]\nmax_runtime: 1h\nmax_wait: 3h\n")
    assert line("submit", "flex.yaml", "--dry-run").code == 0


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
    ledger.engine.rows(f"PRAGMA max_page_count = {ledger.engine.rows('PRAGMA page_count')[0][0]}")
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


# A missing right


class Denied(AuthError):
    """A right that is missing, or that has not spread yet."""

    propagating = True


REMEDY = "the contract grants it to the agent"


def denied(times: int) -> list[Denied]:
    return [Denied("not allowed: sagemaker:CreateTrainingJob was denied", REMEDY) for _ in range(times)]


@pytest.mark.parametrize("how", ["--wait", "--follow"])
def test_a_right_missing_in_an_old_zone_ends_waiting_with_the_remedy_and_keeps_the_job(
    line: Run, cloud: ToyCloud, clock: ManualClock, how: str
) -> None:
    clock.now += 100_000
    cloud.refuse += denied(50)
    said = line("submit", "job.yaml", how)
    id = said.out.split()[1].rstrip(":")
    assert (said.code, sum(clock.slept)) == (ExitCode.AUTH, 0)
    assert REMEDY in said.err
    assert f"job {id} stays queued: dispatch wait {id} tries again" in said.err
    assert line("show", id, "-o", "json").json["state"] == "queued"


@pytest.mark.parametrize("how", ["--wait", "--follow"])
def test_a_right_missing_in_a_young_zone_is_told_and_waited_for_only_while_it_may_spread(
    line: Run, cloud: ToyCloud, clock: ManualClock, how: str
) -> None:
    clock.now = 1_795_248_000.0 + 60
    cloud.refuse += denied(500)
    said = line("submit", "job.yaml", how)
    assert said.code == ExitCode.AUTH
    assert 240 <= sum(clock.slept) < 400
    first = said.err.splitlines()[:3]
    assert [REMEDY in first[1], "trying again for 120 s" in first[2]] == [True, True]


def test_show_folds_tries_that_ended_alike(line: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    clock.now += 100_000
    cloud.refuse += denied(50)
    id = line("submit", "job.yaml").err.partition("job ")[2].split()[0]
    for _ in range(4):
        assert line("wait", id).code == ExitCode.AUTH
        clock.now += 60
    said = line("show", id).out
    assert (said.count("  claimed "), said.count("  refused "), said.count("the same, 4 more times")) == (1, 1, 1)
    behind = line("submit", "job.yaml").out
    assert f"1 ahead of it in queue line: {id}; {id} met: not allowed" in behind
