"""The extract of Google's model: the same as the installed protos, and as strict as their own reader."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from google.protobuf import json_format

from dispatcher.backends import vendor_model
from dispatcher.backends.vertex.overrides import MODEL
from tests.backends.cases import GOLDEN
from tests.backends.vertex.test_requests import strictly
from tools.vendor_model import vertex


def body() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "requests/gcp/snake-case-overrides.json").read_text())["body"]
    return found


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the body with the value at `path` replaced; numbers in a path are places in lists."""
    found = copy.deepcopy(body())
    place: Any = found
    *parents, name = path.split(".")
    for key in parents:
        place = place[int(key)] if key.isdigit() else place[key]
    place[name] = value
    return found


@pytest.mark.oracle
def test_the_extract_is_what_the_installed_protos_say() -> None:
    assert MODEL.read_text() == vertex.render()


@pytest.mark.oracle
def test_every_limit_in_prose_is_still_what_the_prose_says() -> None:
    prose = vertex.prose()
    names = {key: text for (owner, field), text in prose.items() for key in [(owner, vertex_json(field))]}
    for rule in vertex.LIMITS:
        if not rule.says.startswith("guide:"):
            said = names[rule.owner, rule.field].replace("`", "")
            assert rule.says.replace("`", "") in said, (rule.owner, rule.field, said)


def vertex_json(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


SPEC = "jobSpec.workerPoolSpecs.0"
MISTAKES: list[tuple[str, Any]] = [
    ("displayNam", "x"),
    ("displayName", 7),
    ("jobSpec.scheduling.timeout", "3600"),
    ("jobSpec.scheduling.timeout", 3600),
    ("jobSpec.scheduling.strategy", "SPOTTY"),
    ("jobSpec.scheduling.disableRetries", "true"),
    ("jobSpec.workerPoolSpecs", {}),
    (f"{SPEC}.replicaCount", "one"),
    (f"{SPEC}.machineSpec.acceleratorType", "NVIDIA_TESLA_A100_80GB"),
    (f"{SPEC}.machineSpec.acceleratorCount", "x"),
    (f"{SPEC}.machine", {}),
    (f"{SPEC}.containerSpec.env", {"A": "1"}),
    (f"{SPEC}.containerSpec.command", "python"),
    (f"{SPEC}.containerSpec.env.0.valu", "x"),
    ("labels", ["a"]),
    ("labels.a", 1),
    ("encryptionSpec", "key"),
]
"""What the protos' own reader refuses, and so must the extract."""

STRICTER: list[tuple[str, Any]] = [
    ("displayName", "x" * 129),
    ("labels", {f"k{n}": "" for n in range(65)}),
    ("labels.Team", "x"),
    ("labels.team", "x" * 64),
    (f"{SPEC}.containerSpec.env", [{"name": f"A{n}", "value": ""} for n in range(101)]),
    (f"{SPEC}.containerSpec.env.0.name", "1A"),
    (f"{SPEC}.diskSpec.bootDiskType", "pd-balanced"),
    (f"{SPEC}.diskSpec.bootDiskSizeGb", 64_001),
    (f"{SPEC}.containerSpec", {"command": []}),
    (f"{SPEC}.pythonPackageSpec", {"executorImageUri": "x", "packageUris": [], "pythonModule": "x"}),
    (f"{SPEC}.replicaCount", 1),
    ("name", "projects/p/locations/l/customJobs/1"),
    ("state", "JOB_STATE_RUNNING"),
    ("createTime", "2026-01-01T00:00:00Z"),
    ("jobSpec.scheduling.timeout", "-1s"),
    ("jobSpec.scheduling.strategy", 4),
    ("jobSpec.network", "projects/name/global/networks/x"),
    ("jobSpec.baseOutputDirectory", {}),
]
"""What only the service would refuse, or what is not this API's own form, and the extract refuses already."""


@pytest.mark.oracle
@pytest.mark.parametrize(("path", "value"), MISTAKES)
def test_what_the_protos_refuse_the_extract_refuses(path: str, value: Any) -> None:
    wrong = changed(path, value)
    with pytest.raises(json_format.ParseError):
        strictly(wrong)
    assert vendor_model.load(MODEL).check(wrong)


@pytest.mark.parametrize(("path", "value"), STRICTER)
def test_the_extract_knows_what_the_protos_say_in_prose_only(path: str, value: Any) -> None:
    assert vendor_model.load(MODEL).check(body()) == []
    (violation, *_) = vendor_model.load(MODEL).check(changed(path, value))
    assert violation.path.replace("[", ".").replace("]", "").startswith(path.rpartition(".")[0])


def test_names_in_maps_are_not_fields_and_keep_their_spelling() -> None:
    model = vendor_model.load(MODEL)
    given = {"labels": {"job_spec": "x", "display_name": "y"}, "display_name": "z"}
    assert model.spelled(given, vertex_json) == {"labels": given["labels"], "displayName": "z"}
