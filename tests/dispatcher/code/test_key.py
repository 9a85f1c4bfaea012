"""The key `code` of a job file: which folder it means, and what it does not go with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.documents import job_file
from dispatcher.documents.changes import Changes
from dispatcher.errors import SpecError
from dispatcher.job import Code

CODED = "image: a\nruntime: true\ncode: ./src\n"


def test_a_folder_lies_beside_the_job_file_and_one_that_the_command_line_names_beside_the_person() -> None:
    assert job_file.parse("jobs/train.yaml", CODED).code == Code(str(Path("jobs/src")))
    changed = job_file.parse("jobs/train.yaml", CODED, Changes(sets=["code=src"]))
    assert changed.code == Code("src")


@pytest.mark.parametrize(
    ("text", "path", "rule"),
    [
        ("image: a\ncode: s3://bucket/src\n", "code", "not a folder of this machine"),
        ("image: a\ncode: [src]\n", "code", "must be a text"),
        ("image: a\ninputs: {dispatch-code: s3://b/x}\n", "inputs.dispatch-code", "the job's code is mounted as"),
        ("image: a\ninputs: {dispatch_code: s3://b/x}\n", "inputs.dispatch_code", "the job's code is mounted as"),
        (f"{CODED}inputs: {{{', '.join(f'i{n}: s3://b/x' for n in range(20))}}}\n", "inputs", "is an input too"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_named(text: str, path: str, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        job_file.parse("job.yaml", text)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert rule in problem.rule
