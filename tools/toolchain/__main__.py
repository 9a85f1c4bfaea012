"""`python -m tools.toolchain`: make `pulumi` usable from the virtual environment this runs in."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tools.toolchain import found, installer, placing, source
from tools.toolchain.errors import WayFailed

_WAYS_OUT = """\
no usable `pulumi` on this machine. Any one of these is enough, then run the same command again:
  1. install Pulumi {version} or newer from https://www.pulumi.com/docs/iac/download-install/ and put it on PATH
  2. let this machine reach get.pulumi.com, and the installer is run for you
  3. install Go 1.26 or newer with access to a Go module proxy, and it is built from source
What was tried:"""


def main(arguments: list[str] | None = None) -> int:
    """Try the ways in order, cheapest first; return 0, or 1 after naming every reason and way out."""
    parser = argparse.ArgumentParser(prog="python -m tools.toolchain", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path(sys.executable).parent, help="folder for the programs")
    parser.add_argument(
        "--way", choices=["path", "installer", "source"], default=os.environ.get("LAUNCHWAY_PULUMI_FROM") or None
    )
    options = parser.parse_args(arguments)
    ways: dict[str, Callable[[Path], str]] = {"path": _path, "installer": _installer, "source": _source}
    if options.way is None and source.target().is_dir():
        ways = {"path": _path, "source": _source, "installer": _installer}  # already built: ask nobody
    tried = []
    for name, way in ways.items():
        if options.way in (None, name):
            try:
                print(way(options.into), file=sys.stderr)
                return 0
            except WayFailed as failure:
                tried.append(f"  {name}: {failure}")
    oldest = ".".join(map(str, found.OLDEST))
    print(_WAYS_OUT.format(version=oldest), *tried, sep="\n", file=sys.stderr)
    return 1


def _path(into: Path) -> str:
    judged = found.on_path(os.environ.get("PATH", ""), skip=into)
    if judged is None:
        raise WayFailed("no pulumi on PATH")
    if isinstance(judged, found.Unusable):
        raise WayFailed(f"{judged.pulumi} is not usable: {judged.reason}")
    placing.link(judged, into)
    return f"pulumi {judged.version} from {judged.pulumi}"


def _installer(into: Path) -> str:
    command_line = installer.install(source.pinned(), _say)
    placing.link(command_line, into)
    return f"pulumi {command_line.version} from Pulumi's installer"


def _source(into: Path) -> str:
    placing.assemble(source.build(_say), into, Path(sys.executable))
    return f"pulumi v{source.pinned()} built from source, with the Python language host of this checkout"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
