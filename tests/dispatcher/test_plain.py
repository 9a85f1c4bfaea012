"""What looks like a secret and is none: allowed by name, recorded as such, sent and shown as it was written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dispatcher import plain, records
from dispatcher.api import Dispatcher
from dispatcher.documents import job_file
from dispatcher.documents.changes import Changes
from dispatcher.errors import ExitCode, LedgerError, SpecError
from dispatcher.job import Job
from dispatcher.ledger import Event
from dispatcher.redact import MASK, Lines, Redactor
from tests.dispatcher.command_line import Run, submitted

VALUE = "not-a-secret-at-all"
JOB = f"image: img:1\nname: train\ncommand: [run, --api-key, {VALUE}, word]\nenv: {{DEMO_TOKEN: {VALUE}}}\n"
SOURCES = Path(__file__).parents[2] / "dispatcher"


def problems(text: str, *allow: str) -> list[str]:
    """The paths that are refused."""
    try:
        job_file.parse("job.yaml", text, Changes(allow_plain=allow))
    except SpecError as error:
        return [problem.path for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        ((), ["command[2]", "env.DEMO_TOKEN"]),
        (("DEMO_TOKEN",), ["command[2]"]),
        (("DEMO_TOKEN", "--api-key"), []),
        (("DEMO_TOKEN", "api-key"), []),
        (("env.DEMO_TOKEN", "command[2]"), []),
        (("DEMO_TOKEN", "api-key", "DEMO_TOKN"), ["DEMO_TOKN"]),
    ],
)
def test_a_value_is_allowed_by_its_variable_its_flag_or_its_path_and_a_wrong_name_is_told(
    names: tuple[str, ...], refused: list[str]
) -> None:
    assert sorted(problems(JOB, *names)) == sorted(refused)


def test_no_file_may_say_it() -> None:
    assert problems("image: a\nallow_plain: [DEMO_TOKEN]\n") == ["allow_plain"]


@pytest.mark.parametrize(
    "text",
    [
        "command: [run, --pad-token, PAD, --max-token=5]",
        "env: {PAD_TOKEN: PAD, TOKENIZERS_PARALLELISM: 'false'}",
        "inputs: {token: s3://bucket/tokens}",
        "command: [run, '--lr=0.1', --tokenizer, gpt2, model.key=value]",
        "command: [run, -u, 'ada:hunter2']",
        "env: {curl: 'ada:hunter2'}",
        "command: [curl, -u, ada, -o, 'a:b', 'https://example.com:8080/x', -H, 'Accept: text/plain']",
        "command: [sh, -c, 'curl -u ada:$PASSWORD x']",
        "command: [sh, -c, 'curl -u \"ada:${PASSWORD}\" x']",
    ],
)
def test_what_is_no_secret_needs_no_word(text: str) -> None:
    assert problems(f"image: a\n{text}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "command: [bash, -c, 'API_KEY=hunter2hunter2 run']",
        "command: [run, api_key=hunter2hunter2]",
        "inputs: {train: 'https://ada:hunter2hunter2@example.com/x'}",
        "labels: {password: hunter2}",
        "command: [curl, -u, 'ada:hunter2', 'https://example.com']",
        "command: [timeout, 5, /usr/bin/curl, -sSfu, 'ada:hunter2', x]",
        "command: [curl, '-uada:hunter2']",
        "command: [curl, --user, 'ada:hunter2']",
        "command: [curl, '--proxy-user=ada:hunter2']",
        "command: [sh, -c, 'curl -sSu ada:hunter2 https://example.com']",
    ],
)
def test_a_secret_is_found_wherever_the_redactor_would_take_it_out(text: str) -> None:
    assert len(problems(f"image: a\n{text}\n")) == 1


def test_the_password_of_curl_is_told_by_its_place_and_allowed_by_it() -> None:
    text = "image: a\ncommand: [curl, -u, 'ada:hunter2']\n"
    with pytest.raises(SpecError) as refused:
        job_file.parse("job.yaml", text)
    [problem] = refused.value.problems
    assert (problem.path, problem.rule.partition(",")[0]) == ("command[2]", "looks like a password of curl")
    assert "--allow-plain command[2]" in problem.remedy
    assert problems(text, "command[2]") == []


def test_what_was_allowed_is_recorded_sent_and_shown_as_it_is_and_nothing_else(
    line: Run, dispatcher: Dispatcher
) -> None:
    Path("plain.yaml").write_text(JOB)
    assert line("submit", "plain.yaml").code == ExitCode.USAGE
    allow = ("--allow-plain", "DEMO_TOKEN", "--allow-plain", "api-key")
    said = line("submit", "plain.yaml", *allow)
    assert "warning: env.DEMO_TOKEN looks like a secret by its name; it is sent and recorded as it is" in said.err
    entry = dispatcher.show(submitted(said))
    recorded = json.loads(entry.job)
    assert (recorded["env"], recorded["command"]) == ({"DEMO_TOKEN": VALUE}, ["run", "--api-key", VALUE, "word"])
    assert recorded["allow_plain"] == ["DEMO_TOKEN", "api-key"]
    shown = line("show", entry.id, "-o", "json").json
    assert shown["job"]["env"] == {"DEMO_TOKEN": VALUE}
    listed = line("list", "-o", "json").json
    assert listed[0]["job"]["command"] == recorded["command"]


def test_a_dry_run_shows_what_was_allowed_in_the_request_it_prints() -> None:
    job = job_file.parse("job.yaml", JOB, Changes(allow_plain=("DEMO_TOKEN", "api-key")))
    body = {"Environment": {"DEMO_TOKEN": VALUE, "OTHER_TOKEN": "hunter2hunter2"}, "Args": list(job.command)}
    shown = Redactor().allowing(plain.allowed(records.plain(job))).document(body)
    assert shown == {
        "Environment": {"DEMO_TOKEN": VALUE, "OTHER_TOKEN": MASK}, "Args": ["run", "--api-key", VALUE, "word"]
    }  # fmt: skip


def test_a_job_with_a_secret_of_this_shell_is_refused_before_it_is_recorded_changed(lined: Dispatcher) -> None:
    lined.environment = {"USER": "ada", "MY_PASSWORD": "correct-horse-battery"}
    with pytest.raises(SpecError) as refused:
        lined.submit(Job(image="img:1", command=("run", "correct-horse-battery")))
    [problem] = refused.value.problems
    assert (problem.path, problem.rule.partition(",")[0]) == ("command[1]", "looks like a secret of this shell")
    assert lined.list() == []


def test_a_program_s_secret_that_is_no_reference_is_not_repeated(lined: Dispatcher) -> None:
    with pytest.raises(SpecError) as refused:
        lined.submit(Job(image="img:1", command=("run",), secrets={"A": "hunter2hunter2"}))
    assert "secrets.A: is not a reference" in str(refused.value)
    assert "hunter2" not in str(refused.value)


TOKEN = "ghp_" + "AbCdEfGhIj0123456789" * 2


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"env": {TOKEN: "1"}}, f"env.{MASK}"),
        ({"labels": {TOKEN: "1"}}, f"labels.{MASK}"),
        ({"inputs": {TOKEN: "s3://b"}}, f"inputs.{MASK}"),
        ({"secrets": {TOKEN: "env://A"}}, f"secrets.{MASK}"),
        ({"secrets": {"A": f"env://{TOKEN}"}}, "secrets.A"),
        ({"secrets": {"A": f"aws-sm://{TOKEN}"}}, "secrets.A"),
        ({"secrets": {"A": "aws-sm://correct-horse-battery"}}, "secrets.A"),
        ({"allow_plain": (TOKEN,)}, "allow_plain[0]"),
    ],
)
def test_a_token_where_a_name_or_a_reference_belongs_is_refused_and_not_repeated(
    fields: dict[str, Any], path: str, lined: Dispatcher
) -> None:
    lined.environment = {"USER": "ada", "MY_PASSWORD": "correct-horse-battery"}
    with pytest.raises(SpecError) as refused:
        lined.submit(Job(image="img:1", command=("run",), **fields))
    assert path in [problem.path for problem in refused.value.problems]
    assert TOKEN not in str(refused.value)
    assert "correct-horse" not in str(refused.value)
    assert lined.list() == []


def test_a_key_that_is_a_token_is_not_shown() -> None:
    shown = json.dumps(Redactor().document({"links": {TOKEN: 1}, "list": [{TOKEN: {"a": TOKEN}}]}))
    assert TOKEN not in shown


def test_the_ledger_itself_takes_no_job_with_a_secret(lined: Dispatcher) -> None:
    entry = lined.enqueue(lined.plan(Job(image="img:1", command=("run",))))
    leaking = json.dumps({"image": "img:1", "env": {"API_KEY": "hunter2hunter2"}})
    with pytest.raises(LedgerError, match=r"env\.API_KEY of the job looks like"):
        lined.ledger.change(entry.id, {"job": leaking}, Event(entry.id, lined.stamp(), "changed", "ada"))
    assert json.loads(lined.show(entry.id).job)["command"] == ["run"]


def test_a_private_key_over_several_lines_of_a_log_is_taken_out_whole() -> None:
    clean = Lines(Redactor())
    key = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQEF",
        "AASCBKcw==",
        "-----END PRIVATE KEY-----",
    ]
    lines = [
        ("a", "before"),
        *(("a", text) for text in key[:2]),
        ("b", "of-another-node"),
        ("a", "epoch 3 loss 1"),
    ]
    lines += [("a", text) for text in key[2:]] + [("a", "after")]
    told = [clean(node, text) for node, text in lines]
    assert told == ["before", MASK, MASK, "of-another-node", "epoch 3 loss 1", MASK, MASK, "after"]


def test_one_module_alone_prints() -> None:
    loud = re.compile(
        r"\bclick\.(?:echo|secho|confirm|prompt|style)\(|(?<![.\w])print\(|sys\.std(?:out|err)\.write"
    )
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if path.relative_to(SOURCES).parts[0] not in ("runtime",) and loud.search(path.read_text())
    }
    assert found == {"cli/output.py"}
