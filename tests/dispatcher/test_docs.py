"""The documentation says what the code does: commands, keys, exit codes, and every example parses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher import placement
from dispatcher.cli import COMMANDS, group
from dispatcher.documents import job_file, queue_file
from dispatcher.errors import ExitCode
from dispatcher.job import Job, Resources
from dispatcher.queue import Queue
from tests.backends.sagemaker.cases import golden_zone
from tools import command_docs

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def examples(name: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", page(name), re.DOTALL | re.MULTILINE)


def test_the_command_page_is_what_the_commands_say_themselves() -> None:
    assert page("commands.md") == command_docs.text(), "run: python -m tools.command_docs"


def test_the_help_of_the_group_and_of_each_command_say_the_same() -> None:
    import click

    with click.Context(group) as ctx:
        for name, words in COMMANDS.items():
            command = group.get_command(ctx, name)
            assert command is not None
            assert command.help == words


JOBS = [text for text in examples("job-file.md") if "\nprices:" not in text]
PRICES = [text for text in examples("job-file.md") if "\nprices:" in text]


@pytest.mark.parametrize("text", JOBS)
def test_every_job_in_the_docs_parses(text: str) -> None:
    assert job_file.parse("docs", text).image


@pytest.mark.parametrize("text", PRICES)
def test_every_price_file_in_the_docs_prices_what_it_names(text: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    job = Job(image="a:1", resources=Resources(instance="ml.g5.xlarge"))
    zone = golden_zone()
    hardware = placement.choose(job, Queue(name="q", zone="aws-euc1"), zone)
    assert placement.estimate(hardware, job, tmp_path / "prices.yaml").total


@pytest.mark.parametrize("text", examples("queues.md"))
def test_every_queue_in_the_docs_parses(text: str) -> None:
    assert queue_file.parse("docs", text)


def test_every_key_of_a_job_and_of_a_queue_is_documented() -> None:
    for name in job_file.KEYS:
        assert f"`{name}`" in page("job-file.md") or f"`{name}." in page("job-file.md"), name
    for name in queue_file.OWN:
        assert f"`{name}`" in page("queues.md"), name


def test_every_exit_code_is_documented() -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", page("exit-codes.md"), re.MULTILINE)}
    assert rows == {int(code) for code in ExitCode}
