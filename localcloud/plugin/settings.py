"""A provider's own configuration: the names that it has, their types, and which of them a stand-in honours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localcloud.plugin.schema import WORDS, Failure, Table
from localcloud.plugin.values import Properties, has_unknown


def check(settings: Table, config: Properties) -> tuple[Failure, ...]:
    """What is wrong with a configuration; `settings` is a data/config.json."""
    known, failures = settings["properties"], []
    served = {*settings["honoured"], *settings["no_effect"]["names"]}
    wrong = "could not validate provider configuration"
    for name, value in config.items():
        if name not in known:
            failures.append(Failure(name, f"{wrong}: Invalid or unknown key: {name}"))
        elif name not in served:
            failures.append(Failure(name, f"the stand-in plugin cannot honour {name}"))
        elif not has_unknown(value) and not _fits(value, known[name]):
            failures.append(Failure(name, f"{wrong}: {name} must be of type {known[name]}"))
    return tuple(failures)


def loaded(file: Path) -> Table:
    return dict(json.loads(file.read_text()))


def parsed(value: Any, wanted: str) -> Any:
    """A configuration value: all but text travels as JSON text. ValueError when it is none."""
    return value if wanted == "string" or not isinstance(value, str) else json.loads(value)


def _fits(value: Any, wanted: str) -> bool:
    try:
        return isinstance(parsed(value, wanted), WORDS.get(wanted, int))
    except ValueError:
        return False
