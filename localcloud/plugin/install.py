"""Puts the stand-ins where the Pulumi engine looks for plugins: the layout of `pulumi plugin install --file`."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tempfile
from pathlib import Path

DISTRIBUTIONS = {
    "aws": "pulumi_aws",
    "gcp": "pulumi_gcp",
    "azure-native": "pulumi_azure_native",
}  # plugin name -> the SDK whose version the engine asks for


def install(pulumi_home: Path) -> list[Path]:
    """Installs every stand-in into PULUMI_HOME/plugins; returns the executables. Current ones are left alone."""
    return [_install(pulumi_home, name, importlib.metadata.version(sdk)) for name, sdk in DISTRIBUTIONS.items()]


def _install(pulumi_home: Path, name: str, version: str) -> Path:
    folder = pulumi_home / "plugins" / f"resource-{name}-v{version}"
    executable = folder / f"pulumi-resource-{name}"
    text = f'#!/bin/sh\nexec "{sys.executable}" -m localcloud.plugin {name} {version} "$@"\n'
    if executable.is_file() and executable.read_text() == text:
        return executable
    folder.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(made).chmod(0o755)
        Path(made).replace(executable)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    return executable
