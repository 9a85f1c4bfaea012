"""Secrets of a job, without a network: what its command finds, and what is told when it does not start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dispatcher.runtime.secrets import SecretError, references
from tests.dispatcher.runtime.clouds import AWS, VALUE, aws, held, job, net


def test_the_command_finds_values_and_no_references() -> None:
    found = aws(held()).get(job("aws-sm://zone/hf", AWS, {"LOG_LEVEL": "info"}))
    assert found == {**AWS, "LOG_LEVEL": "info", "HF": VALUE}


@pytest.mark.process
def test_a_job_without_secrets_asks_nobody_and_loads_nothing() -> None:
    assert net({}).get({"A": "b"}) == {"A": "b"}
    script = (
        "import sys; before = set(sys.modules); from dispatcher.runtime import secrets; secrets.resolved({}); "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"json", "re", "ssl", "urllib.request", "http.client", "dataclasses"} & set(done.stdout.split())


def test_references_are_shown_by_the_name_of_their_value() -> None:
    assert references(job("aws-sm://zone/hf", {"PATH": "/bin"})) == {"HF": "aws-sm://zone/hf"}


def test_a_value_that_the_submitters_machine_gave_is_taken_as_it_is() -> None:
    assert net({}).get(job("env://MY_TOKEN", {"HF": "given"}))["HF"] == "given"
    assert net({}).get(job("env://MY_TOKEN", {"MY_TOKEN": "mine"}))["HF"] == "mine"


def test_every_secret_that_cannot_be_had_is_told_in_a_line_of_its_own() -> None:
    with pytest.raises(SecretError) as caught:
        net({}).get({"DISPATCH_SECRET_A": "vault://x", "DISPATCH_SECRET_B": "env://NOT_SET"})
    first, second = caught.value.lines
    assert first.startswith("secret A (vault://x): is not a reference to a secret")
    assert second == "secret B (env://NOT_SET): NOT_SET is not set where the job was started: export it there"
