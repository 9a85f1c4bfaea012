"""Reading a stack's contract: from `pulumi stack output --json`, or from a file that holds what it printed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.documents import document
from dispatcher.errors import (
    AuthError,
    DispatchError,
    NotFoundError,
    Problem,
    SpecError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from dispatcher.contract import Contract

TIMEOUT = 120.0
"""Seconds that `pulumi stack output` may take before its backend counts as unreachable."""


def from_file(path: str | Path) -> Contract:
    """Read the contract out of a file of outputs; `-` is standard input. Raises SpecError with every problem."""
    return from_bytes(str(path), document.read(path))


def from_bytes(source: str, data: bytes) -> Contract:
    """Read the contract out of such a file's bytes."""
    return _contract(_json(source, data), source)


def from_stack(stack: str | None, project: Path, environment: Mapping[str, str]) -> tuple[str, Contract]:
    """Ask Pulumi for a stack's outputs (None: the selected one); return `stack NAME` and its contract."""
    if stack is None:
        stack = _pulumi(["stack", "--show-name"], project, environment).strip()
    printed = _pulumi(["stack", "output", "--json", "--stack", stack], project, environment)
    return f"stack {stack}", from_bytes(f"stack {stack}", printed.encode())


def contracts(
    stacks: Sequence[str], outputs: Sequence[str | Path], project: Path, environment: Mapping[str, str]
) -> list[tuple[str, Contract]]:
    """Read the contracts of files of outputs and of stacks, the selected one when none of either is named."""
    named: Sequence[str | None] = stacks or ([] if outputs else [None])
    found = [(f"file {Path(file).name}", from_file(file)) for file in outputs]
    return found + [from_stack(name, project, environment) for name in named]


def _contract(outputs: Any, source: str) -> Contract:
    from dispatcher import contract

    if not isinstance(outputs, dict):
        raise SpecError([Problem(source, None, "", "is not a JSON object of outputs", _OUTPUTS)])
    if not outputs:
        raise NotFoundError(f"{source} has no outputs", "run `pulumi up` first; a destroyed stack has none either")
    found = outputs if "zones" in outputs and "contract" not in outputs else outputs.get("contract")
    if isinstance(found, dict) and found.get("4dabf18193072939515e22adb298388d") is not None:
        found = "[secret]"
    if found is None:
        rule = "has no output `contract`, so it is not a stack of this project"
        raise SpecError([Problem(source, None, "", rule, f"its outputs: {', '.join(sorted(outputs))}")])
    if found == "[secret]":
        raise SpecError(
            [Problem(source, None, "contract", "is hidden as a secret", "it never holds one: export it plainly")]
        )
    if isinstance(found, str):
        found = _json(f"{source}: contract", found.encode())
    return contract.parse(found, source)


def _json(source: str, data: bytes) -> Any:
    if not data.strip():
        raise SpecError([Problem(source, None, "", "is empty", _OUTPUTS)])
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise SpecError([Problem(source, error.lineno, "", f"is not JSON: {error.msg}", _OUTPUTS)]) from None
    except UnicodeDecodeError:
        raise SpecError([Problem(source, None, "", "is not UTF-8 text", _OUTPUTS)]) from None
    except RecursionError:
        raise SpecError([Problem(source, None, "", "is nested too deeply", _OUTPUTS)]) from None


_OUTPUTS = "it holds what `pulumi stack output --json` prints"


def pulumi(environment: Mapping[str, str]) -> str | None:
    """The `pulumi` program: on PATH, else beside this Python, where `make setup` puts it; None without one."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("pulumi", path=environment.get("PATH", "")) or shutil.which("pulumi", path=beside)


def _pulumi(arguments: list[str], project: Path, environment: Mapping[str, str]) -> str:
    command = [pulumi(environment) or "pulumi", *arguments, "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(
            command,
            cwd=project,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        if not project.is_dir():
            raise UsageError(
                f"there is no directory {project}", "name the Pulumi project with --project"
            ) from None
        raise UsageError(
            "`pulumi` is neither on PATH nor beside this Python",
            "install it, or give its outputs with --outputs FILE",
        ) from None
    except subprocess.TimeoutExpired:
        raise UnreachableError(
            f"`pulumi stack output` did not answer in {TIMEOUT:.0f} s", "is the state backend reachable?"
        ) from None
    if done.returncode:
        raise _translated(done.stderr.strip() or done.stdout.strip(), arguments)
    return done.stdout


def _translated(said: str, arguments: list[str]) -> DispatchError:
    """Pulumi's own words, with the exit code and remedy that fit."""
    words = said.splitlines()[0].removeprefix("error: ") if said else f"`pulumi {' '.join(arguments)}` failed"
    low = said.lower()
    if "no stack named" in low or "not found" in low:
        return NotFoundError(f"pulumi: {words}", "`pulumi stack ls` shows the stacks there are")
    if "fully qualified name" in low:
        return UsageError(
            "there is no Pulumi project here", "run it in the project's directory, or give --project DIR"
        )
    if "no stack selected" in low or "--stack" in low or "no current stack" in low:
        return UsageError("no stack is selected", "say which: dispatch sync --stack NAME")
    if "no pulumi.yaml" in low or "pulumi project" in low:
        return UsageError(f"pulumi: {words}", "run it in the project's directory, or give --project DIR")
    if "access_token" in low or "pulumi login" in low or "not logged in" in low:
        return AuthError(
            "not logged in to Pulumi's state backend", "run: pulumi login (a URL, --local or the service)"
        )
    if "passphrase" in low:
        return AuthError(
            "the stack's secrets passphrase is missing",
            "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
        )
    return UnreachableError(f"pulumi: {words}", "the same command by hand: pulumi " + " ".join(arguments))
