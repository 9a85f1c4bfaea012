"""The reason of a failure, in the file whose text SageMaker shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.runtime import failure


def test_there_is_a_place_for_it_only_where_the_cloud_reads_one(tmp_path: Path) -> None:
    assert failure.place({"SM_OUTPUT_DIR": str(tmp_path)}) == f"{tmp_path}/failure"
    assert failure.place({"SM_OUTPUT_DIR": "/nowhere"}) == ""
    assert failure.place({}) == "", "this machine is no container of SageMaker's"


def test_it_holds_what_happened_and_the_last_words(tmp_path: Path) -> None:
    file = tmp_path / "failure"
    failure.write(str(file), "the command ended with exit code 1", b"epoch 1\r\n\nValueError: no data\n")
    assert file.read_text() == "the command ended with exit code 1: epoch 1\nValueError: no data"


def test_the_last_words_are_kept_when_there_are_too_many(tmp_path: Path) -> None:
    file = tmp_path / "failure"
    failure.write(str(file), "ended", b"".join(b"line %d %s\n" % (n, b"x" * 200) for n in range(50)) + b"the end")
    text = file.read_text()
    assert len(text) <= failure.LONGEST
    assert text.startswith("ended: ")
    assert text.endswith("\nthe end")


def test_a_secret_that_the_job_was_given_is_not_in_it(tmp_path: Path) -> None:
    file = tmp_path / "failure"
    said = b"401 for hunter2-and-more with key hunter2"
    failure.write(str(file), "ended", said, ["hunter2", "hunter2-and-more", ""])
    assert file.read_text() == "ended: 401 for *** with key ***"


KEY = "-----BEGIN KEY-----\r\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\r\n-----END KEY-----\r\n"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("abcdefSECRET\n", "invalid key 'abcdefSECRET' given"),
        ("abcdefSECRET\r\n", "invalid key abcdefSECRET\r\ngiven"),
        (KEY, KEY),
        (KEY, KEY.replace("\r", "")),
        (KEY, "line 3 of it is\n  hkiG9w0BAQEFAASC\n"),
        (KEY, f"cannot load {KEY!r}"),
        (KEY, json.dumps({"key": KEY})),
        ("p@ss/w ord+1", "postgres://me:p%40ss%2Fw%20ord%2B1@db"),
        ("p@ss/w ord+1", "pw=p%40ss%2Fw+ord%2B1"),
        ('quo"te\\back', json.dumps(['quo"te\\back'])),
        ("it's\\here", repr(["it's\\here"])),
        ("schlüssel-wort", json.dumps("schlüssel-wort")),
        ("schlüssel-wort", repr("schlüssel-wort".encode())),
        ('{"user": {"password": "hunter2-and-more"}}', "password hunter2-and-more was refused"),
        ('{"password": "p@ss/word\\n"}', "https://me:p%40ss%2Fword@host"),
    ],
)
def test_no_form_of_a_secret_is_in_it(tmp_path: Path, value: str, said: str) -> None:
    file = tmp_path / "failure"
    failure.write(str(file), "ended", said.encode(), [value])
    text = file.read_text()
    for part in ("abcdefSECRET", "MIIEvQ", "hkiG9w", "p@ss", "p%40ss", "quo", "here", "schl", "hunter2"):
        assert part not in text
    assert "***" in text


def test_a_secret_of_nothing_but_blanks_hides_nothing(tmp_path: Path) -> None:
    file = tmp_path / "failure"
    failure.write(
        str(file),
        "ended",
        b"no data here",
        [" ", "\n", '{"a": "o", "b": 1}', "[[[", "[" * 900 + "]" * 900, "\ud800"],
    )
    assert file.read_text() == "ended: no data here"


def test_a_place_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    failure.write(str(tmp_path / "none" / "failure"), "ended")
