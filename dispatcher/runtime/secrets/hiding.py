"""Every form in which a program may repeat a secret that it was given, to tell its words without it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
_LINE = 8
"""Characters below which one line of a value is taken for a word that may stand anywhere."""
_LEAF = 4
"""The same for a text inside of a value that is a JSON object."""


def hidden(text: str, values: Iterable[str]) -> str:
    """Return the text without the values; its line ends become `\\n`, as a value's own may have become."""
    text = _plain(text)
    for form in forms(values):
        text = text.replace(form, MASK)
    return text


def forms(values: Iterable[str]) -> tuple[str, ...]:
    """Return what to look for, the longest first: nothing is left of one where another is a part of it."""
    found = {form for value in values for form in _forms(_plain(value)) if form.strip()}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _forms(value: str) -> Iterator[str]:
    for whole in (value, value.strip()):
        yield from _written(whole)
    lines = [line.strip() for line in value.splitlines()]
    for part in [line for line in lines[1:] and lines if len(line) >= _LINE]:
        yield from _written(part)
    for leaf in _leaves(_document(value)):
        if len(leaf.strip()) >= _LEAF:
            yield from _written(leaf)
            yield from _written(leaf.strip())


def _written(text: str) -> Iterator[str]:
    """A text as it is, as an address has it, and as JSON, Python and a shell's trace write it."""
    yield text
    if text.isalnum() and text.isascii():
        return
    for line_end in ("\n", "\r\n"):
        same = text.replace("\n", line_end)
        yield from (quote(same, "", errors="replace"), quote(same, errors="replace"))
        yield quote_plus(same, errors="replace")
        yield from (json.dumps(same)[1:-1], json.dumps(same, ensure_ascii=False)[1:-1])
        yield from (repr(same)[1:-1], repr(same.encode("utf-8", "replace"))[2:-1])


def _document(value: str) -> Any:
    try:
        return json.loads(value) if value.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None


def _leaves(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, str):
            yield found
