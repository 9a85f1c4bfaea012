"""Command blocks of the documentation: found, cut into commands, and told apart by whether they can run here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = ("sh", "bash", "shell")
SHOWN = ("console",)
_NOT_RUN = re.compile(r"<!--\s*not run:\s*(.+?)\s*-->\s*$")
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})\s*(?P<language>[\w-]*)\s*(?P<rest>.*)$")
_SEPARATORS = {
    ";",
    "&&",
    "||",
    "|",
    "&",
    "(",
    ")",
    "{",
    "}",
    "if",
    "then",
    "else",
    "fi",
    "do",
    "done",
    "while",
    "!",
}


@dataclass(frozen=True)
class Block:
    """One fenced block of commands: `reason` says why it does not run here, "" when it does."""

    file: Path
    line: int
    language: str
    text: str
    reason: str

    @property
    def place(self) -> str:
        """`docs/x.md:12`, for a message and for the name of a test."""
        return f"{self.file.relative_to(CHECKOUT)}:{self.line}"

    @property
    def script(self) -> str:
        """What a shell would be given: in a `console` block only the lines behind a prompt."""
        if self.language in RUN:
            return self.text
        lines: list[str] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                lines.append(line[2:])
            elif lines and lines[-1].endswith("\\"):
                lines.append(line)
        return "\n".join(lines) + "\n"

    def commands(self) -> Iterator[list[str]]:
        """Each simple command as its words, without comments, redirections and assignments in front."""
        for line in self.script.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if word in _SEPARATORS:
                    if words := _plain(words):
                        yield words
                    words = []
                else:
                    words.append(word)


def _plain(words: list[str]) -> list[str]:
    while words and re.match(r"\w+=", words[0]):
        words = words[1:]
    ends = (i for i, word in enumerate(words) if re.fullmatch(r"[<>]+&?", word))
    return words[: next(ends, len(words))]


def documents() -> list[Path]:
    """README.md and every page below docs/."""
    return [path for path in [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))] if path.exists()]


def blocks(file: Path, text: str | None = None) -> list[Block]:
    """The command blocks of a page, in order. A block of another language is none."""
    lines = (file.read_text() if text is None else text).splitlines()
    found: list[Block] = []
    number = 0
    while number < len(lines):
        start = number
        number += 1
        fence = _FENCE.match(lines[start])
        if fence is None:
            continue
        close = re.compile(rf"^ *{re.escape(fence['ticks'])}\s*$")
        while number < len(lines) and not close.match(lines[number]):
            number += 1
        if fence["language"] in RUN + SHOWN:
            indent = len(fence["indent"])
            content = "".join(f"{line[indent:]}\n" for line in lines[start + 1 : number])
            reason = _reason(lines, start) or (fence["rest"] if fence["language"] in SHOWN else "")
            found.append(Block(file, start + 1, fence["language"], content, reason))
        number += 1
    return found


def _reason(lines: list[str], fence: int) -> str:
    """The text of a `<!-- not run: ... -->` directly above the fence, blank lines aside."""
    above = next((line for line in reversed(lines[:fence]) if line.strip()), "")
    match = _NOT_RUN.search(above)
    return match[1] if match else ""
