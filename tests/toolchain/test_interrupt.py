"""Ctrl-C, and engines and programs that do not end by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.toolchain.project import Project
from tools.toolchain.host.child import Children

pytestmark = pytest.mark.engine

SLOW = """
    import os, pathlib, time
    pathlib.Path("pid.part").write_text(str(os.getpid()))
    os.rename("pid.part", "pid")
    try:
        time.sleep(60)
    finally:
        pathlib.Path("cleaned").touch()
        print("cleaned up")
"""


def _until(there: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if there.exists():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    raise AssertionError(f"{there.name} did not appear")


def _gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_an_interrupted_update_lets_the_program_clean_up_and_frees_the_stack(project: Project) -> None:
    project.program(SLOW)
    process = project.start("up", "--yes", "--skip-preview")
    _until(project.folder / "pid", process)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "update canceled" in text
    assert "cleaned up" in text
    assert "Traceback" not in text
    assert (project.folder / "cleaned").exists()
    project.program("import pulumi; pulumi.export('ok', True)")
    result = project.up()
    assert result.code == 0, f"the stack is still locked or broken: {result.text}"


def test_a_program_that_waits_in_its_event_loop_is_interrupted_too(project: Project) -> None:
    project.program("""
        import asyncio, os, pathlib, pulumi
        async def never():
            pathlib.Path("pid").write_text(str(os.getpid()))
            await asyncio.sleep(60)
        pulumi.export("never", pulumi.Output.from_input(never()))
    """)
    process = project.start("up", "--yes", "--skip-preview")
    _until(project.folder / "pid", process)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    assert "update canceled" in text
    assert "Traceback" not in text


def test_a_program_ends_with_an_engine_that_was_killed(project: Project) -> None:
    project.program(SLOW)
    process = project.start("up", "--yes", "--skip-preview")
    _until(project.folder / "pid", process)
    process.kill()
    assert _gone(int((project.folder / "pid").read_text())), "the program outlives the engine"
    process.communicate()


def test_a_child_that_ignores_the_interrupt_is_killed_with_its_own_children(tmp_path: Path) -> None:
    stubborn = (
        "import pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path('pid.part').write_text(str(child.pid))\n"
        "pathlib.Path('pid.part').rename('pid')\n"
        "time.sleep(60)\n"
    )
    children = Children(grace=0.2)
    process = children.start([sys.executable, "-c", stubborn], environment=os.environ, directory=str(tmp_path))
    while not (tmp_path / "pid").exists():
        time.sleep(0.02)
    children.stop_all()
    assert process.returncode == -signal.SIGKILL
    assert _gone(int((tmp_path / "pid").read_text()))
    with pytest.raises(InterruptedError):
        children.start([sys.executable, "-c", ""], environment=os.environ)
