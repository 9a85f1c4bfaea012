"""The demo's commands: shown as a person would type them, run out of this environment, one or several at once."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

CHECKOUT = Path(__file__).parents[2]

T = TypeVar("T")
S = TypeVar("S")


class StepFailed(Exception):
    """A command of the demo ended with another code than 0; it has said why itself."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(what)
        self.code = code


def local(*command: str, shown: bool = True) -> None:
    """Run a command on the local clouds. Raises StepFailed."""
    run("localcloud", "run", "--", *command, shown=shown)


def run(*command: str, shown: bool = True) -> None:
    """Run a command and let it print. Raises StepFailed."""
    show(command, shown)
    _check(command, subprocess.run(resolved(command), cwd=CHECKOUT, check=False).returncode)


def quietly(*command: str) -> None:
    """Run a command on the local clouds, and print what it said only when it failed. Raises StepFailed."""
    whole = ("localcloud", "run", "--", *command)
    done = subprocess.run(
        resolved(whole), cwd=CHECKOUT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    _check(whole, done.returncode)


def answer(*command: str, shown: bool = False) -> Any:
    """Run a command on the local clouds and return the JSON it prints. Raises StepFailed."""
    whole = ("localcloud", "run", "--", *command)
    show(whole, shown)
    done = subprocess.run(resolved(whole), cwd=CHECKOUT, check=False, stdout=subprocess.PIPE, text=True)
    _check(whole, done.returncode)
    return json.loads(done.stdout)


def lines(*command: str) -> Iterator[str]:
    """Run a command on the local clouds and yield its lines as they come. Raises StepFailed."""
    whole = ("localcloud", "run", "--", *command)
    with subprocess.Popen(resolved(whole), cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            yield line.rstrip("\n")
    _check(whole, process.returncode)


def together(step: Callable[[S], T], things: Sequence[S]) -> list[T]:
    """Take a step with each of several things at once; the results are in the order of the things."""
    with ThreadPoolExecutor(len(things)) as threads:
        return list(threads.map(step, things))


def show(command: Sequence[str], shown: bool) -> None:
    if shown:
        print(f"$ {shlex.join(command)}", flush=True)


def resolved(command: Sequence[str]) -> list[str]:
    """Our own programs out of the environment this runs in, whether or not it is activated."""
    own = Path(sys.executable).with_name(command[0])
    return [str(own) if os.access(own, os.X_OK) else command[0], *command[1:]]


def _check(command: Sequence[str], code: int) -> None:
    if code:
        raise StepFailed(f"`{shlex.join(command)}` ended with exit code {code}", code)
