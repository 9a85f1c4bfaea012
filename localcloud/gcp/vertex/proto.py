"""Custom jobs as Google's own types: JSON is judged by them, and written as they write it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from dispatcher.backends.vertex import protos
from localcloud.gcp.errors import invalid

# Fields that only the service writes; what a client sends there is ignored (CustomJob, "Output only").
_OUTPUT = ("name", "state", "createTime", "startTime", "endTime", "updateTime", "error", "webAccessUris")


def read(document: Mapping[str, Any]) -> Any:
    """A CustomJob message from JSON. Raises GoogleError for what the type does not have or take."""
    from google.protobuf import json_format

    sent = {name: value for name, value in document.items() if name not in _OUTPUT}
    try:
        return json_format.ParseDict(sent, protos.load("custom_job").CustomJob.pb()())
    except json_format.ParseError as error:
        raise invalid(f"Invalid JSON payload received. {' '.join(str(error).split())}") from error


def write(message: Any, *, integers: bool = False) -> dict[str, Any]:
    """A message as JSON; `integers` writes enums as numbers, as `enum-encoding=int` asks."""
    from google.protobuf import json_format

    found: dict[str, Any] = json_format.MessageToDict(message, use_integers_for_enums=integers)
    return found


def state_number(name: str) -> int:
    """The number of a JobState by its name without the prefix."""
    states = protos.load("job_state").JobState
    return int(states[f"JOB_STATE_{name}"])


def copied(message: Any) -> Any:
    return copy.deepcopy(message)
