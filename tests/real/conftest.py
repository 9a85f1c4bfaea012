"""Fixtures of the real lane: a life of each stack per provider, both at once because they mostly wait."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.ground import Ground, Install, ground, stand_in
from tests.engine.life import Life, grown, live
from tests.engine.project import stacks
from tests.real.plugin import MISSING, find, install

# Calls that moto does not implement would be tried 25 times.
SETTINGS = {"AWS_MAX_RETRIES": "2"}
CHANGES: dict[str, list[dict[str, Any]]] = yaml.safe_load(Path(__file__).with_name("changes.yaml").read_text())


_tables = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the tables of steps."""
    config.stash[_tables] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what each stack went through, whatever the tests say of it."""
    for table in config.stash[_tables]:
        terminalreporter.write_line(f"\n{table}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the lane, with one reason for all of it, where no real provider is."""
    if find() is None:
        for item in items:
            if item.get_closest_marker("real"):
                item.add_marker(pytest.mark.skip(reason=MISSING))


@dataclass(frozen=True)
class Pair:
    """The AWS zones of the same stack on the real provider and on the stand-in."""

    real: Life
    standin: Life


def _live(folder: Path, install: Install, stack: str) -> Life:
    with ground(folder, install, **SETTINGS) as place:
        return live(place, stack, grown, CHANGES, cloud="aws")


@pytest.fixture(scope="session", params=stacks("aws"))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The life of a stack's AWS zones on both; their steps are printed as tables at the end."""
    stack: str = request.param
    with ThreadPoolExecutor() as threads:
        real = threads.submit(_live, tmp_path_factory.mktemp(f"{stack}-real"), install, stack)
        standin = threads.submit(_live, tmp_path_factory.mktemp(f"{stack}-standin"), stand_in, stack)
        found = Pair(real.result(), standin.result())
    for provider, life in (("the real AWS provider", found.real), ("the stand-in", found.standin)):
        request.config.stash[_tables].append(f"stack {stack} on {provider}\n{life.table()}")
    return found


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, Ground]]:
    """An empty cloud with the real provider, and one with the stand-in."""
    with (
        ground(tmp_path_factory.mktemp("real"), install, **SETTINGS) as real,
        ground(tmp_path_factory.mktemp("standin"), stand_in, **SETTINGS) as standin,
    ):
        yield real, standin
