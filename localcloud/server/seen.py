"""A call understood, whichever cloud it is for: what faults match and the record keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """`service` is boto3's name of it, the first label of Google's host, or the last word of Azure's provider.

    `parameters` are those that are text; `body` alone where the parameters hold more than the JSON body.
    """

    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
