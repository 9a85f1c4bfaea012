"""Random secrets in jobs that really run, in dispatch-run and in requests: none comes out but by a user's leave.

What each secret looks like is in secrets_strategies.py, as for the commands (test_secrets_nowhere.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dispatcher import redact
from dispatcher.errors import CapacityError, ExitCode
from tests.dispatcher.test_secrets_nowhere import CLOUDS, FORMS, Secrets, Shell, grep, ledger, secrets_of

__all__ = ["ledger"]
SEEDS = (1, 20261121, 2**63)
TELL = """
import json, os, sys
from pathlib import Path
from urllib.parse import quote
for line in Path(sys.argv[1]).read_text().splitlines():
    print(line)
for name in sorted(os.environ):
    if name.startswith("GIVEN"):
        value = os.environ[name]
        print(name, "is", value, json.dumps([value]), repr(value), quote(value), file=sys.stderr)
raise ValueError("none of " + " ".join(value for name, value in os.environ.items() if name.startswith("GIVEN")))
"""


class Now:
    """The machine's own time: a real job does not wait for a test's clock."""

    def __call__(self) -> float:
        return time.time()

    sleep = staticmethod(time.sleep)


def words(secrets: Secrets) -> str:
    """What a program may print that has these: names with values, tokens amid words, a key on its lines."""
    named = [FORMS[i % len(FORMS)].format(n=name, v=value) for i, (name, value) in enumerate(secrets.named)]
    return "\n".join([*named, *(f"got {token} back" for token in secrets.shaped), secrets.key, "the end"])


@pytest.mark.process
@pytest.mark.parametrize("runtime", [True, False], ids=["with dispatch-run", "without"])
def test_none_that_a_real_job_is_given_or_prints_is_printed_or_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = secrets_of(SEEDS[0])
    given = {f"CI_{index}": value for index, value in enumerate([*secrets.own, secrets.key])}
    (tmp_path / "tell.py").write_text(TELL)
    (tmp_path / "words").write_text(words(secrets))
    job = {
        "image": "none",
        "runtime": runtime,
        "command": [sys.executable, "tell.py", "words"],
        "secrets": {f"GIVEN_{name}": f"env://{name}" for name in given},
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    shell = Shell(tmp_path, {"USER": "ada", "HOME": str(tmp_path), **given}, clock=Now(), real=True)  # type: ignore[arg-type]
    assert shell.run("submit", "job.yaml", "-q", "local", "--wait", "--follow") == ExitCode.JOB_FAILED
    followed = shell.printed[-2]
    with shell.dispatcher() as dispatcher:
        [entry] = dispatcher.list()
        lines = [line.text for line in dispatcher.logs(entry.id)]
    for shown in (("logs",), ("logs", "-o", "json"), ("show",), ("show", "-o", "json"), ("show", "--refresh")):
        assert shell.run(*shown, entry.id) == 0
    assert shell.run("wait", entry.id) == ExitCode.JOB_FAILED
    assert shell.run("list", "-o", "json") == shell.run("history", "-o", "csv") == 0
    every = [*secrets.shaped, *(value for _, value in secrets.named), *secrets.own, secrets.key]
    grep(every, shell, *lines)
    assert "the end" in lines, "the log has been read, down to its last words"
    assert "the end" in followed
    assert sum(f"GIVEN_CI_{index} is {redact.MASK}" in line for index in range(len(given)) for line in lines) > 30


@pytest.mark.process
@pytest.mark.parametrize("seed", SEEDS)
def test_dispatch_run_says_none_of_those_that_it_gave_to_the_command(tmp_path: Path, seed: int) -> None:
    secrets = secrets_of(seed)
    given = {f"GIVEN_{index}": value for index, value in enumerate([*secrets.all])}
    references = {f"DISPATCH_SECRET_{name}": f"env://{name}" for name in given}
    (tmp_path / "tell.py").write_text(TELL)
    (tmp_path / "words").write_text("")
    front = [sys.executable, "-P", "-m", "dispatcher.runtime", "--print", "--", sys.executable, "tell.py", "words"]
    environment = {**given, **references, "SM_OUTPUT_DIR": str(tmp_path), "DISPATCH_CLOUD": "aws"}
    done = subprocess.run(front, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("dispatch-run:")]
    reason = (tmp_path / "failure").read_text()
    table = done.stdout
    assert (len(said), reason.partition(":")[0]) == (1, "the command ended with exit code 1")
    assert "ValueError: none of ***" in reason
    assert all(f"secret {name}" in table for name in given), "the table was printed, with the references"
    told = "\n".join([*said, reason, table])
    for secret in given.values():
        for line in secret.splitlines():
            for form in {line, json.dumps(line)[1:-1], repr(line)[1:-1]}:
                assert form not in told


def texts(document: Any) -> Iterator[str]:
    """Every text in a JSON document."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    yield from (document,) if isinstance(document, str) else ()
    for one in inner:
        yield from texts(one)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_user_allowed_is_in_requests_as_it_is_and_nothing_else_is(
    ledger: Path, tmp_path: Path, seed: int
) -> None:
    secrets = secrets_of(seed)
    (tmp_path / "ledger.db").write_bytes(ledger.read_bytes())
    # A request has a bounded environment, so each cloud gets its share.
    env = {f"X{index}_{name}": value for index, (name, value) in enumerate(secrets.named[:40])}
    env |= {f"PLAIN_{index}": token for index, token in enumerate(secrets.shaped[:20])}
    flags = {f"--z{index}-{name}": value for index, (name, value) in enumerate(secrets.named[40:60])}
    command = ["run", *(part for pair in flags.items() for part in pair), "curl", "-u", f"ada:{secrets.pasted[0]}"]
    job = {"image": "img:1", "name": "train", "command": command, "env": env}
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    names = [*env, *flags, f"command[{len(command) - 1}]"]
    allow = [word for name in names for word in ("--allow-plain", name)]
    allowed = {*env.values(), *flags.values(), f"ada:{secrets.pasted[0]}"}
    tokens = {f"S{index}_TOKEN": value for index, value in enumerate(secrets.own)}
    shell = Shell(tmp_path, {"USER": "ada", "DISPATCH_QUEUE": "line", "HOME": str(tmp_path), **tokens})
    others = [*secrets.own, *secrets.shaped[20:], *(value for _, value in secrets.named[60:]), secrets.key]

    shell.real = True
    for queue in (*(f"on-{zone}" for zone in CLOUDS), "local"):
        assert shell.run("submit", str(tmp_path / "job.yaml"), "--dry-run", "-q", queue) == ExitCode.USAGE
        grep([*allowed, *others], shell)
        shell.printed.clear()
        assert shell.run("submit", str(tmp_path / "job.yaml"), "--dry-run", "-q", queue, "-o", "json", *allow) == 0
        sent = list(texts(json.loads(shell.printed[-2])["requests"]))
        # Azure's one command line has each argument quoted for a shell.
        missing = [value for value in allowed if value not in sent and not any(value in text for text in sent)]
        assert missing == []
        assert redact.MASK not in "".join(sent)
        assert shell.printed[-2].count("it is sent and recorded as it is (--allow-plain)") >= len(names)
        grep(others, shell)
        shell.printed.clear()
    shell.real = False

    shell.cloud.words = said = words(secrets)
    shell.cloud.refuse = [CapacityError(said, said)]
    assert shell.run("submit", str(tmp_path / "job.yaml"), *allow) == ExitCode.CAPACITY
    with shell.dispatcher() as dispatcher:
        [entry] = dispatcher.list()
    assert json.loads(entry.job)["env"] == env, "the record is what was sent"
    assert shell.run("list", "-o", "json") == shell.run("show", "-o", "json", entry.id) == 0
    assert env.items() <= json.loads(shell.printed[-2])["job"]["env"].items()
    grep(others, shell)
