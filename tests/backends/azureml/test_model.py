"""The extract of Microsoft's types: current, and as strict as a second reader of the whole of them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dispatcher.backends import vendor_model
from dispatcher.backends.azureml.overrides import MODEL
from dispatcher.backends.base import Operation
from tests.backends.azureml.test_requests import judged
from tests.backends.cases import GOLDEN
from tools.vendor_model import azure


def body() -> dict[str, Any]:
    document = json.loads((GOLDEN / "requests/azure/snake-case-overrides.json").read_text())
    found: dict[str, Any] = document["requests"][1]["body"]
    found["properties"]["inputs"] = {"x": {"jobInputType": "uri_folder", "uri": "azureml://x"}}
    return found


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the body with the value at `path` below `properties` replaced; None takes it out."""
    found = copy.deepcopy(body())
    place: Any = found
    *parents, name = f"properties.{path}".split(".")
    for key in parents:
        place = place[key]
    place[name] = value
    if value is None:
        del place[name]
    return found


@pytest.mark.parametrize("operation", azure.TARGETS)
def test_the_extract_is_what_microsofts_types_say(operation: str) -> None:
    assert azure.TARGETS[operation][0].read_text() == azure.render(operation)


MISTAKES: list[tuple[str, Any]] = [
    ("displayNam", "x"),
    ("displayName", 7),
    ("command", None),
    ("command", " "),
    ("environmentId", None),
    ("jobType", None),
    ("isArchived", "no"),
    ("tags", ["a"]),
    ("tags.a", 1),
    ("environmentVariables.A", 1),
    ("identity.identityType", "System"),
    ("identity.clientId", "0000"),
    ("limits.jobLimitsType", None),
    ("resources.instanceCount", "two"),
    ("resources.instanceCount", 1.5),
    ("resources.shmSize", "large"),
    ("resources.dockerArgsList", "--init"),
    ("distribution.distributionType", "Ray"),
    ("distribution.workerCount", 2),
    ("inputs.x.uri", None),
    ("inputs.x.jobInputType", "folder"),
    ("outputs.logs.jobOutputType", None),
    ("notificationSetting.emailOn", "JobFailed"),
    ("status", "Running"),
    ("parameters", {}),
]
"""What Microsoft's types refuse, and so must the extract."""


@pytest.mark.oracle
@pytest.mark.parametrize(("path", "value"), MISTAKES)
def test_what_the_types_refuse_the_extract_refuses(path: str, value: Any) -> None:
    wrong = changed(path, value)
    assert judged(Operation("PutJob", wrong))
    (violation, *_) = vendor_model.load(MODEL).check(wrong)
    assert violation.path.startswith(f"properties.{path}".rpartition(".")[0])


@pytest.mark.oracle
def test_what_the_types_allow_the_extract_allows() -> None:
    assert judged(Operation("PutJob", body())) == []
    assert vendor_model.load(MODEL).check(body()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resources.shmSize", "8gb"),
        ("queueSettings.jobTier", "Cheap"),
        ("outputs.logs.mode", "Mount"),
        ("notificationSetting.emailOn", ["JobDone"]),
        ("jobType", "Sweep"),
    ],
)
def test_the_extract_also_refuses_what_microsoft_leaves_open(path: str, value: Any) -> None:
    assert vendor_model.load(MODEL).check(changed(path, value))


def test_names_in_maps_are_not_fields_and_keep_their_spelling() -> None:
    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    given = {
        "tags": {"display_name": "x"},
        "environment_variables": {"job_type": "y"},
        "outputs": {"job_output_type": {"job_output_type": "uri_file"}},
        "identity": {"client_id": "z"},
    }
    assert vendor_model.load(MODEL).spelled({"properties": given}, camel) == {
        "properties": {
            "tags": {"display_name": "x"},
            "environmentVariables": {"job_type": "y"},
            "outputs": {"job_output_type": {"jobOutputType": "uri_file"}},
            "identity": {"clientId": "z"},
        }
    }
