"""Put the command line where the checkout's programs find it: the virtual environment's own `bin`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.toolchain import found

_CHECKOUT = Path(__file__).parents[2]
_EXECUTOR = "pulumi-language-python-exec"

# The first two lines are both shell and Python, as pip writes them where a path is too long for `#!`.
_LAUNCHER = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
# Starts the Python language host of this checkout; written by tools/toolchain.
import sys
from pathlib import Path

sys.path.insert(0, {checkout!r})
from tools.toolchain.host.__main__ import main

sys.exit(main(sys.argv[1:], Path(__file__).with_name({executor!r})))
"""


def link(command_line: found.CommandLine, into: Path) -> None:
    """Link a complete command line. Its host is found beside the real program, so it warns of nothing."""
    _replace(into / "pulumi", lambda new: new.symlink_to(command_line.pulumi))
    _replace(into / found.LANGUAGE_HOST, lambda new: new.symlink_to(command_line.host))
    beside = command_line.host.resolve().with_name(_EXECUTOR)
    if beside.exists():
        _replace(into / _EXECUTOR, lambda new: new.symlink_to(beside))


def assemble(built: Path, into: Path, python: Path) -> None:
    """Put the built program and our language host side by side.

    The program becomes a hard link (a copy on another file system): it looks for the host beside its
    real self, and warns of one that is only on PATH.
    """
    for file in sorted(built.iterdir()):
        _replace(into / file.name, partial(_hard_link, file))
    text = _LAUNCHER.format(python=python, checkout=str(_CHECKOUT), executor=_EXECUTOR)

    def write(new: Path) -> None:
        new.write_text(text)
        new.chmod(0o755)

    _replace(into / found.LANGUAGE_HOST, write)


def _hard_link(file: Path, new: Path) -> None:
    try:
        os.link(file, new)
    except OSError:
        shutil.copy2(file, new)


def _replace(name: Path, make: Callable[[Path], None]) -> None:
    """Make the file under a private name and rename it, so that a running `pulumi` is never half-written."""
    new = name.with_name(f".{name.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    make(new)
    new.replace(name)
