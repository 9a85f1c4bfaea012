"""The extract of the vendor's model: the same as the installed botocore's, and as strict as the judge."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dispatcher.backends import vendor_model
from dispatcher.backends.sagemaker.render import MODEL
from tests.backends.cases import GOLDEN
from tests.backends.sagemaker.vendor_oracle import complaints
from tools.vendor_model import sagemaker


def body() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "requests" / "overrides.json").read_text())["body"]
    return found


@pytest.mark.oracle
def test_the_extract_is_what_the_installed_botocore_says() -> None:
    assert MODEL.read_text() == sagemaker.render()


@pytest.mark.oracle
def test_every_pattern_of_the_model_is_translated() -> None:
    for name, shape in sagemaker.extract()["shapes"].items():
        if "pattern" in shape:
            assert vendor_model.compiled(shape["pattern"]).groups >= 0, name
            assert shape["pattern"].count(r"\p{L}") == shape["pattern"].count(r"[\p{L}\p{Z}\p{N}_"), name


MISTAKES: list[tuple[str, Any]] = [
    ("TrainingJobName", "a" * 64),
    ("TrainingJobName", "-a"),
    ("TrainingJobName", "job_2!"),
    ("TrainingJobName", 7),
    ("RoleArn", "not-an-arn-at-all-000000000"),
    ("RoleArn", "arn:aws:iam::१२३४५६७८९०१२:role/x"),
    ("ResourceConfig.InstanceType", "ml.nope"),
    ("ResourceConfig.InstanceCount", -1),
    ("ResourceConfig.InstanceCount", "1"),
    ("ResourceConfig.InstanceCount", True),
    ("ResourceConfig.Instance", "x"),
    ("Environment", {"A": "x" * 513}),
    ("Environment", {"1A": "x"}),
    ("Environment", ["A"]),
    ("AlgorithmSpecification.ContainerEntrypoint", ["x" * 257]),
    ("AlgorithmSpecification.ContainerEntrypoint", []),
    ("AlgorithmSpecification.ContainerArguments", ["a\nb"]),
    ("AlgorithmSpecification.ContainerArguments", ["a\u2028b"]),
    ("AlgorithmSpecification.TrainingInputMode", "Fast"),
    ("AlgorithmSpecification", {"TrainingImage": "x"}),
    ("RetryStrategy", {"MaximumRetryAttempts": 31}),
    ("Tags", [{"Key": "a*", "Value": "1"}]),
    ("Tags", [{"Key": "a", "Value": "tab\there"}]),
    ("Tags", [{"Key": "a", "Value": "x"}] * 51),
    ("OutputDataConfig.S3OutputPath", "gs://x"),
    ("OutputDataConfig", None),
    ("EnableNetworkIsolation", "true"),
    ("VpcConfig", {"SecurityGroupIds": [], "Subnets": ["subnet-1"]}),
    ("MaxWaitTimeInSeconds", 1),
]


@pytest.mark.parametrize(("path", "value"), MISTAKES)
def test_a_mistake_is_found_at_its_path(path: str, value: Any) -> None:
    wrong = copy.deepcopy(body())
    *parents, last = path.split(".")
    place = wrong
    for parent in parents:
        place = place[parent]
    place[last] = value
    found = vendor_model.load(MODEL).check(wrong)
    assert found
    assert all(one.path.startswith(path.split("[")[0]) for one in found)


@pytest.mark.oracle
@pytest.mark.parametrize(("path", "value"), MISTAKES)
def test_the_judge_sees_the_same_mistakes(path: str, value: Any) -> None:
    wrong = copy.deepcopy(body())
    *parents, last = path.split(".")
    place = wrong
    for parent in parents:
        place = place[parent]
    place[last] = value
    assert complaints(wrong)


@pytest.mark.parametrize("value", ["Łódź", "日本", "a b", "x\u00a0y", "_.:/=+-@", "٣", "²", ""])
def test_a_tag_value_may_hold_letters_numbers_and_separators_of_any_script(value: str) -> None:
    right = body() | {"Tags": [{"Key": "k", "Value": value}]}
    assert vendor_model.load(MODEL).check(right) == []


def test_an_environment_value_may_hold_anything() -> None:
    right = body() | {"Environment": {"A": "\u00a0\u2028\x00\n\t🐎"}}
    assert vendor_model.load(MODEL).check(right) == []


def test_a_body_that_is_no_object_is_one_violation() -> None:
    (only,) = vendor_model.load(MODEL).check([])
    assert only.rule == "must be an object, is []"


def test_a_long_text_meets_no_pattern() -> None:
    """The vendor's name pattern backtracks; the length is checked first."""
    (only,) = vendor_model.load(MODEL).check(body() | {"TrainingJobName": "-" * 100_000})
    assert "has 100000 characters" in only.rule
