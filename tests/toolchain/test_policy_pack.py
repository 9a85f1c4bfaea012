"""Policy packs: the engine starts them through the language host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.toolchain.project import VENV, Project

pytestmark = pytest.mark.engine

PACK = Path(__file__).with_name("policy_pack")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the pack, run in this virtual environment."""
    folder = tmp_path / "pack"
    shutil.copytree(PACK, folder)
    with (folder / "PulumiPolicy.yaml").open("a") as file:
        file.write(f"  options: {{virtualenv: {VENV}}}\n")
    return folder


def _component(project: Project, name: str) -> None:
    project.program(f"""
        import pulumi
        pulumi.ComponentResource("tiny:index:Thing", "{name}")
    """)


def test_a_policy_pack_refuses_what_its_rule_forbids(project: Project, pack: Path) -> None:
    _component(project, "forbidden")
    result = project.pulumi("preview", "--policy-pack", str(pack))
    assert result.code != 0
    assert "forbidden is not a name" in result.text
    assert "no-forbidden" in result.text


def test_a_policy_pack_lets_the_rest_pass_and_knows_the_stack(project: Project, pack: Path) -> None:
    _component(project, "allowed")
    result = project.up("--policy-pack", str(pack))
    assert result.code == 0, result.text
    assert "tiny-pack@v0.0.1" in result.text
    assert (pack / "policy-stack").read_text() == "dev True", "not started through the SDK"


def test_a_policy_pack_that_fails_to_start_says_why(project: Project, pack: Path) -> None:
    (pack / "__main__.py").write_text("raise RuntimeError('a broken pack')")
    result = project.pulumi("preview", "--policy-pack", str(pack))
    assert result.code != 0
    assert "a broken pack" in result.text
