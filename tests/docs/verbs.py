"""Whether the commands that a page names exist, asked of the programs' own help."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.docs.blocks import CHECKOUT

BIN = Path(sys.executable).parent
_ANYWHERE = {"--help", "-h"}


def wrong(words: Sequence[str]) -> str:
    """What is wrong with a command of ours or of Pulumi's, "" when nothing is or it is another program's."""
    program = Path(words[0]).name
    if program == "make":
        targets = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        unknown = [target for target in targets if target not in _targets()]
        return f"make has no target {', '.join(unknown)}" if unknown else ""
    if program not in ("dispatch", "localcloud", "pulumi"):
        return ""
    rest = list(words[1:])
    if program == "localcloud" and rest[:1] == ["run"]:
        inner = rest[1:]
        return wrong(inner[1:] if inner[:1] == ["--"] else inner) if inner else "localcloud run needs a command"
    path, problem = _verb(program, rest)
    return problem or _flags(program, path, rest[len(path) :])


def _verb(program: str, words: list[str]) -> tuple[tuple[str, ...], str]:
    """The subcommand that these words name, walked down as far as there are subcommands."""
    path: tuple[str, ...] = ()
    for word in words:
        known = _subcommands(_help(program, path))
        if not known or word.startswith("-"):
            break
        if word not in known and "_FILE | COMMAND" in _help(program, path):
            return (*path, "start"), ""  # which goes without saying before a file
        if word not in known and not _alias(program, path, word):
            return path, f"`{' '.join([program, *path])}` has no command {word!r}"
        path += (word,)
    return path, ""


def _alias(program: str, path: tuple[str, ...], word: str) -> bool:
    """Pulumi lists a command under one name only; asked for another it shows that command's own help."""
    return program == "pulumi" and _usage(_help(program, (*path, word))) != _usage(_help(program, path))


def _usage(text: str) -> str:
    return text.partition("Usage:\n")[2].partition("\n")[0].partition("[")[0]


def _flags(program: str, path: tuple[str, ...], words: list[str]) -> str:
    text = _help(program, path) + _help(program, ())
    for word in words:
        if word == "--":
            break
        flag = word.partition("=")[0]
        if (
            flag.startswith("-")
            and flag not in _ANYWHERE
            and not re.search(rf"(?<![\w-]){re.escape(flag)}\b", text)
        ):
            return f"`{' '.join([program, *path])}` has no option {flag}"
    return ""


def _subcommands(text: str) -> set[str]:
    """The first words of the indented lines below `Commands:` headings (click's, and cobra's groups)."""
    found: set[str] = set()
    inside = False
    for line in text.splitlines():
        if re.match(r"^[\w ]*Commands:?\s*$", line):
            inside = True
        elif line and not line.startswith(" "):
            inside = False
        elif inside and (match := re.match(r"^ {2}([a-z][\w-]*)\b", line)):
            found.add(match[1])
    return found


@functools.cache
def _help(program: str, path: tuple[str, ...]) -> str:
    done = subprocess.run(
        [BIN / program, *path, "--help"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{program} {' '.join(path)} --help: {done.stderr}"
    return done.stdout


@functools.cache
def _targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][\w-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
