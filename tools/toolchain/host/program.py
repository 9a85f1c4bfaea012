"""The command line and environment of one program run, as `pulumi-language-python-exec` reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2

    from tools.toolchain.host.interpreter import Interpreter

_RUNNER = Path(__file__).with_name("interruptible.py")
MESSAGE_SHOWN = 32
"""Exit code of the executor when it has already reported the program's error to the engine."""


def command(
    python: Interpreter, executor: Path, request: language_pb2.RunRequest, *, engine: str, tracing: str
) -> list[str]:
    """Return argv for `request`. Empty values are left out, as the executor expects."""
    options = {
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "parallel": str(request.parallel),
        "dry_run": str(request.dryRun).lower(),
        "pwd": request.pwd,
        "monitor": request.monitor_address,
        "engine": engine,
        "tracing": tracing,
        "organization": request.organization,
    }
    words = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    entry = request.info.entry_point or request.program or "."
    # `--` because the stack's program may be given arguments that look like the executor's own.
    return [str(python.executable), "-u", str(_RUNNER), str(executor), *words, "--", entry, *request.args]


def environment(python: Interpreter, request: language_pb2.RunRequest, base: Mapping[str, str]) -> dict[str, str]:
    """Return the child's environment: configuration travels in it, and never on the command line."""
    return python.environment(base) | {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }
