"""Patterns of .dispatchignore mean what git says that they mean in a .gitignore."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from dispatcher.code import ignoring

pytestmark = pytest.mark.oracle

NAMES = ["a", "b", "ab", "a.txt", "b.py", "[x]", "x y", ".h", "data", "c!", "#d"]
PATTERNS = [
    "a", "b/", "/a", "*.txt", "**/b", "a/**", "a/**/b", "!a.txt", "!b", "*", "!*/", "a/*", "?", "[ab]", "[!a]*",
    "\\#d", "\\!x", "ab*/", "data/", "/data/*", "!/data/a.txt", "a/b", "**", "a/", ".h", "x\\ y", "[]x]*", "[[]x]",
    "**.txt", "a**b", "*/a", "/*", "!/a", "foo/**/", "[a-b]", "c!  ", "**/a/**", "# a", "", "\\[x\\]", "[^a]",
    "x y",
]  # fmt: skip


def packed(folder: Path, text: str) -> set[str]:
    patterns = ignoring.read(text)
    found: set[str] = set()

    def walk(directory: Path, prefix: str) -> None:
        for entry in os.scandir(directory):
            name = prefix + entry.name
            if not ignoring.ignored(name, patterns, folder=entry.is_dir()):
                walk(Path(entry.path), f"{name}/") if entry.is_dir() else found.add(name)

    walk(folder, "")
    return found


def listed(folder: Path, text: str) -> set[str]:
    (folder / ".git" / "patterns").write_text(text)
    command = ["git", "ls-files", "-z", "--others", "--exclude-from=.git/patterns"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return set(filter(None, done.stdout.split("\0")))


@pytest.mark.parametrize("seed", range(3))
def test_git_leaves_out_the_same_files(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    for _ in range(60):
        path = tmp_path.joinpath(*chance.choices(NAMES, k=chance.choice([1, 2, 2, 3])))
        if not path.exists() and not any(parent.is_file() for parent in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    for _ in range(25):
        text = "\n".join(chance.choices(PATTERNS, k=chance.randint(1, 5)))
        assert packed(tmp_path, text) == listed(tmp_path, text), text
