"""Where the blobs of a container lie: a directory that a job sees when the container is mounted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.azure.state import State
from localcloud.objects import Objects


@dataclass
class Containers:
    """The contents of containers, by account and name. Hold `state.lock`."""

    state: State
    _open: dict[tuple[str, str], Objects] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """`<account>/<container>/<blob>` below it."""
        return self.state.place.azure_blobs / "containers"

    def of(self, account: str, name: str) -> Objects:
        """What is in a container; made empty when it is new."""
        if (account, name) not in self._open:
            held = self.state.place.azure_blobs / "held" / account / name
            self._open[account, name] = Objects(self.root / account / name, held, self.state.clock)
        return self._open[account, name]

    def drop(self, account: str, name: str = "") -> None:
        """Forget a container, or all of an account, with what is in them."""
        for key in [key for key in self._open if key[0] == account and name in ("", key[1])]:
            self._open.pop(key).destroy()
        if not name:
            shutil.rmtree(self.root / account, ignore_errors=True)
