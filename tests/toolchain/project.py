"""A tiny Pulumi project in a folder of its own, driven by the checkout's own `pulumi`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
VENV = BIN.parent


@dataclass(frozen=True)
class Result:
    """How a command ended and everything it printed."""

    code: int
    text: str


@dataclass(frozen=True)
class Project:
    """A project called `tiny` with stack `dev`, its state and Pulumi home beside it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables its commands run with."""
        return {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def program(self, source: str) -> None:
        """Make this Python the program."""
        (self.folder / "__main__.py").write_text(textwrap.dedent(source))

    def options(self, **options: str) -> None:
        """Set `runtime.options` of Pulumi.yaml."""
        runtime = json.dumps({"name": "python", "options": options})
        (self.folder / "Pulumi.yaml").write_text(f"name: tiny\nruntime: {runtime}\n")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `pulumi` with these words, output and errors together."""
        return subprocess.Popen(
            [BIN / "pulumi", *words, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *words: str) -> Result:
        """Run `pulumi` to its end."""
        process = self.start(*words)
        text, _ = process.communicate(timeout=120)
        return Result(process.returncode, text)

    def up(self, *words: str) -> Result:
        """`pulumi up` without questions."""
        return self.pulumi("up", "--yes", "--skip-preview", *words)

    def outputs(self, *words: str) -> dict[str, Any]:
        """What the stack exports."""
        answer = self.pulumi("stack", "output", "--json", *words)
        assert answer.code == 0, answer.text
        found: dict[str, Any] = json.loads(answer.text)
        return found
