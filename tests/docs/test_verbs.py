"""Commands that are named outside of command blocks, in sentences, tables and remedies, are there to be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.cli import COMMANDS
from tests.docs import blocks
from tests.docs.blocks import CHECKOUT

PROSE = re.compile(r"`dispatch ([a-z][a-z-]*)")
OTHERS = {"pulumi", "refresh", "destroy"}
"""What such tables name besides: the words of `pulumi`."""


def verbs(text: str) -> Iterator[str]:
    """Yield every command that is called by `dispatch`, or stands in the first column of a table of verbs."""
    yield from PROSE.findall(text)
    in_table = False
    for line in text.splitlines():
        in_table = line.startswith("|") and (in_table or line.startswith("| verb |"))
        if in_table:
            yield from re.findall(r"`([a-z]+)[^`]*`", line.split("|")[1])


FILES = [*blocks.documents(), *sorted((CHECKOUT / "dispatcher").rglob("*.py"))]


@pytest.mark.parametrize("file", [pytest.param(file, id=str(file.relative_to(CHECKOUT))) for file in FILES])
def test_no_command_is_promised_that_is_not_there(file: Path) -> None:
    assert set(verbs(file.read_text(encoding="utf-8"))) <= set(COMMANDS) | OTHERS


def test_verbs_are_found_in_sentences_and_in_tables_of_verbs() -> None:
    table = "| verb | works |\n| --- | --- |\n| `logs`, `logs -f` | inside `x` |\n\n| `other` | table |"
    assert list(verbs(f"run `dispatch agent --once`\n{table}")) == ["agent", "logs", "logs"]
