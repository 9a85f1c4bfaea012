"""What the image tests need is there, or its absence is an error with the line that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import containers
from tools.apart import NotInstalled

LINE = "apt-get install buildah docker-registry skopeo"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any of the programs, and nothing in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_a_test_that_lacks_the_programs_fails_with_what_gets_them(bare: Path) -> None:
    with pytest.raises(NotInstalled, match=f"python -m tools.containers.*{LINE}"):
        containers.environment(bare, {"PATH": str(bare)})


def test_a_machine_without_apt_is_told_what_to_install(bare: Path) -> None:
    with pytest.raises(NotInstalled, match=f"no apt.*{LINE}"):
        containers.install()
