"""Fixtures of the engine lane. Tests that only read share one life of each stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.ground import Ground, ground, stand_in
from tests.engine.life import Life, grown, live
from tests.engine.project import stacks


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Empty clouds for one test."""
    with ground(tmp_path_factory.mktemp("own"), stand_in) as found:
        yield found


@pytest.fixture(scope="session")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Life]]]:
    """The lives of all stacks of stacks/, at the same time: a pulumi command keeps one processor busy."""

    def whole(stack: str, folder: Path) -> Life:
        with ground(folder, stand_in) as found:
            return live(found, stack, grown, again=True)

    with ThreadPoolExecutor(max_workers=2) as threads:
        yield {stack: threads.submit(whole, stack, tmp_path_factory.mktemp(stack)) for stack in stacks()}


@pytest.fixture(scope="session", params=stacks())
def life(request: pytest.FixtureRequest, lives: Mapping[str, Future[Life]]) -> Life:
    """What happened to a stack of stacks/ from its first preview to its last destroy."""
    return lives[request.param].result()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The clouds of the stack that `local` brings up."""
    with ground(tmp_path_factory.mktemp("shared"), stand_in) as found:
        yield found
