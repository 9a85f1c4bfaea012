"""Sync: where contracts come from, what is merged, kept or refused, and that a refusal changes nothing."""

from __future__ import annotations

import dataclasses
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher import backends, doctor
from dispatcher.api import Dispatcher
from dispatcher.errors import (
    AuthError,
    DispatchError,
    ExitCode,
    NotFoundError,
    PolicyRefusal,
    SpecError,
    UnreachableError,
    UsageError,
)
from tests.dispatcher.conftest import GOLDEN, job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


def contract(cloud: str = "aws", **changes: Any) -> dict[str, Any]:
    return {**json.loads((GOLDEN / f"{cloud}.json").read_text()), **changes}


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_without_a_queue_file_there_is_one_queue_per_zone(
    dispatcher: Dispatcher, outputs: Path, tmp_path: Path
) -> None:
    changes = dispatcher.sync(outputs=[outputs], project=tmp_path)
    assert (changes.environment, changes.zones, changes.queues) == (
        "golden",
        {"aws-euc1": "added"},
        {"aws-euc1": "added"},
    )
    assert dispatcher.queue("aws-euc1").contract() is not None


def test_the_environment_s_queue_file_in_the_project_is_found(
    dispatcher: Dispatcher, outputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "golden.queues.yaml").write_text("queues: [{name: gpu, zone: aws-euc1, hardware: gpu}]")
    dispatcher.sync(outputs=[outputs], project=tmp_path)
    assert [row.name for row in dispatcher.queues()] == ["gpu"]


def test_a_second_sync_says_what_changed(dispatcher: Dispatcher, outputs: Path, tmp_path: Path) -> None:
    dispatcher.sync(outputs=[outputs], project=tmp_path)
    assert set(dispatcher.sync(outputs=[outputs], project=tmp_path).zones.values()) == {"unchanged"}
    changed = contract(updated_at="2026-11-22T08:00:00Z")
    changed["zones"]["aws-euc1"]["limits"]["max_nodes"] = 2
    changed["zones"]["aws-two"] = changed["zones"]["aws-euc1"]
    changes = dispatcher.sync(outputs=[write(outputs, {"contract": changed})], project=tmp_path)
    assert changes.zones == {"aws-euc1": "changed", "aws-two": "added"}
    assert changes.queues == {"aws-euc1": "unchanged", "aws-two": "added"}
    gone = dispatcher.sync(outputs=[write(outputs, {"contract": contract()})], project=tmp_path)
    assert (gone.zones["aws-two"], gone.queues["aws-two"]) == ("removed", "removed")


def test_a_contract_may_come_as_a_text_or_bare(dispatcher: Dispatcher, tmp_path: Path) -> None:
    for document in ({"contract": json.dumps(contract())}, contract()):
        assert (
            dispatcher.sync(outputs=[write(tmp_path / "o.json", document)], project=tmp_path).environment
            == "golden"
        )


def test_several_stacks_of_one_environment_are_merged(dispatcher: Dispatcher, tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", contract())
    two = write(tmp_path / "two.json", contract("gcp"))
    changes = dispatcher.sync(outputs=[one, two], project=tmp_path)
    assert len(changes.zones) == 2
    only = dispatcher.sync(outputs=[two], project=tmp_path)
    assert set(only.zones.values()) == {"unchanged"}
    assert len(dispatcher.reading.zones()) == 2


def test_what_a_queue_is_read_as_is_a_warning_of_the_sync(dispatcher: Dispatcher, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text("name: q\nresource: gcp-vertex\nconfig: {run: {sync: false}}")
    outputs = [write(tmp_path / "o.json", contract("gcp"))]
    changes = dispatcher.sync(outputs=outputs, queues=tmp_path / "q.yaml", project=tmp_path)
    assert changes.queues == {"q": "added"}
    (warning,) = changes.warnings
    assert "config.run.sync is left out" in warning


def test_a_zone_name_in_two_stacks_is_refused(dispatcher: Dispatcher, tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.json", contract()), write(tmp_path / "two.json", contract())
    with pytest.raises(SpecError, match=r"zones.aws-euc1: zone aws-euc1 is in file one.json too"):
        dispatcher.sync(outputs=[one, two], project=tmp_path)
    assert dispatcher.queues() == []


def test_stacks_of_two_environments_are_refused_together_and_one_after_the_other(
    dispatcher: Dispatcher, tmp_path: Path
) -> None:
    one = write(tmp_path / "one.json", contract())
    two = write(tmp_path / "two.json", contract("gcp", environment="prod"))
    with pytest.raises(UsageError, match="different environments"):
        dispatcher.sync(outputs=[one, two], project=tmp_path)
    dispatcher.sync(outputs=[one], project=tmp_path)
    with pytest.raises(UsageError, match="belongs to environment golden, this is prod"):
        dispatcher.sync(outputs=[two], project=tmp_path)


def test_a_newer_contract_is_refused_with_the_way_out(dispatcher: Dispatcher, tmp_path: Path) -> None:
    newer = write(tmp_path / "o.json", {"contract": contract(version=2)})
    with pytest.raises(SpecError, match=r"version 2 is newer .* pip install -U launchway"):
        dispatcher.sync(outputs=[newer], project=tmp_path)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", SpecError, "is empty"),
        ("{}", NotFoundError, "has no outputs"),
        ('{"bucket": "b"}', SpecError, "no output `contract`"),
        ('{"contract": "[secret]"}', SpecError, "hidden as a secret"),
        (
            '{"contract": {"4dabf18193072939515e22adb298388d": "1b", "ciphertext": "x"}}',
            SpecError,
            "hidden as a secret",
        ),
        ('{"contract": 3}', SpecError, "not a JSON object"),
        ('{"contract": {"version": 1}}', SpecError, "contract|updated_at"),
        ("[1]", SpecError, "not a JSON object"),
        ("{\n'a': 1}", SpecError, ":2: is not JSON"),
        ("[" * 200_000, SpecError, "nested too deeply"),
    ],
)
def test_a_malformed_outputs_file_is_a_problem_and_never_a_traceback(
    dispatcher: Dispatcher, tmp_path: Path, text: str, error: type[DispatchError], words: str
) -> None:
    file = tmp_path / "o.json"
    file.write_text(text)
    with pytest.raises(error, match=words):
        dispatcher.sync(outputs=[file], project=tmp_path)
    assert dispatcher.queues() == []


def test_a_missing_file_and_a_directory_are_problems(dispatcher: Dispatcher, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        dispatcher.sync(outputs=[tmp_path / "none.json"], project=tmp_path)
    with pytest.raises(SpecError, match="is a directory"):
        dispatcher.sync(outputs=[tmp_path], project=tmp_path)


def test_a_queue_that_is_gone_but_has_jobs_is_kept_paused_with_a_warning(
    lined: Dispatcher, synced: Sync, cloud: ToyCloud
) -> None:
    running = lined.submit(job("one"), "line")
    waiting = lined.submit(job("two"), "line")
    synced("queues: [{name: other, zone: aws-euc1}]")
    rows = {row.name: row for row in lined.queues()}
    assert (rows["line"].paused, rows["line"].retired) == (1, 1)
    with pytest.raises(PolicyRefusal, match="queue line is in no queue file or stack any more"):
        lined.submit(job("three"), "line")
    cloud.end(str(running.cloud_name))
    lined.tick()
    assert lined.show(running.id).state == "succeeded"
    assert lined.show(waiting.id).state == "queued"
    assert "removed from the queue file" in lined.reasons(lined.show(waiting.id))[0]
    lined.cancel(waiting.id)
    synced("queues: [{name: other, zone: aws-euc1}]")
    assert [row.name for row in lined.queues()] == ["other"]


def test_what_somebody_paused_stays_paused_and_a_queue_that_comes_back_goes_on(
    lined: Dispatcher, synced: Sync
) -> None:
    lined.pause("line", "maintenance")
    synced("queues: [{name: line, zone: aws-euc1, max_running: 9}]")
    assert lined.queues()[0].paused == 1
    lined.resume("line")
    lined.submit(job(), "line")
    synced("queues: [{name: other, zone: aws-euc1}]")
    synced("queues: [{name: line, zone: aws-euc1}]")
    assert [(row.name, row.paused) for row in lined.queues()] == [("line", 0)]


def test_a_shared_queue_is_refused_on_a_ledger_of_one_machine(synced: Sync) -> None:
    with pytest.raises(PolicyRefusal, match="queue line is shared") as raised:
        synced("queues: [{name: line, zone: aws-euc1, shared: true}]")
    assert raised.value.exit_code == ExitCode.REFUSED


def test_a_shared_queue_takes_no_jobs_in_a_ledger_that_was_moved_into_a_file(lined: Dispatcher) -> None:
    (row,) = lined.queues()
    shared = dataclasses.replace(row, document=json.dumps({**json.loads(row.document), "shared": True}))
    lined.ledger.synchronise(lined.ledger.zones(), [shared], "golden")
    with pytest.raises(PolicyRefusal, match="queue line is shared"):
        lined.submit(job(), "line")
    assert lined.count() == 0


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("{ResorceConfig: {VolumeSizeInGB: 50}}", "ResorceConfig"),
        ("{ResourceConfig: {VolumeSizeInGB: many}}", "VolumeSizeInGB"),
        ("{RoleArn: 'arn:aws:iam::123456789012:role/other'}", "RoleArn"),
    ],
)
def test_overrides_that_no_submission_could_use_are_refused_at_once(
    tmp_path: Path, outputs: Path, overrides: str, words: str
) -> None:
    (tmp_path / "q.yaml").write_text(f"name: q\nzone: aws-euc1\noverrides: {overrides}\n")
    with Dispatcher(tmp_path / "l.db", environment={"USER": "ada"}) as real:
        with pytest.raises(SpecError, match=words) as raised:
            real.sync(outputs=[outputs], queues=tmp_path / "q.yaml", project=tmp_path)
        assert all("queue q: overrides" in problem.path for problem in raised.value.problems)
        assert {Path(problem.source).name for problem in raised.value.problems} == {"q.yaml"}
        assert real.queues() == []
        (tmp_path / "q.yaml").write_text(
            "name: q\nzone: aws-euc1\noverrides: {ResourceConfig: {VolumeSizeInGB: 50}}\n"
        )
        assert real.sync(outputs=[outputs], queues=tmp_path / "q.yaml", project=tmp_path).queues == {"q": "added"}


def test_a_malformed_queue_file_changes_nothing(lined: Dispatcher, synced: Sync) -> None:
    before = lined.queues()
    with pytest.raises(SpecError, match=r"golden.queues.yaml:1: queues\[0\].zone: is 'nowhere'"):
        synced("queues: [{name: x, zone: nowhere}]")
    assert lined.queues() == before


def test_zones_of_a_cloud_that_is_not_installed_sync_and_refuse_a_job_with_what_to_install(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(backends._PACKAGES, "azure", "dispatcher.backends.not_installed")
    with Dispatcher(tmp_path / "l.db", environment={"USER": "ada"}, clock=clock) as dispatcher:
        dispatcher.sync(outputs=[write(tmp_path / "o.json", contract("azure"))], project=tmp_path)
        (queue,) = dispatcher.queues()
        with pytest.raises(UsageError) as raised:
            dispatcher.submit(job(), queue.name)
        assert "launchway[azure]" in raised.value.remedy
        assert dispatcher.list() == []


# A stack, by a stand-in for the pulumi command that prints what the real one does


@pytest.fixture
def pulumi(tmp_path: Path, dispatcher: Dispatcher) -> Callable[[str], None]:
    """Put a `pulumi` on PATH that runs a piece of shell."""

    def write(script: str) -> None:
        path = tmp_path / "bin" / "pulumi"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        assert isinstance(dispatcher.environment, dict)
        dispatcher.environment["PATH"] = f"{path.parent}:/usr/bin:/bin"

    return write


@pytest.mark.process
def test_the_named_stacks_are_asked_for_their_outputs(
    dispatcher: Dispatcher, pulumi: Callable[[str], None], outputs: Path, tmp_path: Path
) -> None:
    pulumi(f'echo "$@" >> {tmp_path}/calls; cat {outputs}')
    assert dispatcher.sync(["dev"], project=tmp_path).environment == "golden"
    assert (tmp_path / "calls").read_text() == "stack output --json --stack dev --non-interactive --color never\n"
    assert dispatcher.reading.zones()[0].source == "stack dev"


@pytest.mark.process
def test_without_a_name_the_selected_stack_is_asked(
    dispatcher: Dispatcher, pulumi: Callable[[str], None], outputs: Path, tmp_path: Path
) -> None:
    pulumi(f'if [ "$2" = --show-name ]; then echo chosen; else cat {outputs}; fi')
    dispatcher.sync(project=tmp_path)
    assert dispatcher.reading.zones()[0].source == "stack chosen"


@pytest.mark.process
@pytest.mark.parametrize(
    ("said", "error", "remedy"),
    [
        ("error: no stack named 'dev' found", NotFoundError, "pulumi stack ls"),
        (
            "error: no stack selected; please use `pulumi stack select` or `pulumi stack init`",
            UsageError,
            "--stack NAME",
        ),
        (
            "error: if you're using the --stack flag, pass the fully qualified name (organization/project/stack)",
            UsageError,
            "--project DIR",
        ),
        ("error: no Pulumi.yaml project file found (searching upwards from /x)", UsageError, "--project DIR"),
        (
            "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
            AuthError,
            "pulumi login",
        ),
        ("error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", AuthError, "PULUMI_CONFIG_PASSPHRASE"),
        ("error: failed to read: dial tcp: connection refused", UnreachableError, "by hand"),
        ("", UnreachableError, "by hand"),
    ],
)
def test_pulumi_s_own_errors_get_an_exit_code_and_a_remedy(
    dispatcher: Dispatcher,
    pulumi: Callable[[str], None],
    tmp_path: Path,
    said: str,
    error: type[DispatchError],
    remedy: str,
) -> None:
    (tmp_path / "said").write_text(said)
    pulumi(f"cat {tmp_path}/said >&2; exit 255")
    with pytest.raises(error) as raised:
        dispatcher.sync(["dev"], project=tmp_path)
    assert remedy in raised.value.remedy


@pytest.mark.process
def test_a_stack_without_outputs_says_to_run_pulumi_up(
    dispatcher: Dispatcher, pulumi: Callable[[str], None], tmp_path: Path
) -> None:
    pulumi("echo '{}'")
    with pytest.raises(NotFoundError, match="stack dev has no outputs") as raised:
        dispatcher.sync(["dev"], project=tmp_path)
    assert "pulumi up" in raised.value.remedy


@pytest.mark.process
def test_a_pulumi_beside_this_python_is_found_without_a_path(
    dispatcher: Dispatcher,
    pulumi: Callable[[str], None],
    outputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pulumi(f"/bin/cat {outputs}")
    monkeypatch.setattr(dispatcher, "environment", {**dispatcher.environment, "PATH": ""})
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    assert dispatcher.sync(["dev"], project=tmp_path).environment == "golden"
    (check,) = [check for check in doctor.examine(dispatcher) if check.subject == "pulumi"]
    assert (check.verdict, check.finding) == ("ok", str(tmp_path / "bin" / "pulumi"))
    (tmp_path / "bin" / "pulumi").unlink()
    (check,) = [check for check in doctor.examine(dispatcher) if check.subject == "pulumi"]
    assert check.verdict == "warn"


@pytest.mark.process
def test_no_pulumi_at_all_and_no_such_project_are_told_apart(
    dispatcher: Dispatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "none" / "python"))
    with pytest.raises(UsageError, match="neither on PATH nor") as raised:
        dispatcher.sync(["dev"], project=tmp_path)
    assert "--outputs FILE" in raised.value.remedy
    with pytest.raises(UsageError, match="no directory"):
        dispatcher.sync(["dev"], project=tmp_path / "none")
