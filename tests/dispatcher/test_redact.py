"""Secrets do not pass: by shape, by name, by being this process's own; references and ordinary texts do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import redact, secretlike
from tests.dispatcher.secrets_strategies import ALNUM, NAMES, PRIVATE_KEYS, SHAPED, VALUES

PROSE = st.text(" abcdefghij\n,;()", max_size=30)


@given(PROSE, SHAPED | PRIVATE_KEYS, PROSE)
def test_a_known_shape_never_passes_wherever_it_stands(before: str, secret: str, after: str) -> None:
    cleaned = redact.redact(f"{before} {secret} {after}")
    assert secret not in cleaned
    assert redact.MASK in cleaned


@given(
    NAMES, VALUES, st.sampled_from(["{n}={v}", '{n}="{v}"', "{n}: {v}", '"{n}": "{v}"', "--{n} {v}", "--{n}={v}"])
)
def test_a_value_under_a_secret_name_never_passes_however_it_is_assigned(name: str, value: str, form: str) -> None:
    text = form.format(n=name, v=value)
    assert value not in redact.redact(f"failed with {text} in it")


@given(NAMES, VALUES)
def test_the_same_holds_in_documents_and_in_lists_of_name_and_value(name: str, value: str) -> None:
    document = {
        "env": {name: value},
        "list": [{"name": name, "value": value}],
        "deep": [[{"x": f"{name}={value}"}]],
    }
    assert value not in json.dumps(redact.redact_document(document), ensure_ascii=False).replace("\\", "")


@given(st.text(ALNUM + "/+=", min_size=12, max_size=40), PROSE)
def test_this_process_s_own_secrets_are_taken_out_of_any_text(secret: str, around: str) -> None:
    known = secretlike.known_secrets({"AWS_SECRET_ACCESS_KEY": secret, "PATH": "/usr/bin:/usr/local/bin"})
    if known:
        assert secret not in redact.redact(f"{around}{secret}{around}", known)


@given(NAMES, VALUES)
def test_what_passes_the_job_file_passes_the_redactor_unchanged_and_the_other_way_round(
    name: str, value: str
) -> None:
    accepted = secretlike.suspicion(name, value) is None
    assert (redact.redact_document({name: value}) == {name: value}) == accepted


@given(NAMES, VALUES)
def test_redacting_twice_is_redacting_once(name: str, value: str) -> None:
    once = redact.redact(f"{name}={value} https://u:{value}@h {value}")
    assert redact.redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "secrets: {WANDB_API_KEY: aws-sm://wandb}",
        "TOKENIZERS_PARALLELISM=false MAX_TOKENS=512",
        "image sha256:" + "0123456789abcdef" * 4,
        "arn:aws:kms:eu-central-1:123456789012:key/10000000-0000-4000-8000-000000000000",
        "run: aws sso login --profile NAME (or export AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN)",
        "epoch 3: tokens/s 1234.5 pad_token: <pad> eos_token=</s>".replace("=</s>", "=<s>"),
        "https://user@host/path s3://bucket/prefix",
        "python train.py --learning-rate 0.001",
    ],
)
def test_ordinary_texts_and_references_pass_unchanged(text: str) -> None:
    assert redact.redact(text) == text


def test_a_password_in_a_url_is_masked_and_the_rest_of_it_stays() -> None:
    assert redact.redact("at https://ada:pw@example.com/x") == "at https://ada:[redacted]@example.com/x"


def test_a_rendered_request_is_not_touched() -> None:
    contract = json.loads((Path(__file__).parents[1] / "golden" / "contracts" / "aws.json").read_text())
    body = {
        "Environment": {"DISPATCH_SECRET_API_KEY": "aws-sm://k", "LOG_LEVEL": "info"},
        "Tags": [{"Key": "launchway:owner", "Value": "ml"}],
        "contract": contract,
    }
    assert redact.redact_document(body) == body


def test_the_path_of_a_key_file_is_told_and_a_key_is_not() -> None:
    own = {"GOOGLE_APPLICATION_CREDENTIALS": "/home/someone/key-of-ml.json", "SERVICE_CREDENTIALS": "q7Zr2mX9wLp4"}
    said = "renew /home/someone/key-of-ml.json (GOOGLE_APPLICATION_CREDENTIALS), or q7Zr2mX9wLp4"
    cleaned = redact.Redactor.of(own).text(said)
    assert cleaned == "renew /home/someone/key-of-ml.json (GOOGLE_APPLICATION_CREDENTIALS), or [redacted]"


def test_the_directory_a_shell_stands_in_is_no_secret() -> None:
    assert secretlike.known_secrets({"PWD": "/home/someone/launchway", "OLDPWD": "/home/someone/else"}) == ()
    assert secretlike.known_secrets({"DB_PWD": "correct-horse-battery"}) == ("correct-horse-battery",)
