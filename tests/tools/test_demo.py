"""What the demo makes of its jobs, and in which order it shows it; that it works is the engine's test."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.place import Place
from tools import demo

QUEUES = ("aws-euc1", "gcp-euw4", "azure-weu")


def test_a_jobs_metric_is_the_last_loss_it_printed() -> None:
    assert (
        demo.metric(["100 rows", "epoch 1 loss 0.5000\n", "epoch 2 loss 0.0123\n", "wrote model.json"]) == "0.0123"
    )
    assert demo.metric([]) == "-"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Every command that the demo runs, none of which is run."""
    ran: list[tuple[str, ...]] = []

    def answer(*words: str, shown: bool = False) -> Any:
        ran.append(words)
        if words[1] == "queue":
            return [{"name": name, "zone": name} for name in QUEUES]
        if words[1] == "submit":
            return {"id": words[4], "state": "queued", "cloud_name": "train", "nodes": 1, "hardware": "cpu"}
        times = {"submitted_at": "2026-11-21T08:00:00Z", "ended_at": "2026-11-21T08:00:05Z"}
        cloud = words[2].partition("-")[0]
        return {"id": words[2], "zone": words[2], "queue": words[2], "cloud": cloud, "state": "succeeded", **times,
                "model_uri": f"{cloud}://model"}  # fmt: skip

    monkeypatch.setattr(demo, "_answer", answer)
    monkeypatch.setattr(demo, "_run", lambda *words, quiet=False: ran.append(words))
    monkeypatch.setattr(demo, "_follow", lambda jobs: {queue: ["epoch 1 loss 0.25\n"] for queue in jobs})
    return ran


def test_the_demo_shows_every_clouds_exact_request_before_it_sends_any_and_the_metric_of_each(
    shown: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    demo._demo(Place.default())
    submits = [words for words in shown if "submit" in words]
    dry, sent = submits[:3], submits[3:]
    assert [words[words.index("--queue") + 1] for words in dry] == list(QUEUES)
    assert all("--dry-run" in words for words in dry)
    assert [words[words.index("--queue") + 1] for words in sent] == list(QUEUES)
    assert not any("--dry-run" in words for words in sent)
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "://model" in line]
    assert [(row[1], row[4]) for row in rows] == [("aws", "0.25"), ("gcp", "0.25"), ("azure", "0.25")]
