"""Rendered requests: read as strictly as the vendor reads them, and kept as golden files."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from google.protobuf import json_format

from dispatcher.backends.vertex import protos
from tests.backends.cases import GOLDEN, train
from tests.backends.vertex.cases import CASES, Case, queue

REQUESTS = GOLDEN / "requests" / "gcp"


def strictly(body: dict[str, Any]) -> Any:
    """Return the body as the installed CustomJob proto; an unknown field, enum or duration raises."""
    message = protos.load("custom_job").CustomJob.pb()()
    return json_format.ParseDict(body, message, ignore_unknown_fields=False)


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_what_its_golden_file_says(name: str) -> None:
    """`REWRITE_GOLDEN=1` writes the files anew; the difference is then read like code."""
    request = CASES[name].render()
    (operation,) = request.operations
    document = {"operation": operation.operation, "body": operation.body, "warnings": list(request.warnings)}
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    path = REQUESTS / f"{name}.json"
    if os.environ.get("REWRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_there_is_no_golden_file_without_its_case() -> None:
    assert {path.stem for path in REQUESTS.glob("*.json")} == set(CASES)


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_a_request_reads_strictly_into_the_proto_and_comes_out_the_same(name: str) -> None:
    body = dict(CASES[name].render().operations[0].body)
    assert json_format.MessageToDict(strictly(body)) == without_defaults(body)


def without_defaults(value: Any) -> Any:
    """Return JSON without what proto3 leaves out: empty texts, lists and objects, zero and false."""
    if isinstance(value, dict):
        return {key: without_defaults(item) for key, item in value.items() if item not in ("", [], {}, 0, False)}
    return [without_defaults(item) for item in value] if isinstance(value, list) else value


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("jobSpec.workerPool", []),
        ("jobSpec.scheduling.timeout", "3600"),
        ("jobSpec.scheduling.strategy", "SPOTTY"),
        ("jobSpec.workerPoolSpecs.0.machineSpec.acceleratorType", "NVIDIA_A100"),
        ("jobSpec.workerPoolSpecs.0.replicaCount", "one"),
    ],
)
def test_the_judge_judges(path: str, value: object) -> None:
    body = json.loads(json.dumps(CASES["flex-start"].render().operations[0].body))
    *parents, name = path.split(".")
    place = body
    for key in parents:
        place = place[int(key)] if key.isdigit() else place[key]
    place[name] = value
    with pytest.raises(json_format.ParseError):
        strictly(body)


@pytest.mark.parametrize("name", CASES)
def test_every_pool_has_the_whole_environment_and_the_first_has_one_replica(name: str) -> None:
    pools = CASES[name].render().operations[0].body["jobSpec"]["workerPoolSpecs"]
    names = [{item["name"] for item in pool["containerSpec"]["env"]} - {"DISPATCH_NODE_RANK"} for pool in pools]
    assert all(found == names[0] for found in names)
    assert pools[0]["replicaCount"] == "1"
    assert sum(int(pool["replicaCount"]) for pool in pools) == CASES[name].job.resources.nodes
    assert all(isinstance(pool["replicaCount"], str) for pool in pools)


def test_rendering_twice_gives_the_same_request() -> None:
    case = CASES["snake-case-overrides"]
    assert case.render() == case.render()


def test_the_request_survives_json_unchanged() -> None:
    for case in CASES.values():
        body = case.render().operations[0].body
        assert json.loads(json.dumps(body)) == body


def test_both_spellings_of_an_override_make_the_same_request() -> None:
    snake = {"job_spec": {"scheduling": {"restart_job_on_worker_restart": True}}}
    camel = {"jobSpec": {"scheduling": {"restartJobOnWorkerRestart": True}}}
    one, other = (Case(train(), queue=queue(overrides=overrides)).render() for overrides in (snake, camel))
    assert one == other


def test_a_pod_says_how_many_machines_it_takes_and_other_jobs_have_their_nodes() -> None:
    assert CASES["tpu-pod"].render().machines == 4
    assert CASES["tpu"].render().machines == 1
    assert CASES["two-nodes"].render().machines is None
