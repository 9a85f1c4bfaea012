"""Every command block of README.md and docs/ runs as it stands, or is checked as far as it can be here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import blocks
from tests.docs.blocks import CHECKOUT, Block
from tests.docs.verbs import BIN, wrong

pytestmark = pytest.mark.docs

PAGES = {str(page.relative_to(CHECKOUT)): blocks.blocks(page) for page in blocks.documents()}
ALL = [block for page in PAGES.values() for block in page]
RUNNING = {name: runs for name, page in PAGES.items() if (runs := [block for block in page if not block.reason])}


@pytest.mark.parametrize("block", [pytest.param(block, id=block.place) for block in ALL])
def test_the_commands_of_a_block_parse_and_exist(block: Block) -> None:
    shown = block.language in blocks.SHOWN
    assert block.reason or not shown, f"{block.place}: put `<!-- not run: REASON -->` above it, or fence it as sh"
    checked = subprocess.run(["bash", "-n"], input=block.script, capture_output=True, text=True)
    assert checked.returncode == 0, f"{block.place}: {checked.stderr}"
    problems = [problem for words in block.commands() if (problem := wrong(words))]
    assert not problems, f"{block.place}: {'; '.join(problems)}"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a reader has after `make setup` with .venv/bin on PATH, and a local cloud of one page's own."""
    found = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "LOCALCLOUD_HOME": str(tmp_path / "place"),
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    (tmp_path / "home").mkdir()
    yield found
    subprocess.run([BIN / "localcloud", "down"], env=found, capture_output=True, check=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what git knows of this checkout, with its .venv: readers' commands leave files behind.

    Every file is older than the set-up of the .venv, so that no `make` here does that again from the copy:
    it would turn the shared environment's own install of this project into one of the copy. For the same reason
    the set-up must be done before.
    """
    assert subprocess.run(["make", "-q", "setup"], cwd=CHECKOUT).returncode == 0, "first: make setup"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    copy = tmp_path / "launchway"
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, copy / name)
            os.utime(copy / name, (0, 0))
    (copy / ".venv").symlink_to(BIN.parent)
    return copy


@pytest.mark.parametrize("page", RUNNING)
def test_the_blocks_of_a_page_run_in_order(page: str, environment: dict[str, str], checkout: Path) -> None:
    steps = [f"echo '== {block.place}'\n{block.script}" for block in RUNNING[page]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(steps)],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
