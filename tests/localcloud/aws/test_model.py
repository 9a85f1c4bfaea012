"""The vendor's model as a judge, and the words of its refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.sagemaker import model
from localcloud.aws.sagemaker.errors import ServiceError
from localcloud.aws.sagemaker.service import _LISTS, _OPERATIONS

TAG = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        (TAG, "größe 日本 ²_x", True),
        (TAG, "a\tb", False),
        (TAG, "a*", False),
        (NAME, "a--b", True),
        (NAME, "a-", False),
        (NAME, "é", False),
        (".*", "one line", True),
        (".*", "two\rlines", False),
        (".*", "two\nlines", False),
        (r"[\S\s]*", "two\nlines", True),
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern: str, value: str, fits: bool) -> None:
    assert model.matches(pattern, value) is fits


def test_every_pattern_of_our_operations_is_understood() -> None:
    seen: set[str] = set()

    def walk(shape: object, depth: int = 0) -> None:
        name = shape.name  # type: ignore[attr-defined]  # botocore's shapes are untyped
        if name in seen:
            return
        seen.add(name)
        if pattern := shape.metadata.get("pattern"):  # type: ignore[attr-defined]  # the same
            assert "\\p{" not in model._compiled(pattern).pattern
        kind = shape.type_name  # type: ignore[attr-defined]  # the same
        inner = {"structure": lambda: shape.members.values(), "list": lambda: [shape.member]}  # type: ignore[attr-defined]
        inner["map"] = lambda: [shape.key, shape.value]  # type: ignore[attr-defined]  # the same
        for child in inner.get(kind, lambda: [])():
            walk(child)

    for operation in (*_OPERATIONS, *_LISTS):
        walk(model.service().operation_model(operation).input_shape)
    assert len(seen) > 100


@given(st.text(max_size=70))
def test_a_job_name_is_taken_exactly_when_the_rule_says_so(name: str) -> None:
    ascii_ = all(c.isascii() and (c.isalnum() or c == "-") for c in name)
    right = ascii_ and 0 < len(name) <= 63 and name[0] != "-" and name[-1] != "-"
    if right:
        model.check("DescribeTrainingJob", {"TrainingJobName": name})
    else:
        with pytest.raises(ServiceError, match="ValidationException"):
            model.check("DescribeTrainingJob", {"TrainingJobName": name})


def test_the_words_of_a_refusal_are_the_services() -> None:
    with pytest.raises(ServiceError) as caught:
        model.check("ListTrainingJobs", {"MaxResults": 101, "SortBy": "Color"})
    assert caught.value.message == (
        "2 validation errors detected: "
        "Value '101' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 100; "
        "Value 'Color' at 'sortBy' failed to satisfy constraint: Member must satisfy enum value set: "
        "[Name, CreationTime, Status]"
    )


@pytest.mark.parametrize(
    "document",
    [[], {"MaxResults": "10"}, {"MaxResults": True}, {"NameContains": 1}, {"Color": "red"}],
)
def test_what_cannot_be_read_is_a_serialization_error(document: object) -> None:
    with pytest.raises(ServiceError) as caught:
        model.check("ListTrainingJobs", document)
    assert caught.value.code == "SerializationException"
