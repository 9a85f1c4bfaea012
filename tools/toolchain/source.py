"""Build `pulumi` from the Go modules that go.mod pins and go.sum checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tools.toolchain import cache, progress
from tools.toolchain.errors import WayFailed

MODULES = Path(__file__).parent
_COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
# From the SDK's module: the executor runs a program for our host, the other starts dynamic providers.
_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


def pinned() -> str:
    """The version of the command line in go.mod, without the `v`."""
    match = re.search(rf"^\s*{re.escape(_SDK)} v(\S+)", (MODULES / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise WayFailed("go.mod does not pin the Pulumi SDK")
    return match.group(1)


def target() -> Path:
    """Where this build is cached: another go.sum, system or processor is another folder."""
    content = [(MODULES / name).read_bytes() for name in ("go.mod", "go.sum")]
    return cache.root() / "toolchain" / cache.key(*content)


def build(say: Callable[[str], None]) -> Path:
    """Return the folder with `pulumi` and the SDK's scripts, building it the first time. Raises WayFailed."""
    return cache.folder(target(), _fill, say)


def _fill(part: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise WayFailed("Go is not on PATH (1.26 or newer builds pulumi in about 3 minutes)")
    environment = os.environ | {"GOBIN": str(part), "GOWORK": "off", "CGO_ENABLED": "0"}
    version = pinned()
    stamp = f"-s -w -X {_SDK}/go/common/version.Version={version}"
    code, output = progress.run(
        f"building pulumi {version} from source, about 3 minutes the first time",
        [go, "install", "-trimpath", f"-ldflags={stamp}", _COMMAND],
        environment=environment,
        directory=MODULES,
    )
    if code != 0:
        raise WayFailed(f"`go install` failed:\n{_indented(output)}")
    where = [go, "list", "-m", "-f", "{{.Dir}}", _SDK]
    answer = subprocess.run(where, cwd=MODULES, env=environment, capture_output=True, text=True)
    if answer.returncode != 0:
        raise WayFailed(f"`go list` failed:\n{_indented(answer.stderr)}")
    sdk = Path(answer.stdout.strip())
    for script in _SCRIPTS:
        copy = part / Path(script).name
        shutil.copyfile(sdk / script, copy)
        copy.chmod(0o755)


def _indented(output: str) -> str:
    return "\n".join(f"    {line}" for line in output.strip().splitlines()[-8:])
