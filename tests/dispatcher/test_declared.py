"""What a job declares to be a secret is shown by nobody, whatever its variable is called and its form is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher import Dispatcher
from dispatcher.job import Job
from dispatcher.redact import MASK

VALUES = {
    "CI_DB": "Zk39sQpx7Lm2vB88",
    "PLAIN": "word",
    "ODD": 'p@ss "w/ord',
    "SIGNED": '{"user": "ada", "phrase": "correct horse"}',
    "LINES": "first-line-of-it\nsecond-line-of-it\n",
}
PRINT = """
import json, os, urllib.parse
for name in ("CI_DB", "PLAIN", "ODD", "SIGNED", "LINES"):
    value = os.environ[name]
    print(name, "said", value)
    print(repr(value), json.dumps(value), urllib.parse.quote(value))
print(json.loads(os.environ["SIGNED"])["phrase"], "and a sentence of words")
"""


@pytest.mark.process
@pytest.mark.parametrize("follow", [False, True])
def test_the_log_of_a_local_job_shows_no_secret_that_the_job_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, follow: bool
) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    job = Job(image="none", command=("python3", "-c", PRINT))
    job = replace(job, secrets={name: f"env://{name}" for name in VALUES})
    with Dispatcher(tmp_path / "ledger.db") as dispatcher:
        entry = dispatcher.submit(job, "local")
        if not follow:
            dispatcher.wait(entry.id)
        lines = [line.text for line in dispatcher.logs(entry.id, follow=follow)]
        shown = json.dumps(lines + [event.data for event in dispatcher.events(entry.id)])
    assert f"CI_DB said {MASK}" in lines
    for part in ("Zk39", "p@ss", "w/ord", "w%2Ford", "correct", "horse", "first-line", "second-line"):
        assert part not in shown
    assert f"{MASK} and a sentence of {MASK}s" in lines, "four letters are enough to be one"
