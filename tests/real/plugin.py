"""Where the real AWS provider's plugin is on this machine; `python -m tests.real.plugin` fetches the official one.

The official plugin wins: one that `pulumi plugin install` has put into the user's own Pulumi home, or into the
lane's cache. Else AWS_PLUGIN names a folder with a `pulumi-resource-aws` that was built in another way.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path

NAME = "pulumi-resource-aws"
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


def find() -> Path | None:
    """The folder of the plugin to use, or None."""
    installed = f"plugins/resource-aws-v{version()}"
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    given = os.environ.get("AWS_PLUGIN")
    folders = [own / installed, cache() / installed, *([Path(given)] if given else [])]
    return next((folder.resolve() for folder in folders if os.access(folder / NAME, os.X_OK)), None)


def install(home: Path) -> None:
    """Put the plugin into a Pulumi home, by a link: it weighs 700 MB."""
    folder = find()
    assert folder, MISSING
    place = home / "plugins" / f"resource-aws-v{version()}"
    place.mkdir(parents=True, exist_ok=True)
    (place / NAME).symlink_to(folder / NAME)


def fetch(seconds: float = 600) -> bool:
    """Ask Pulumi's own download site for the official plugin; False when it does not answer."""
    pulumi = shutil.which("pulumi")
    if not pulumi:
        return False
    command = [pulumi, "plugin", "install", "resource", "aws", f"v{version()}"]
    environment = {**os.environ, "PULUMI_HOME": str(cache()), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    if find() is None and os.environ.get("LAUNCHWAY_OFFLINE") is None:
        fetch()
    print(find() or MISSING)
