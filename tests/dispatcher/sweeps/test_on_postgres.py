"""A sweep on a ledger that people share: two who resume it at once run every trial but once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from tests.dispatcher.doubles import ManualClock, ToyCloud
from tests.dispatcher.sweeps.conftest import FOUR, Ground
from tests.dispatcher.sweeps.test_sweeping import loss_of

pytestmark = pytest.mark.postgres


def test_two_people_who_resume_a_sweep_at_once_add_each_trial_once(
    database_url: str, tmp_path: Path, outputs: Path, clock: ManualClock, cloud: ToyCloud
) -> None:
    def opened(who: str) -> Dispatcher:
        environment = {"USER": who, "HOME": str(tmp_path), "PATH": ""}
        return Dispatcher(
            database_url,
            environment=environment,
            clock=clock,
            sleep=clock.sleep,
            open_backend=lambda zone, **_: cloud,
        )

    with opened("ada") as ada:
        (tmp_path / "q.yaml").write_text("queues: [{name: line, zone: aws-euc1, max_running: 2}]")
        ada.sync(outputs=[outputs], queues=tmp_path / "q.yaml", project=tmp_path)
        ground = Ground(ada, cloud, clock, tmp_path)
        id = ground.start(FOUR.replace("max: 2", "max: 4")).row.id
        ada.sweeps.stop(id)
        together, errors = threading.Barrier(2), list[str]()

        def resume(who: str) -> None:
            with opened(who) as dispatcher:
                dispatcher.sweeps.show(id)
                together.wait(timeout=20)
                try:
                    dispatcher.sweeps.resume(id)
                except Exception as error:
                    errors.append(str(error))

        people = [threading.Thread(target=resume, args=(who,)) for who in ("bob", "eve")]
        for person in people:
            person.start()
        for person in people:
            person.join(timeout=60)
        assert all("has changed meanwhile" in error for error in errors)
        ground.run(loss_of)
        found = ada.sweeps.show(id)
        assert (found.row.state, found.counts) == ("ended", {"succeeded": 8})
        assert len(ada.list()) == 8 + 6, "two ran on, six were stopped and came again once"
