"""Pulumi's own installer, when its site answers at once."""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tools.toolchain import cache, found, progress
from tools.toolchain.errors import WayFailed

# https://www.pulumi.com/docs/iac/download-install/: the script takes --version, --install-root, --no-edit-path
SITE = "https://get.pulumi.com"
ANSWER_WITHIN = 5.0
INSTALL_WITHIN = 300.0


def target(version: str) -> Path:
    """Where the installed command line of this version is kept."""
    return cache.root() / "toolchain" / f"official-{version}-{cache.key(version)}"


def install(version: str, say: Callable[[str], None], site: str | None = None) -> found.CommandLine:
    """Install `version` into the cache, and check that it runs and brings its Python host. Raises WayFailed.

    The site has a few seconds to answer and the download a few minutes, so that a machine behind a
    firewall goes on to the next way instead of hanging. The script runs with a home of its own: it
    edits no profile.
    """
    where = target(version)

    def fill(part: Path) -> None:
        script = _download(site or os.environ.get("LAUNCHWAY_PULUMI_SITE") or SITE)
        _run(script, version, part)
        _usable(part, version)

    return _usable(cache.folder(where, fill, say), version)


def _download(site: str) -> bytes:
    try:
        with urllib.request.urlopen(site, timeout=ANSWER_WITHIN) as answer:
            script: bytes = answer.read(1 << 20)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise WayFailed(f"{site} does not answer: {getattr(error, 'reason', error)}") from error
    if not script.startswith(b"#!"):
        raise WayFailed(f"{site} answers with something that is not an installer")
    return script


def _run(script: bytes, version: str, part: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "install.sh"
        file.write_bytes(script)
        shell = shutil.which("sh") or "/bin/sh"
        code, output = progress.run(
            f"installing pulumi {version} with Pulumi's installer",
            [shell, file, "--version", version, "--install-root", part, "--no-edit-path"],
            environment=os.environ | {"HOME": home},
            directory=Path(home),
            limit=INSTALL_WITHIN,
        )
    if code != 0:
        reason = "took too long" if code is None else f"failed: {output.strip().splitlines()[-1:]}"
        raise WayFailed(f"the official installer {reason}")


def _usable(folder: Path, version: str) -> found.CommandLine:
    judged = found.judge(folder / "bin" / "pulumi")
    if isinstance(judged, found.Unusable):
        raise WayFailed(f"what the official installer left cannot be used: {judged.reason}")
    if found.numbers(judged.version) != found.numbers(version):
        raise WayFailed(f"the official installer brought {judged.version} instead of {version}")
    return judged
