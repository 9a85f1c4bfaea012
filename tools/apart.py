"""Tools of others, each in a virtual environment of its own: its pins cannot live beside ours, or it is heavy."""

from __future__ import annotations

import os
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain import cache, progress

_PYTHON = Path("bin", "python")


class NotInstalled(Exception):
    """The tool could not be installed, or has not been; the message says what to do."""


@dataclass(frozen=True)
class Apart:
    """`package` is the folder below tools/ that holds the lock, `name` and `cost` (time, space) are for people."""

    package: str
    name: str
    cost: str

    @property
    def lock(self) -> Path:
        """Exact versions with the hashes of every file (tools/lock.sh)."""
        return Path(__file__).with_name(self.package) / "requirements.lock"

    def target(self) -> Path:
        """The environment's folder: another lock, system, processor or Python is another folder."""
        python = f"{sys.version_info.major}.{sys.version_info.minor} {sys.base_prefix}"
        return cache.root() / self.package / cache.key(self.lock.read_bytes(), python)

    def python(self) -> Path:
        """The Python that has the tool. Raises NotInstalled."""
        found = self.target() / _PYTHON
        if not found.exists():
            how = f"`make test` does it, or `.venv/bin/python -m tools.{self.package}`"
            raise NotInstalled(f"{self.name} is not installed: {how}")
        return found

    def install(self) -> Path:
        """Make the environment when it is not there yet, and return its Python. Raises NotInstalled."""
        cache.folder(self.target(), self._fill, lambda line: print(line, file=sys.stderr, flush=True))
        return self.python()

    def _fill(self, part: Path) -> None:
        venv.create(part, with_pip=False, symlinks=True)
        # Our own pip installs into it: a pip of its own would only be one more thing to download.
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(part / _PYTHON),
            "--disable-pip-version-check",
            "--quiet",
        ]
        code, output = progress.run(
            f"installing {self.name} beside us ({self.cost})",
            [*pip, "install", "--require-hashes", "--requirement", str(self.lock)],
            environment=os.environ,
            directory=self.lock.parent,
        )
        if code != 0:
            raise NotInstalled(f"pip could not install {self.name}:\n{output}")


def main(tool: Apart) -> int:
    """`python -m tools.<package>`: quick and silent where the tool is there; 1 with the reason if it cannot be."""
    try:
        tool.install()
    except NotInstalled as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0
