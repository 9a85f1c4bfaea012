"""Rendered requests: held to Microsoft's types by a second reader of them, and kept as golden files."""

from __future__ import annotations

import copy
import json
import os
import shlex
import subprocess
from typing import Any

import pytest

from dispatcher import naming
from dispatcher.backends import vendor_model
from dispatcher.backends.azureml import overrides, render
from dispatcher.backends.base import Operation, Request
from localcloud.azure import types
from tests.backends.azureml.cases import CASES, Case, golden_zone, queue
from tests.backends.cases import DIGEST, GOLDEN, train


def judged(operation: Operation) -> list[Any]:
    """Return what Microsoft's types have against an operation, as the local cloud reads them."""
    kind = types.find(TYPES[operation.operation])
    assert kind is not None
    return list(kind.check(dict(operation.body)))


REQUESTS = GOLDEN / "requests" / "azure"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
TYPES = {"PutEnvironmentVersion": f"{WORKSPACES}/environments/versions", "PutJob": f"{WORKSPACES}/jobs"}


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_what_its_golden_file_says(name: str) -> None:
    """`REWRITE_GOLDEN=1` writes the files anew; the difference is then read like code."""
    request = CASES[name].render()
    calls = [operation.as_json() for operation in request.operations]
    text = json.dumps({"requests": calls, "warnings": list(request.warnings)}, indent=1, ensure_ascii=False) + "\n"
    path = REQUESTS / f"{name}.json"
    if os.environ.get("REWRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_there_is_no_golden_file_without_its_case() -> None:
    assert {path.stem for path in REQUESTS.glob("*.json")} == set(CASES)


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_both_requests_are_what_microsofts_types_allow(name: str) -> None:
    for operation in CASES[name].render().operations:
        assert judged(operation) == []


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image", "x"),
        ("status", "Running"),
        ("limits.jobLimitsType", None),
        ("resources.instanceCount", "2"),
        ("distribution.distributionType", "Ray"),
        ("identity.clientId", "me"),
    ],
)
def test_the_judge_judges(path: str, value: object) -> None:
    body = copy.deepcopy(dict(CASES["two-nodes"].render().operations[1].body))
    *parents, name = ["properties", *path.split(".")]
    place: Any = body
    for key in parents:
        place = place[key]
    place[name] = value
    if value is None:
        del place[name]
    assert judged(Operation("PutJob", body))
    assert vendor_model.load(overrides.MODEL).check(body)


@pytest.mark.parametrize("name", CASES)
def test_the_environment_version_keeps_to_the_vendors_model(name: str) -> None:
    version = CASES[name].render().operations[0]
    assert vendor_model.load(render.ENVIRONMENT_MODEL).check(version.body) == []


def test_bodies_are_plain_json() -> None:
    for case in CASES.values():
        for operation in case.render().operations:
            assert json.loads(json.dumps(operation.body)) == operation.body


def test_two_operations_in_the_order_they_are_sent_each_with_its_resource() -> None:
    request = CASES["golden-zone"].render()
    environment, job = request.operations
    assert (environment.operation, job.operation) == ("PutEnvironmentVersion", "PutJob")
    assert job.path.endswith(f"/workspaces/azure-weu-1a2b3c/jobs/{request.name}")
    assert environment.path == job.body["properties"]["environmentId"]


def test_an_image_is_always_the_same_version_and_another_image_another() -> None:
    one, again, other = (
        Case(train(image=f"{name}@{DIGEST}", name=job)).render().operations[0]
        for name, job in (("train", "a"), ("train", "b"), ("eval", "a"))
    )
    assert one == again
    assert one.path != other.path


def test_the_digest_of_a_request_knows_where_it_is_sent() -> None:
    here, there = (Request("azure", "x", (Operation("PutJob", {}, f"/jobs/{name}"),)) for name in ("one", "two"))
    assert naming.request_digest(here) != naming.request_digest(there)


def test_both_spellings_of_an_override_make_the_same_request() -> None:
    snake, camel = ({"resources": {key: "8g"}} for key in ("shm_size", "shmSize"))
    one, other = (Case(train(), queue=queue(overrides={"properties": raw})).render() for raw in (snake, camel))
    assert one == other


def test_attempts_write_to_folders_of_their_own_and_share_their_checkpoints() -> None:
    first, second = (Case(train(checkpoint=True), attempt=attempt).fields()["outputs"] for attempt in (1, 2))
    assert first["output"] != second["output"]
    assert first["checkpoints"] == second["checkpoints"]
    assert first["checkpoints"]["mode"] == "ReadWriteMount"


def test_no_priority_is_sent() -> None:
    assert "priority" not in json.dumps(CASES["priority"].render().operations[1].body)


@pytest.mark.process
@pytest.mark.parametrize(
    "words",
    [
        ("python", "-c", "print('a  b')"),
        ("printf", "%s|", "it's", '"quoted"', "$HOME", "$(id)", "a\nb", "", "*", "~", "Žluťoučký 🐎", "\\"),
    ],
)
def test_a_shell_reads_the_words_of_the_job_and_its_mounts(words: tuple[str, ...]) -> None:
    command = Case(train(command=words, checkpoint=True)).fields()["command"]
    there = command.replace("${{outputs.output}}", "/mnt/o").replace("${{outputs.checkpoints}}", "/mnt/c")
    exports, _, program = there.partition(" && exec ")
    assert tuple(shlex.split(program)) == words
    shown = subprocess.run(
        ["sh", "-c", f"{exports} && exec sh -c 'echo $DISPATCH_OUTPUT_DIR $DISPATCH_CHECKPOINT_DIR'"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "/mnt/o /mnt/c\n"


def test_a_node_of_several_reads_its_rank_and_azure_ml_names_the_first() -> None:
    fields = CASES["two-nodes"].fields()
    assert 'DISPATCH_NODE_RANK="$NODE_RANK"' in fields["command"]
    assert not {"MASTER_ADDR", "MASTER_PORT", "DISPATCH_NODE_RANK"} & set(fields["environmentVariables"])
    assert fields["distribution"] == {"distributionType": "PyTorch", "processCountPerInstance": 1}
    alone = CASES["smallest"].fields()
    assert "distribution" not in alone
    assert alone["environmentVariables"]["DISPATCH_NODE_RANK"] == "0"


def test_the_job_is_the_zones_execution_identity_and_nobody_else() -> None:
    own = golden_zone().identities
    for case in CASES.values():
        identity = case.fields()["identity"]
        assert identity["identityType"] == "Managed"
        assert identity.get("clientId", own.execution_client_id) == own.execution_client_id
        assert identity.get("resourceId", own.execution) == own.execution
