"""Checkov run over what a stack declares: which of its checks passed and failed on which resource."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.checkov import CHECKOV


@dataclass(frozen=True)
class Verdict:
    """`{check id: addresses of resources}`: a check that found nothing to look at is in neither."""

    passed: Mapping[str, frozenset[str]]
    failed: Mapping[str, frozenset[str]]
    names: Mapping[str, str]

    @property
    def checks(self) -> set[str]:
        """Every check that had something to say."""
        return set(self.passed) | set(self.failed)


def judge(document: Mapping[str, Any], folder: Path) -> Verdict:
    """What Checkov says about these resources. `folder` is new, and holds what it reads and nothing else."""
    folder.mkdir()
    framework, name = ("arm", "template.json") if "$schema" in document else ("terraform_json", "cdk.tf.json")
    file = folder / name
    file.write_text(json.dumps(document, indent=1))
    command = [str(CHECKOV.python()), "-m", "checkov.main", "--file", str(file), "--framework", framework]
    done = subprocess.run(
        [*command, "--output", "json", "--compact", "--skip-download", "--soft-fail"],
        # Nothing of the user's own settings of Checkov, which it looks for in the home and the current folder.
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LOG_LEVEL": "ERROR"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    report = json.loads(done.stdout)
    assert isinstance(report, dict), report
    assert report["summary"]["parsing_errors"] == 0, report["results"]["parsing_errors"]
    results = report["results"]
    names = {
        one["check_id"]: one["check_name"] for side in ("passed", "failed") for one in results[f"{side}_checks"]
    }
    return Verdict(_sorted(results["passed_checks"]), _sorted(results["failed_checks"]), names)


def _sorted(found: list[dict[str, Any]]) -> dict[str, frozenset[str]]:
    sides: dict[str, set[str]] = {}
    for one in found:
        sides.setdefault(one["check_id"], set()).add(one["resource"])
    return {check: frozenset(resources) for check, resources in sides.items()}
