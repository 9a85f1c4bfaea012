"""Secrets of a job, without a network: what its command finds, and what is told when it does not start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dispatcher.runtime.secrets import SecretError, references
from tests.dispatcher.runtime.clouds import AWS, MSI, VALUE, aws, azure, gcp, held, job, net, payload, said


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


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_end_that_an_editor_wrote_behind_a_value_is_taken_off(end: str) -> None:
    value = f"{VALUE}{end}"
    assert aws(held(value)).get(job("aws-sm://zone/hf", AWS))["HF"] == VALUE
    assert gcp(payload(value.encode())).get(job("gcp-sm://acme-ml/zone-hf"))["HF"] == VALUE
    vault = azure(said(200, {"value": value}))
    assert vault.get(job("azure-kv://vault/hf", MSI))["HF"] == VALUE
    assert aws(held(f"a{end}b{end}{end}")).get(job("aws-sm://zone/hf", AWS))["HF"] == f"a{end}b{end}", "one only"
    assert net({}).get(job("env://MINE", {"MINE": value}))["HF"] == value, "a shell's own variable is as it is"


def test_a_value_that_no_variable_can_hold_is_told_and_never_shown() -> None:
    line = aws(held(f"{VALUE}\ud800")).refuse(job("aws-sm://zone/hf", AWS))
    assert line.endswith("locale cannot write: set LC_ALL=C.UTF-8 in the image")


def test_a_value_that_the_submitters_machine_gave_is_taken_as_it_is() -> None:
    assert net({}).get(job("env://MY_TOKEN", {"HF": "given"}))["HF"] == "given"
    assert net({}).get(job("env://MY_TOKEN", {"MY_TOKEN": "mine"}))["HF"] == "mine"


def test_every_secret_that_cannot_be_had_is_told_in_a_line_of_its_own() -> None:
    with pytest.raises(SecretError) as caught:
        net({}).get({"DISPATCH_SECRET_A": "vault://x", "DISPATCH_SECRET_B": "env://NOT_SET"})
    first, second = caught.value.lines
    assert first.startswith("secret A (vault://x): is not a reference to a secret")
    assert second == "secret B (env://NOT_SET): NOT_SET is not set where the job was started: export it there"
