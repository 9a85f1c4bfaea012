"""What a stand-in package must do: the provider protocol in plain values. `server` carries it over gRPC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from localcloud.plugin.diff import Difference
from localcloud.plugin.schema import Checked, Failure
from localcloud.plugin.values import Properties


class ProviderError(Exception):
    """An operation failed; the text is shown to the user as it is."""


class PartialFailure(ProviderError):
    """The thing was made (or changed) but not all of what was asked for: its state must be kept."""

    def __init__(self, message: str, id: str, outputs: Properties) -> None:
        super().__init__(message)
        self.id, self.outputs = id, outputs


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource that a call is about: its type token, its logical name, its id ("" before creation).

    `inputs` are those of last time, {} before the creation; `seconds` is the program's own time limit, 0 for none.
    """

    token: str
    name: str
    id: str = ""
    inputs: Properties = field(default_factory=dict, compare=False)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as the cloud has it now."""

    id: str
    inputs: Properties
    outputs: Properties


class Provider(Protocol):
    """One cloud. Values may hold UNKNOWN in `check`, `diff` and in previews; never elsewhere."""

    def check_config(self, config: Properties) -> tuple[Failure, ...]: ...

    def configure(self, config: Properties) -> None:
        """Raises ProviderError when the settings cannot work."""

    def check(
        self, subject: Subject, olds: Properties, news: Properties, seed: bytes, proposal: str | None
    ) -> Checked: ...

    def diff(self, subject: Subject, state: Properties, news: Properties, ignored: list[str]) -> Difference: ...

    def preview(self, subject: Subject, news: Properties, state: Properties) -> Properties:
        """Outputs as far as they are known before the creation (`state` empty) or update."""

    def create(self, subject: Subject, news: Properties) -> tuple[str, Properties]: ...

    def read(self, subject: Subject, inputs: Properties, state: Properties) -> Found | None: ...

    def update(self, subject: Subject, state: Properties, news: Properties) -> Properties: ...

    def delete(self, subject: Subject, inputs: Properties, state: Properties) -> None: ...

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties, tuple[Failure, ...]]: ...
