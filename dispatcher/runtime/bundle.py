"""dispatch-run as one file that is copied into an image: a zip archive that Python runs, always the same bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_HEAD = b"""#!/bin/sh
# dispatch-run of launchway: a zip archive that Python runs, isolated (-I, -S) from what the job sets for its own.
for python in python3 python; do
  if command -v "$python" >/dev/null 2>&1; then exec "$python" -ISB "$0" "$@"; fi
done
echo "dispatch-run: this image has no python3 (Python 3.9 or newer, in PATH)" >&2
exit 125
"""
_MAIN = """import sys

if sys.version_info < (3, 9):  # such a Python can read this file, and not the ones below
    sys.stderr.write("dispatch-run: this image has Python %d.%d; it needs 3.9 or newer\\n" % sys.version_info[:2])
    sys.exit(125)

from dispatcher.runtime.__main__ import main

sys.exit(main())
"""
_PACKAGE = Path(__file__).parent
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip archive can hold; every file has it, so that the bytes depend on nothing else."""


def build() -> bytes:
    """Return the file: executable by a shell that finds a Python, or as `python3 FILE`.

    Not compressed: reading a compressed archive would load zlib at each start.
    """
    files = {"__main__.py": _MAIN.encode(), "dispatcher/__init__.py": _version()}
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and inside != Path(__file__).name:
            files[f"dispatcher/runtime/{inside}"] = path.read_bytes()
    whole = io.BytesIO()
    whole.write(_HEAD)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # as if made on Unix, wherever it is made
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return whole.getvalue()


def _version() -> bytes:
    from dispatcher import __version__

    return f'"""What dispatch-run needs of the dispatcher."""\n\n__version__ = "{__version__}"\n'.encode()
