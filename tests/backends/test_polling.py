"""What asking about many jobs costs: one list call for a hundred, and a bounded search among strangers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dispatcher.backends.azureml import backend as azureml
from dispatcher.backends.azureml.backend import AzureMLBackend
from dispatcher.backends.sagemaker.backend import SagemakerBackend
from dispatcher.backends.vertex.backend import LONGEST, filters
from tests.backends.azureml import cases as azure
from tests.backends.sagemaker import cases as aws

NAMES = [f"train-model-{number:08d}-1" for number in range(1000)]


class Listing:
    """A SageMaker that lists what runs, ours and others', a hundred to a page."""

    def __init__(self, names: list[str]) -> None:
        self.names, self.calls = names, 0

    def list_training_jobs(self, **asked: Any) -> Mapping[str, Any]:
        self.calls += 1
        start = int(asked.get("NextToken", 0))
        page = [{"TrainingJobName": name} for name in self.names[start : start + 100]]
        more = {"NextToken": str(start + 100)} if start + 100 < len(self.names) else {}
        return {"TrainingJobSummaries": page, **more}


@pytest.mark.parametrize(
    ("listed", "wanted", "calls"),
    [
        (NAMES, NAMES, 10),
        ([f"other-{n}" if n % 2 else NAMES[n // 2] for n in range(2000)], NAMES, 20),
        ([f"other-{n}" for n in range(5000)] + NAMES[:5], NAMES[:5], 3),
    ],
)
def test_sagemaker_s_list_is_read_on_for_as_long_as_it_shows_jobs_of_ours(
    monkeypatch: pytest.MonkeyPatch, listed: list[str], wanted: list[str], calls: int
) -> None:
    backend, client = SagemakerBackend(aws.open_zone(), user="ada"), Listing(listed)
    monkeypatch.setattr(backend, "_sagemaker", lambda: client)
    found = backend._in_progress(set(wanted))
    assert client.calls == calls
    assert set(found) == set(wanted) & set(listed[: calls * 100])


def test_vertex_is_asked_for_a_hundred_names_at_once_as_long_as_they_fit_into_an_address() -> None:
    asked = list(filters(NAMES))
    assert len(asked) == 10
    assert [text.count("labels.dispatch-name") for text in asked] == [100] * 10
    long = [f"{'x' * 50}-{number:08d}-1" for number in range(150)]
    assert [text.count("labels.") for text in filters(long)] == [68, 68, 14]
    assert all(len(text) <= LONGEST for text in filters(long))
    assert list(filters([])) == []


OTHERS = [f"other-{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("pages", "wanted", "lists", "gets"),
    [
        ([NAMES[:100], NAMES[100:200], NAMES[200:300]], NAMES[:300], 3, 0),
        ([OTHERS, NAMES[:100], OTHERS, NAMES[100:200], OTHERS, NAMES[200:300]], NAMES[:300], 6, 0),
        ([OTHERS] * 100, NAMES[:20], azureml.PAGES, 20),
    ],
)
def test_azure_s_list_is_read_on_for_as_long_as_it_shows_jobs_of_ours(
    monkeypatch: pytest.MonkeyPatch, pages: list[list[str]], wanted: list[str], lists: int, gets: int
) -> None:
    listed, asked = list[int](), list[str]()

    def listing() -> Iterator[list[dict[str, str]]]:
        for page in pages:
            listed.append(len(page))
            yield [{"name": name} for name in page]

    def job(name: str) -> dict[str, str]:
        asked.append(name)
        return {"name": name}

    backend = AzureMLBackend(azure.open_zone(), user="ada")
    monkeypatch.setattr(backend, "_pages", listing)
    monkeypatch.setattr(backend, "_job", job)
    assert list(backend._jobs(wanted)) == wanted
    assert (len(listed), len(asked)) == (lists, gets)
