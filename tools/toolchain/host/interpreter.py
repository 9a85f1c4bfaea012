"""Which Python runs the program: the `virtualenv` of Pulumi.yaml, or the one on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OFFICIAL = "the official Pulumi command line does; put it on PATH and run `make setup` again"


class HostError(Exception):
    """The program cannot be started; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python to run programs with; `virtualenv` is its environment's folder, None outside of one."""

    executable: Path
    virtualenv: Path | None

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` with this interpreter's virtual environment activated, as its own script would."""
        result = dict(base)
        if self.virtualenv is not None:
            result.pop("PYTHONHOME", None)
            result["VIRTUAL_ENV"] = str(self.virtualenv)
            result["PATH"] = os.pathsep.join(filter(None, [str(self.executable.parent), base.get("PATH", "")]))
        return result

    def site_packages(self) -> list[Path]:
        """Return the folders its packages are installed in."""
        if self.virtualenv is not None:
            return sorted(self.virtualenv.glob("lib*/python3*/site-packages"))
        question = "import site, sys; print('\\n'.join(filter(None, [*site.getsitepackages(), *sys.path[1:]])))"
        answer = subprocess.run([self.executable, "-c", question], capture_output=True, text=True, check=False)
        return [path for line in answer.stdout.splitlines() if (path := Path(line)).is_dir()]

    def version(self) -> str:
        """Return its version, such as `3.11.7`."""
        if self.executable.resolve() == Path(sys.executable).resolve():
            return "{}.{}.{}".format(*sys.version_info[:3])
        question = "import platform; print(platform.python_version())"
        answer = subprocess.run([self.executable, "-c", question], capture_output=True, text=True, check=False)
        return answer.stdout.strip()


def find(root: Path, options: Mapping[str, Any], environment: Mapping[str, str]) -> Interpreter:
    """Return the interpreter that `runtime.options` of a Pulumi.yaml in `root` asks for.

    `virtualenv` may be relative to `root`. Without it, PULUMI_PYTHON_CMD or the first Python on PATH is
    used, as by Pulumi's own host. Raises HostError for an option this host does not implement, rather
    than to ignore it, and when the environment is not there.
    """
    toolchain = options.get("toolchain", "pip")
    if toolchain not in ("pip", "uv"):
        raise HostError(f"runtime.options.toolchain: this language host does not run {toolchain!r}; {_OFFICIAL}")
    if checker := options.get("typechecker"):
        raise HostError(f"runtime.options.typechecker: this language host does not run {checker!r}; {_OFFICIAL}")
    named = options.get("virtualenv") or (".venv" if toolchain == "uv" else None)
    if not named:
        return _on_path(environment)
    folder = root / str(named)
    python = folder / "bin" / "python"
    if not python.exists():
        state = "is not a virtual environment" if folder.is_dir() else "does not exist"
        raise HostError(
            f"runtime.options.virtualenv of {root} is {named!r}, but {folder} {state}; create it with "
            f"`make setup` where there is a Makefile, else with `python3 -m venv {folder}` "
            f"and `{python} -m pip install -r requirements.txt`"
        )
    return Interpreter(python, folder)


def _on_path(environment: Mapping[str, str]) -> Interpreter:
    named = environment.get("PULUMI_PYTHON_CMD")
    for name in [named] if named else ["python3", "python"]:
        if found := shutil.which(name, path=environment.get("PATH")):
            executable = Path(found)
            home = executable.parent.parent
            return Interpreter(executable, home if (home / "pyvenv.cfg").exists() else None)
    raise HostError(f"{named or 'python3'} is not on PATH; name an interpreter in PULUMI_PYTHON_CMD")
