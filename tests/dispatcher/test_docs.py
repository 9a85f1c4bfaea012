"""The documentation says what the code does: commands, keys, exit codes, and every example parses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher import job_file, queue_file
from dispatcher.cli import COMMANDS, group
from dispatcher.errors import ExitCode
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


@pytest.mark.parametrize("text", examples("job-file.md"))
def test_every_job_in_the_docs_parses(text: str) -> None:
    assert job_file.parse("docs", text).image


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
