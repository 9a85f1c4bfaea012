"""dispatch-run as a file beside a Dockerfile, and the lines that take it into the image."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from dispatcher import __version__
from dispatcher.errors import UsageError
from dispatcher.runtime import LABEL, PROGRAM


def write(file: str) -> Path:
    """Write dispatch-run, executable, whole or not at all. Raises UsageError where nothing can be written."""
    from dispatcher.runtime import bundle

    target = Path(file)
    target = target / PROGRAM if target.is_dir() else target
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(bundle.build())
        part.chmod(0o755)
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    return target


def lines(file: Path) -> list[str]:
    """Return the lines of a Dockerfile that take the file in."""
    return [f"COPY {file.name} /usr/local/bin/{PROGRAM}", f"LABEL {LABEL}={__version__}"]
