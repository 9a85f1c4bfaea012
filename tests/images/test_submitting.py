"""The whole way of an image: built by a real buildah, pushed to a real registry, submitted by digest, and run."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.contract import Contract, as_json
from dispatcher.images.transport import ENDPOINT
from tests.backends.sagemaker.landing import Landing, landed
from tests.images.conftest import Hub

__all__ = ["landed"]
pytestmark = pytest.mark.images

PROGRAM = "import os\nprint('image says', open('model.txt').read().strip())\n"


def test_what_dispatch_build_pushed_is_what_the_training_job_is_created_with_and_runs(
    landed: Landing, hub: Hub, recipe: Callable[..., Path], tmp_path: Path
) -> None:
    folder = recipe('ENTRYPOINT ["python", "train.py"]')
    (folder / "train.py").write_text(PROGRAM)
    repository = landed.zone.registry.url.partition("/")[2]
    landed.cloud.images.add(repository, folder)  # nothing is pulled: the folder is the image's content
    contract = Contract(1, "2026-11-21T08:00:00Z", "wire", "gdpr", {"wire-zone": dataclasses.replace(landed.zone)})
    (tmp_path / "outputs.json").write_text(json.dumps({"contract": as_json(contract)}))
    (tmp_path / "q.yaml").write_text("queues: [{name: wire, zone: wire-zone}]")
    (tmp_path / "job.yaml").write_text(
        "image: train\ncommand: [python, -u, train.py]\nresources: {instance: ml.m5.large}\nmax_runtime: 5m\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DISPATCH_"))}
    environment = {
        **kept,
        **landed.cloud.environment,
        **{name: hub.programs[name] for name in hub.programs if hub.programs[name] != os.environ.get(name)},
        ENDPOINT: hub.address,
        "DISPATCH_LEDGER": str(tmp_path / "ledger.db"),
        "USER": "ada",
    }

    def dispatch(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dispatcher", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    assert dispatch("sync", "--outputs", "outputs.json", "--queues", "q.yaml").returncode == 0
    refused = dispatch("submit", "job.yaml", "--dry-run")
    assert refused.returncode == 3
    assert "has no digest" in refused.stderr, "gdpr takes nothing that can be moved"
    built = dispatch("build", "train", "--push")
    assert built.returncode == 0, built.stderr
    reference = built.stdout.strip()
    assert reference.startswith(f"{landed.zone.registry.url}@sha256:")
    done = dispatch("submit", "job.yaml", "--wait", "--follow")
    assert done.returncode == 0, done.stderr
    assert "image says of train" in done.stdout
    (call,) = landed.cloud.requests("sagemaker", "CreateTrainingJob")
    assert call["body"]["AlgorithmSpecification"]["TrainingImage"] == reference
    host, _, name = landed.zone.registry.url.partition("/")
    assert f"GET /v2/{host}/{name}/manifests/{reference.partition('@')[2]}" in hub.rules.calls, "it was asked"
