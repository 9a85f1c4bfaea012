"""Thousands of random secrets, through every way in: none is in any output, and none is in the ledger.

Ways in: everything a job file, the command line and the Python API take, and everything a cloud, a job's log or
an exception may say. Outputs: all that commands print, texts, JSON and tracebacks, and the ledger's file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dispatcher import cli
from dispatcher.api import Dispatcher
from dispatcher.backends.base import LogLine, Observation, State
from dispatcher.errors import CapacityError, ExitCode, SpecError, UnreachableError
from dispatcher.job import Job
from tests.dispatcher import secrets_strategies as strategies
from tests.dispatcher.conftest import GOLDEN
from tests.dispatcher.doubles import ManualClock, ToyCloud

ROUNDS, SHAPES, NAMED, OWN, KEYS = 27, 50, 100, 32, 5
"""Examples, and secrets of each kind in one: 27 x (50 + 100 + 32 + 5 + a private key) are 5,076."""

FORMS = ("{n}={v}", '{n}="{v}"', "{n}: {v}", '{{"{n}": "{v}"}}', "--{n} {v}", "--{n}={v}")


CLOUDS = ("aws-euc1", "gcp-euw4", "azure-weu")


class Chatty(ToyCloud):
    """A cloud that says `words` wherever a cloud can say something."""

    words = ""

    def _observation(self, *given: Any, **named: Any) -> Observation:
        told = super()._observation(*given, **named)
        return dataclasses.replace(
            told, reason=self.words, cause=self.words, vendor_state=self.words, model_uri=f"s3://b/{self.words}",
            links={"console": f"https://example.com/?x={self.words}"},
        )  # fmt: skip

    def logs(self, name: str, **_: Any) -> Iterator[LogLine]:
        for index, line in enumerate(self.words.splitlines()):
            yield LogLine(index, "algo-1", f"epoch {index}: {line}" if " " in line else line)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced ledger with one queue, to be copied."""
    root = tmp_path_factory.mktemp("secrets")
    outputs = root / "outputs.json"
    contracts = [json.loads((GOLDEN / f"{cloud}.json").read_text()) for cloud in ("aws", "gcp", "azure")]
    zones = {name: zone for contract in contracts for name, zone in contract["zones"].items()}
    outputs.write_text(json.dumps({"contract": contracts[0] | {"zones": zones}}))
    queues = ", ".join(f"{{name: on-{zone}, zone: {zone}}}" for zone in CLOUDS)
    (root / "q.yaml").write_text(f"queues: [{{name: line, zone: aws-euc1, max_running: 1}}, {queues}]")
    with Dispatcher(root / "ledger.db", environment={"USER": "ada"}) as dispatcher:
        dispatcher.sync(outputs=[outputs], queues=root / "q.yaml", project=root)
    return root / "ledger.db"


@dataclasses.dataclass
class Shell:
    """A shell with `environment` before an own copy of the ledger; keeps all that was printed."""

    home: Path
    environment: dict[str, str]
    cloud: Chatty = dataclasses.field(default_factory=Chatty)
    clock: ManualClock = dataclasses.field(default_factory=ManualClock)
    printed: list[str] = dataclasses.field(default_factory=list)
    real: bool = False

    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self.home / "ledger.db",
            environment=self.environment,
            clock=self.clock,
            sleep=self.clock.sleep,
            **({} if self.real else {"open_backend": lambda zone, **_: self.cloud}),
        )

    def run(self, *words: str, wrong: Exception | None = None) -> int:
        """Run a command in this process; with `wrong`, what it calls raises that."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            stack.enter_context(mock.patch.dict(os.environ, self.environment, clear=True))
            stack.enter_context(mock.patch.object(cli.Settings, "dispatcher", side_effect=self.dispatcher))
            if wrong is not None:
                stack.enter_context(mock.patch.object(Dispatcher, "list", side_effect=wrong))
            code = cli.run(words)
        self.printed += [out.getvalue(), err.getvalue()]
        return int(code)

    def kept(self) -> bytes:
        """Every byte of the ledger, its log of recent changes too."""
        return b"".join(file.read_bytes() for file in sorted(self.home.glob("ledger.db*")))


def grep(secrets: list[str], shell: Shell, *more: str) -> None:
    """Fail for a secret that is in an output or in the ledger, as it is or as JSON writes it."""
    texts, ledger = "\n".join([*shell.printed, *more]), shell.kept()
    for secret in secrets:
        for line in secret.splitlines():
            for form in {line, json.dumps(line)[1:-1]}:
                if form in texts:
                    at = texts.index(form)
                    pytest.fail(f"{form} was printed: ...{texts[max(0, at - 200) : at + 200]}")
                if form.encode() in ledger:
                    at = ledger.index(form.encode())
                    pytest.fail(f"{form} was recorded: ...{ledger[max(0, at - 200) : at]!r}")


def written(shaped: list[str], named: list[tuple[str, str]], own: list[str], pasted: list[str]) -> dict[str, Any]:
    """A job that has a secret wherever a job has a text."""
    flags = [part for index, (name, value) in enumerate(named) for part in (f"--x{index}-{name}", value)]
    env = {f"X{index}_{name}": value for index, (name, value) in enumerate(named)}
    env |= {f"PLAIN_{index}": secret for index, secret in enumerate([*shaped, *own])}
    env |= {pasted[0]: "1", f"_{pasted[1]}": "1"}
    return {
        "image": "img:1",
        "name": shaped[0].lower(),
        "command": ["run", *flags[:80], *(f"--u={secret}" for secret in shaped[:10]), own[0]],
        "env": env,
        "inputs": {"train": f"https://ada:{named[0][1]}@example.com/x?sig={shaped[1]}"},
        "secrets": {"A": f"env://{pasted[2]}", "B": f"aws-sm://{pasted[3]}", pasted[4]: "env://C", "D": own[1]},
        "labels": {"team": shaped[2].lower(), "api-token": "x" + named[1][1].lower()},
    }


@dataclasses.dataclass
class Secrets:
    """The secrets of one round: of known shapes, under names, of the shell's own, as names, and a private key."""

    shaped: list[str]
    named: list[tuple[str, str]]
    own: list[str]
    pasted: list[str]
    key: str
    form: list[str]

    @property
    def all(self) -> list[str]:
        return [*self.shaped, *(value for _, value in self.named), *self.own, *self.pasted, self.key]


def secrets_of(seed: int) -> Secrets:
    """The secrets of a round."""
    chance = Random(seed)
    return Secrets(
        shaped=[strategies.shaped(chance) for _ in range(SHAPES)],
        named=[(strategies.name(chance), strategies.value(chance)) for _ in range(NAMED)],
        own=[strategies.value(chance) for _ in range(OWN)],
        pasted=[strategies.pasted(chance) for _ in range(KEYS)],
        key=strategies.private_key(chance),
        form=chance.sample(FORMS, len(FORMS)),
    )


def test_none_of_five_thousand_secrets_is_printed_or_recorded_whichever_way_it_comes_in(
    ledger: Path, tmp_path: Path
) -> None:
    seen: set[str] = set()

    @settings(
        max_examples=ROUNDS,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # fifty secrets do not shrink in a lifetime, and one alone says enough
    )
    @given(st.integers(0, 2**64 - 1).map(secrets_of))
    def rounds(secrets: Secrets) -> None:
        one_round(ledger, tmp_path / "home", secrets)
        seen.update(secrets.all)

    rounds()
    assert len(seen) >= 5000


def one_round(ledger: Path, home: Path, secrets: Secrets) -> None:
    """Feed all of these secrets in by every way there is, and look for them in all that comes out."""
    shaped, named, own, key, form = secrets.shaped, secrets.named, secrets.own, secrets.key, secrets.form
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(ledger, home / "ledger.db")
    tokens = {f"S{index}_TOKEN": value for index, value in enumerate(own)}
    shell = Shell(home, {"USER": f"ada {shaped[3]}", "DISPATCH_QUEUE": "line", "HOME": str(home), **tokens})

    # Written down: refused, each without being repeated, from a file, from the command line, from Python.
    document = written(shaped, named, own, secrets.pasted)
    (home / "bad.yaml").write_text(yaml.safe_dump(document))
    (home / "good.yaml").write_text("image: img:1\ncommand: [run]\nname: train\n")
    sets = [part for index, (name, value) in enumerate(named) for part in ("--env", f"Y{index}_{name}={value}")]
    sets += [part for secret in shaped for part in ("--set", f"env.{secret}", "--set", f"env.A={secret}")]
    assert shell.run("submit", str(home / "bad.yaml")) == ExitCode.USAGE
    assert shell.run("submit", str(home / "bad.yaml"), "--dry-run", "-o", "json") == ExitCode.USAGE
    assert shell.run("submit", str(home / "good.yaml"), *sets, "--", *document["command"]) == ExitCode.USAGE
    assert shell.run("check", str(home / "bad.yaml"), "-o", "json") == ExitCode.USAGE
    bad = Job("img:1", tuple(document["command"]), env=document["env"], secrets=document["secrets"])
    with shell.dispatcher() as dispatcher, pytest.raises(SpecError) as refused:
        dispatcher.submit(bad, "line")
    good = Job(image="img:1", command=("run",))
    for leaking in (
        {"allow_plain": (shaped[0],)},
        {"secrets": {"A": f"env://{secrets.pasted[0]}"}},
        {"image": own[0]},
    ):
        with shell.dispatcher() as dispatcher, pytest.raises(SpecError) as alone:
            dispatcher.submit(dataclasses.replace(good, **leaking), "line")
        shell.printed.append(str(alone.value))
    shell.printed.append(str(refused.value))
    with shell.dispatcher() as dispatcher:
        assert dispatcher.list() == []
    assert len(refused.value.problems) >= len(named) + len(shaped) + len(own)

    # Named where something else is: a flag, a place, an image, a folder, a job, a zone.
    for secret in (shaped[0], own[0], secrets.pasted[0]):
        assert shell.run("submit", str(home / "good.yaml"), "--allow-plain", secret) == ExitCode.USAGE
    for secret in (shaped[0], own[0]):
        for command in (
            "fetch",
            "show",
            "cancel",
            "build",
            "doctor",
            "sync --outputs",
            "image copy",
            "queue show",
        ):
            assert shell.run(*command.split(), secret) != 0

    # In the requests of the three clouds and of this machine: a user's name goes into each.
    shell.real = True
    for queue in (*(f"on-{zone}" for zone in CLOUDS), "local"):
        assert shell.run("submit", str(home / "good.yaml"), "--dry-run", "-q", queue, "-o", "json") == 0
    shell.real = False

    # Said by a cloud, a log, an exception, a person: recorded and printed without it.
    texts = [form[index % len(form)].format(n=name, v=value) for index, (name, value) in enumerate(named)]
    shell.cloud.words = words = "\n".join(["said", *texts, *(f"got {s} back" for s in [*shaped, *own]), key])
    shell.cloud.refuse = [CapacityError(words, words)]
    assert shell.run("submit", str(home / "good.yaml")) == ExitCode.CAPACITY
    assert shell.run("show", "train") == ExitCode.NOT_FOUND
    assert shell.run("queue", "pause", "line", "--reason", words) == 0
    assert shell.run("queue", "list", "-o", "json") == shell.run("queue", "show", "line") == 0
    assert shell.run("queue", "resume", "line") == 0
    shell.clock.now += 3600
    with shell.dispatcher() as dispatcher:
        dispatcher.tick()
        [entry] = dispatcher.list()
    shell.cloud.blind = [UnreachableError(words)]
    assert shell.run("list", "--refresh") == 0
    shell.cloud.end(str(entry.cloud_name), State.FAILED)
    assert shell.run("wait", entry.id) == ExitCode.JOB_FAILED
    for shown in (("show",), ("show", "-o", "json"), ("logs",), ("logs", "-o", "json")):
        assert shell.run(*shown, entry.id) == 0
    assert shell.run("list", "-o", "json") == shell.run("history", "-o", "json") == 0

    wrong = RuntimeError(words)
    assert shell.run("list", wrong=wrong) == shell.run("--debug", "list", wrong=wrong) == ExitCode.UNEXPECTED
    assert shell.run(*words.split()[:3]) == ExitCode.USAGE
    with shell.dispatcher() as dispatcher:
        lines = [line.text for line in dispatcher.logs(entry.id)]
        report = [json.dumps(event.as_json()) for event in dispatcher.events(entry.id)]
    grep(secrets.all, shell, *lines, *report)
