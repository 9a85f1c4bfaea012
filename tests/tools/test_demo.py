"""What the demo makes of its jobs, and in which order it shows it; that it works is the test of the docs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.project import stack_settings
from tools.demo import commands, jobs, story

TRAINED = ["process 0 of 1 on node 0: done", "wrote model.json: final loss 0.25"]


def test_a_jobs_metric_is_the_last_final_loss_it_printed() -> None:
    lines = ["epoch 20 loss 0.5", "wrote a: final loss 0.4", "wrote b: final loss 0.3"]
    assert jobs.metric(lines) == "0.3"
    assert jobs.metric(["epoch 1 loss 0.5"]) == "-"


def test_a_table_says_where_a_job_resumed_and_how_many_processes_trained_it() -> None:
    two = [f"process {rank} of 4 on node {rank // 2}: done" for rank in range(4)]
    assert jobs.Ended({"nodes": 2}, two).notes == "2 x 2 processes"
    assert jobs.Ended({"nodes": 1}, ["resuming after epoch 7", *TRAINED]).notes == "resumed after epoch 7"


class Stage:
    """Commands are not run but noted, and answered as those of three clouds would be."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.metrics = {"azure": "0.25"}

    def run(self, *words: str, shown: bool = True) -> None:
        self.ran.append(words)

    def answer(self, *words: str, shown: bool = False) -> Any:
        self.ran.append(words)
        if words[1] == "submit":
            queue = words[4]
            return {"id": queue, "cloud": queue.partition("-")[0], "cloud_name": f"train-{queue}-1"}
        queue = words[2]
        cloud = queue.partition("-")[0]
        times = {"submitted_at": "2026-11-21T08:00:00Z", "ended_at": "2026-11-21T08:00:05Z"}
        place = {"id": queue, "zone": queue, "queue": queue, "cloud": cloud, "nodes": 1}
        return {**place, **times, "state": "succeeded", "reason": "", "model_uri": f"{cloud}://model"}

    def lines(self, *words: str) -> Iterator[str]:
        loss = self.metrics.get(words[3].partition("-")[0], "0.25")
        yield from ["epoch 1 loss 1.0", "epoch 2 loss 0.5", "epoch 2 loss 0.5"]
        yield from ["resuming after epoch 2", "epoch 2 loss 0.5", f"wrote m: final loss {loss}"]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()
    for module in (commands, story):
        for name in ("run", "local", "quietly"):
            monkeypatch.setattr(module, name, made.run, raising=False)
    monkeypatch.setattr(commands, "answer", made.answer)
    monkeypatch.setattr(commands, "lines", made.lines)
    return made


def test_every_clouds_exact_request_is_shown_before_any_is_sent_and_three_kinds_of_jobs_follow(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    story.tell()
    submits = [(words[2], words[words.index("--queue") + 1]) for words in stage.ran if "submit" in words]
    dry = [words for words in stage.ran if "--dry-run" in words]
    assert submits[:3] == [(story.JOB, queue) for queue in story.QUEUES]
    assert [words for words in stage.ran if "submit" in words][:3] == dry
    assert set(submits[3:6]) == {(story.JOB, queue) for queue in story.QUEUES}
    assert set(submits[6:9]) == {(story.SPOT_JOB, queue) for queue in story.SPOT_QUEUES}
    assert set(submits[9:]) == {(story.NODES_JOB, queue) for queue in story.QUEUES}
    last = capsys.readouterr().out.partition("== 8.")[2].splitlines()
    assert [line.split()[-6:] for line in last[1:4]] == [["aws", "0.25", "gcp", "0.25", "azure", "0.25"]] * 3


def test_the_machines_of_a_spot_job_are_taken_until_it_resumes_and_of_no_other(stage: Stage) -> None:
    jobs.run(story.SPOT_JOB, ["gcp-x"], interrupted=True)
    taken = [words for words in stage.ran if "interrupt" in words]
    assert [words[-1] for words in taken] == ["displayName=train-gcp-x-1"]
    stage.ran.clear()
    jobs.run(story.JOB, ["gcp-x"])
    assert not [words for words in stage.ran if "interrupt" in words]


def test_a_cloud_that_comes_to_another_metric_stops_the_demo(stage: Stage) -> None:
    stage.metrics["azure"] = "0.26"
    with pytest.raises(commands.StepFailed, match=r"different metrics: 0\.25, 0\.26"):
        story.tell()


def test_its_stacks_have_the_zones_it_submits_to() -> None:
    zones = {stack: stack_settings(stack)["launchway:zones"] for stack in (story.STACK, story.SPOT_STACK)}
    assert [zone["name"] for zone in zones[story.STACK]] == list(story.QUEUES)
    assert set(story.SPOT_QUEUES) <= {zone["name"] for found in zones.values() for zone in found}
    assert zones[story.SPOT_STACK][0]["network"] == {"mode": "public"}
