"""Where Checkov is kept between checkouts, and how it gets there from a lock of its own."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

from tools.toolchain import cache, progress

LOCK = Path(__file__).with_name("requirements.lock")
_PYTHON = Path("bin", "python")


class NotInstalled(Exception):
    """Checkov could not be installed, or has not been; the message says what to do."""


def target() -> Path:
    """The environment's folder: another lock, system, processor or Python is another folder."""
    python = f"{sys.version_info.major}.{sys.version_info.minor} {sys.base_prefix}"
    return cache.root() / "checkov" / cache.key(LOCK.read_bytes(), python)


def python() -> Path:
    """The Python that has Checkov. Raises NotInstalled."""
    found = target() / _PYTHON
    if not found.exists():
        raise NotInstalled("Checkov is not installed: `make test` does it, or `.venv/bin/python -m tools.checkov`")
    return found


def install() -> Path:
    """Make the environment when it is not there yet, and return its Python. Raises NotInstalled."""
    cache.folder(target(), _fill, lambda line: print(line, file=sys.stderr, flush=True))
    return python()


def _fill(part: Path) -> None:
    venv.create(part, with_pip=False, symlinks=True)
    # Our own pip installs into it: a pip of its own would only be one more thing to download.
    pip = [sys.executable, "-m", "pip", "--python", str(part / _PYTHON), "--disable-pip-version-check", "--quiet"]
    code, output = progress.run(
        "installing Checkov beside us (about 40 s the first time, 280 MB in the cache)",
        [*pip, "install", "--require-hashes", "--requirement", str(LOCK)],
        environment=os.environ,
        directory=LOCK.parent,
    )
    if code != 0:
        raise NotInstalled(f"pip could not install Checkov:\n{output}")
