"""Where the real AWS provider's plugin is on this machine; `python -m tests.real.plugin` fetches the official one.

The official plugin wins: one that `pulumi plugin install` has put into the user's own Pulumi home, or into the
lane's cache. Else AWS_PLUGIN names a folder with a `pulumi-resource-aws` that was built in another way.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

NAME = "pulumi-resource-aws"
SITE = "https://get.pulumi.com"
MISSING = (
    "no real AWS provider here: neither the official plugin nor a folder in AWS_PLUGIN that holds "
    f"an executable {NAME} (docs/testing.md)"
)


def version() -> str:
    """The version that the installed SDK asks the engine for."""
    return importlib.metadata.version("pulumi_aws")


def cache() -> Path:
    """The Pulumi home that holds an official plugin which this lane has fetched."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "launchway" / "pulumi-home"


def official() -> Path | None:
    """The folder of the official plugin, where Pulumi has installed it."""
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folders = [home / "plugins" / f"resource-aws-v{version()}" for home in (own, cache())]
    return next((folder.resolve() for folder in folders if os.access(folder / NAME, os.X_OK)), None)


def find() -> Path | None:
    """The folder of the plugin to use: the official one, else the one that AWS_PLUGIN names, else None."""
    given = os.environ.get("AWS_PLUGIN")
    built = Path(given).resolve() if given and os.access(Path(given) / NAME, os.X_OK) else None
    return official() or built


def install(home: Path) -> None:
    """Put the plugin into a Pulumi home, by a link: it weighs 700 MB."""
    folder = find()
    assert folder, MISSING
    place = home / "plugins" / f"resource-aws-v{version()}"
    place.mkdir(parents=True, exist_ok=True)
    (place / NAME).symlink_to(folder / NAME)


def fetch(seconds: float = 900) -> None:
    """Ask Pulumi's own download site for the official plugin; nothing happens when it does not answer."""
    pulumi = shutil.which("pulumi", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    try:
        urllib.request.urlopen(SITE, timeout=5).close()
    except OSError:
        return
    if pulumi:
        command = [pulumi, "plugin", "install", "resource", "aws", f"v{version()}"]
        environment = {**os.environ, "PULUMI_HOME": str(cache()), "PULUMI_SKIP_UPDATE_CHECK": "true"}
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, env=environment, capture_output=True, timeout=seconds, check=False)


def main() -> None:
    """Print in one line which plugin the lane will use."""
    if official() is None:
        fetch()
    found = find()
    print(f"the real AWS provider: {found}" if found else f"skipping the real lane: {MISSING}")


if __name__ == "__main__":
    main()
