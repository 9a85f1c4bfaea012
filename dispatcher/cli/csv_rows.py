"""Submissions as CSV (RFC 4180), row by row, so that a long history needs no memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dispatcher.cli import output

_QUOTED = frozenset('",\r\n')

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text may not begin with: a spreadsheet would take the cell for a formula
(OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection)."""


def print_rows(documents: Iterable[Mapping[str, Any]]) -> None:
    """A line of names, then a line for each document; what is no plain value is JSON. Nothing for no documents."""
    heads: list[str] | None = None
    for document in documents:
        if heads is None:
            heads = list(document)
            output.say(_line(heads), nl=False)
        output.say(_line([_cell(document.get(name)) for name in heads]), nl=False)


def _line(cells: list[str]) -> str:
    # The csv module takes longer to load than a list may (docs/testing.md: start-up), and this is all of it.
    quoted = ('"' + cell.replace('"', '""') + '"' if _QUOTED & set(cell) else cell for cell in cells)
    return ",".join(quoted) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
