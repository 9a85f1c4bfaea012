"""Microsoft's own client reads back what we submitted, and sees the job that was meant."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.azureml import place
from dispatcher.backends.base import State
from dispatcher.job import Job, Resources
from tests.backends.azureml.landing import INSTANCE, AzureLanding
from tests.backends.conformance import until
from tools.azure_ai_ml import AZURE_AI_ML

pytestmark = pytest.mark.oracle

SCRIPT = Path(__file__).with_name("read_back.py")


def read_back(landing: AzureLanding, *names: str) -> list[dict[str, Any]]:
    """Jobs as azure-ai-ml understands them, with their logs. It takes seconds to load, so all at once."""
    zone = landing.zone
    done = subprocess.run(
        [AZURE_AI_ML.python(), SCRIPT, zone.subscription, zone.resource_group, zone.workspace, *names],
        env={**os.environ, "AZURE_CORE_COLLECT_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def on_a_cluster(job: Job) -> Job:
    """Everything a job can have on two nodes of a cluster."""
    return dataclasses.replace(
        job,
        resources=Resources(instance=INSTANCE, nodes=2),
        checkpoint=True,
        env={"LR": "0.1"},
        labels={"team": "vision"},
        inputs={"train-set": "https://acct.blob.core.windows.net/data/sets/one"},
    )


def on_spot(job: Job) -> Job:
    return dataclasses.replace(job, spot=True, checkpoint=True)


def test_jobs_are_read_back_as_they_were_meant_with_their_times_reasons_and_logs(
    azure_landing: AzureLanding,
) -> None:
    backend, zone = azure_landing.backend(), azure_landing.zone
    azure_landing.stage.put("data/sets/one/rows.csv", "1")
    several = azure_landing.request(
        backend,
        "import os",
        "print('rank', os.environ['DISPATCH_NODE_RANK'], os.listdir(os.environ['DISPATCH_INPUT_TRAIN_SET']))",
        job=on_a_cluster,
    )
    failing = azure_landing.request(
        azure_landing.backend(zone=azure_landing.serverless), "raise SystemExit(3)", job=on_spot
    )
    resource = backend.submit(several)
    backend.submit(failing)
    final, failed = until(backend, several.name), until(backend, failing.name)
    assert (final.state, failed.state) == (State.SUCCEEDED, State.FAILED), final.reason
    seen, other = read_back(azure_landing, several.name, failing.name)

    body = several.operations[1].body["properties"]
    assert resource.endswith(seen["name"])
    assert (seen["type"], seen["status"], seen["display_name"]) == ("command", "Completed", several.name)
    assert (seen["command"], seen["experiment_name"]) == (body["command"], "wire")
    assert seen["environment"] == f"dispatch:{several.operations[0].path.rpartition('/')[2]}"
    assert seen["image"] == several.operations[0].body["properties"]["image"]
    assert (seen["compute"], seen["instance_count"], seen["distribution"]) == ("cpu", 2, "pytorch")
    assert (seen["timeout"], seen["identity"]) == (60, "managed_identity")
    assert seen["environment_variables"] == body["environmentVariables"]
    assert seen["tags"] == body["tags"]
    assert seen["inputs"] == {"train_set": place.datastore_uri(zone, "data", "sets/one")}
    output = place.datastore_uri(zone, "output", f"{several.name}/")
    assert seen["outputs"]["output"] == ["uri_folder", "rw_mount", output]
    assert seen["outputs"]["checkpoints"][:2] == ["uri_folder", "rw_mount"]
    assert seen["studio"].startswith(final.links["console"])
    assert [time[:23] for time in seen["times"]] == [str(final.started_at)[:23], str(final.ended_at)[:23]]
    printed = [f"rank {rank} ['rows.csv']\n" for rank in range(2)]
    assert seen["logs"] == {f"user_logs/std_log_process_{rank}.txt": printed[rank] for rank in range(2)}

    assert (other["status"], other["error"]) == ("Failed", failed.reason)
    assert (other["compute"], other["instance_type"], other["job_tier"]) == (None, INSTANCE, "spot")
