"""docs/agent.md: what it tells service managers and containers to run are options that there are."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from dispatcher.agent.presence import GONE, STUCK
from dispatcher.agent.turns import PASSED, SPREADING, TURN
from dispatcher.cli.commands.agent import command
from dispatcher.ledger.sqlite import LOOK
from dispatcher.scheduling.following import FIRST, LONGEST
from dispatcher.scheduling.holding import RENEWED, UPLOADING
from dispatcher.scheduling.sharing import JOBS, SENDING
from dispatcher.scheduling.sharing import TURN as TURN_OF_QUEUE
from dispatcher.scheduling.silence import PAUSE as SILENT
from dispatcher.scheduling.unexpected import PAUSE as PUZZLED
from dispatcher.scheduling.work import LEASE

SPELT = {0.25: "quarter", 0.5: "half"}
PAGE = (Path(__file__).parents[3] / "docs" / "agent.md").read_text()


@pytest.mark.parametrize(
    "words",
    [
        shlex.split(str(re.findall(r"^ExecStart=(.+)$", PAGE, re.MULTILINE)[0])),
        json.loads(re.findall(r"^ENTRYPOINT (.+)$", PAGE, re.MULTILINE)[0]),
    ],
)
def test_the_unit_file_and_the_image_start_it_with_options_that_there_are(words: list[str]) -> None:
    assert [Path(words[0]).name, words[1]] == ["dispatch", "agent"]
    with command.make_context("agent", words[2:]) as context:
        assert context.params["log"] == "json"
        assert context.params["health"]


def test_the_page_tells_the_times_that_the_code_has() -> None:
    words = " ".join(PAGE.split())
    assert f"keeps that turn for {TURN:.0f} seconds" in words
    assert f"lease of {LEASE / 60:.0f} minutes" in words
    assert f"renewed every {RENEWED:.0f} seconds" in words
    assert f"look for a change every {SPELT[LOOK]} of a second" in words
    assert f"After {SENDING:.0f} seconds of sending" in words
    assert f"{JOBS} jobs or {TURN_OF_QUEUE:.0f} seconds" in words
    assert f"{FIRST:.0f} to {LONGEST:.0f} seconds" in words
    pauses = (SILENT, PUZZLED, SPREADING, UPLOADING, STUCK)
    assert pauses == ((15.0, 300.0), (30.0, 900.0), 15.0, 6 * 3600.0, 1800.0)
    assert (PASSED, GONE) == ((60.0, 300.0), 120.0), "1 minute, 5 minutes, and two minutes for a name"
