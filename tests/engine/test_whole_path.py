"""The whole path, once for every cloud: `pulumi up`, `dispatch sync`, and one job file that runs in each zone."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher import contract
from tests.engine.clients import blobs, client, listed
from tests.engine.ground import Ground, zones
from tests.engine.project import CHECKOUT, Project
from tools.demo.jobs import metric

pytestmark = pytest.mark.engine

EXAMPLE = CHECKOUT / "examples" / "train.yaml"
Dispatch = Callable[..., Any]


@pytest.fixture(scope="module")
def three(shared: Ground) -> Project:
    """Stack `local` with all its zones, up, and the example's image registered."""
    shared.cloud.images.add("train", CHECKOUT / "examples" / "program")
    project = shared.project("local")
    project.up()
    return project


@pytest.fixture(scope="module")
def dispatch(three: Project, tmp_path_factory: pytest.TempPathFactory) -> Dispatch:
    """Run `dispatch` on the synced zones as a process of its own; its JSON, or its text for other commands."""
    ledger = tmp_path_factory.mktemp("whole") / "ledger.db"
    environment = {**three.environment, "DISPATCH_LEDGER": str(ledger)}

    def run(*words: str) -> Any:
        command = [sys.executable, "-m", "dispatcher", *words]
        done = subprocess.run(
            command, cwd=three.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout) if "json" in words else done.stdout

    run("sync", "--stack", three.stack)
    return run


@pytest.fixture(scope="module")
def ended(three: Project, dispatch: Dispatch) -> dict[str, dict[str, Any]]:
    """The example, submitted to every zone before any of its jobs has ended; how each of them ended."""
    ids = {
        zone: dispatch("submit", str(EXAMPLE), "--queue", zone, "--output", "json")["id"] for zone in zones(three)
    }
    return {zone: dispatch("wait", id, "--output", "json") for zone, id in ids.items()}


def test_one_job_file_succeeds_in_the_zone_of_every_cloud(ended: dict[str, dict[str, Any]]) -> None:
    assert {job["cloud"]: job["state"] for job in ended.values()} == {
        "aws": "succeeded",
        "azure": "succeeded",
        "gcp": "succeeded",
    }
    assert len({job["job_digest"] for job in ended.values()}) == 1


def test_every_zone_holds_the_files_that_its_job_made(
    shared: Ground, three: Project, ended: dict[str, dict[str, Any]]
) -> None:
    for name, zone in zones(three).items():
        bucket = zone.buckets.output
        assert ended[name]["model_uri"].startswith(f"{bucket.uri}/")
        assert _objects(shared, zone, ended[name]["cloud_name"])


def test_what_the_jobs_made_can_be_fetched_from_all_and_is_the_same(
    dispatch: Dispatch, ended: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    found: dict[str, dict[str, bytes]] = {}
    for name, job in ended.items():
        dispatch("fetch", job["id"], str(tmp_path / name))
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        found[name] = {path.name: path.read_bytes() for path in files}
    first, *others = found.values()
    assert "model.json" in first
    assert all(other == first for other in others), "to the byte: the example's data comes from its seed"


def test_the_lines_of_all_jobs_are_the_program_s_own(dispatch: Dispatch, ended: dict[str, dict[str, Any]]) -> None:
    lines = {name: dispatch("logs", job["id"]).splitlines() for name, job in ended.items()}
    epochs = {name: [line for line in said if re.match(r"epoch ", line)] for name, said in lines.items()}
    assert all(epochs.values())
    assert len({tuple(said) for said in epochs.values()}) == 1, (
        "the same log, and in its last line the same metric"
    )
    assert len({metric(said) for said in lines.values()} - {"-"}) == 1, "which the demo shows"


def test_a_dry_run_of_the_same_file_is_a_request_of_each_cloud_s_own(dispatch: Dispatch, three: Project) -> None:
    words = "submit", str(EXAMPLE), "--dry-run", "--output", "json"
    plans = {zone: dispatch(*words, "--queue", zone) for zone in zones(three)}
    operations = {plan["cloud"]: [request["operation"] for request in plan["requests"]] for plan in plans.values()}
    assert operations == {
        "aws": ["CreateTrainingJob"],
        "azure": ["PutEnvironmentVersion", "PutJob"],
        "gcp": ["CreateCustomJob"],
    }


def test_a_job_reads_the_secret_that_a_person_put_into_its_zone(
    shared: Ground, three: Project, dispatch: Dispatch, tmp_path: Path
) -> None:
    """With the rights that the stack gives the execution identity, under the key that it made, and no others."""
    value = "v4lue-of-a-s3cret"
    (tmp_path / "read.py").write_text(
        "import hashlib, os\nprint(hashlib.sha256(os.environb[b'TOKEN']).hexdigest())"
    )
    shared.cloud.images.add("reads-a-secret", tmp_path)
    job = "image: reads-a-secret\nruntime: true\ncommand: [python, read.py]\nmax_runtime: 5m\n"
    (tmp_path / "job.yaml").write_text(job)
    schemes = {"aws": "aws-sm", "gcp": "gcp-sm", "azure": "azure-kv"}
    for name, zone in zones(three).items():
        _put(shared, zone, value)
        reference = f"secrets.TOKEN={schemes[zone.cloud]}://wandb-api-key"
        words = "submit", str(tmp_path / "job.yaml"), "--queue", name, "--set", reference, "--output", "json"
        id = dispatch(*words)["id"]
        assert dispatch("wait", id, "--output", "json")["state"] == "succeeded", dispatch("logs", id)
        assert dispatch("logs", id).split() == [hashlib.sha256(value.encode()).hexdigest()]


def _put(ground: Ground, zone: contract.Zone, value: str) -> None:
    """Put a value into a secret of a zone: on Azure it is made by that, elsewhere the stack has made it."""
    name = "wandb-api-key"
    if isinstance(zone, contract.AwsZone):
        store = client(ground.cloud, "secretsmanager", zone.region)
        store.put_secret_value(SecretId=f"{zone.secrets.store}/{name}", SecretString=value)
    elif isinstance(zone, contract.GcpZone):
        path = f"secretmanager/v1/projects/{zone.project}/secrets/{zone.secrets.store}-{name}:addVersion"
        data = base64.b64encode(value.encode()).decode()
        ground.cloud.google("POST", path, {"payload": {"data": data}})
    else:
        vault = zone.secrets.store.removeprefix("https://").partition(".")[0]
        ground.cloud.azure("PUT", f"vault/{vault}/secrets/{name}?api-version=7.4", {"value": value})


def _objects(ground: Ground, zone: contract.Zone, prefix: str) -> list[str]:
    """The names of the objects below a prefix of a zone's output bucket, asked of its cloud."""
    bucket = zone.buckets.output.name
    if isinstance(zone, contract.AwsZone):
        found = client(ground.cloud, "s3", zone.region).list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]
    if isinstance(zone, contract.AzureZone):
        account = str(zone.buckets.output.uri).removeprefix("https://").partition(".")[0]
        return blobs(ground.cloud, account, bucket, prefix)
    found = listed(ground.cloud, "storage", f"/storage/v1/b/{bucket}/o", "items", {"prefix": prefix})
    return [one["name"] for one in found]
