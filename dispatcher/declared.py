"""Values that are secrets because a job says so: `env://VARIABLE` is one of this shell, whatever its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dispatcher.runtime.secrets.hiding import forms
from dispatcher.sites import job_of

if TYPE_CHECKING:
    from dispatcher.ledger import Entry
    from dispatcher.redact import Redactor

SHORTEST = 4
"""Characters below which a value is taken for a word that may stand anywhere in a log."""
_HERE = "env://"


def known(redactor: Redactor, entry: Entry, environment: Mapping[str, str]) -> Redactor:
    """Return the redactor that knows the secrets of a job too, as far as this shell has them."""
    references = [text for text in job_of(entry).secrets.values() if text.startswith(_HERE)]
    values = [environment.get(text.removeprefix(_HERE), "") for text in references]
    added = [form for form in forms(values) if len(form.strip()) >= SHORTEST]
    both = {*redactor.known, *added}
    return replace(redactor, known=tuple(sorted(both, key=lambda value: (-len(value), value))))
