"""Rendered requests: judged by botocore's full model, and kept as golden files."""

from __future__ import annotations

import json
import os

import pytest

from dispatcher.backends.sagemaker.render import render
from tests.backends.cases import GOLDEN
from tests.backends.sagemaker.cases import CASES
from tests.backends.sagemaker.vendor_oracle import complaints

REQUESTS = GOLDEN / "requests"


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_what_its_golden_file_says(name: str) -> None:
    """`REWRITE_GOLDEN=1` writes the files anew; the difference is then read like code."""
    case = CASES[name]
    request = render(case.job, case.queue, case.submission, case.context)
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
def test_a_request_passes_every_constraint_of_the_vendor_model(name: str) -> None:
    case = CASES[name]
    request = render(case.job, case.queue, case.submission, case.context)
    assert complaints(dict(request.operations[0].body)) == []


def test_rendering_twice_gives_the_same_request() -> None:
    case = CASES["overrides"]
    first = render(case.job, case.queue, case.submission, case.context)
    assert first == render(case.job, case.queue, case.submission, case.context)


def test_the_request_survives_json_unchanged() -> None:
    for case in CASES.values():
        body = render(case.job, case.queue, case.submission, case.context).operations[0].body
        assert json.loads(json.dumps(body)) == body
