"""The stand-in against the real provider: every difference is listed in differences.yaml with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.altered import meets
from tests.engine.ground import Ground
from tests.real import parity
from tests.real.conftest import CHANGES, Pair
from tests.real.wire import plugin

pytestmark = pytest.mark.real

MISTAKES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text())


def test_both_states_hold_the_same_resources_inputs_and_outputs(pair: Pair) -> None:
    pair.real.step("up")
    pair.standin.step("up")
    assert parity.unlisted(parity.states(pair.real.state, pair.standin.state)) == ""


@pytest.mark.parametrize("change", CHANGES)
def test_both_decide_alike_what_a_change_updates_and_replaces(pair: Pair, change: str) -> None:
    pair.real.step("up")
    pair.standin.step("up")
    met = any(meets(row, pair.real.state) for row in CHANGES[change])
    assert met == (change in pair.real.plans) == (change in pair.standin.plans)
    if met:
        real, standin = pair.real.plans[change], pair.standin.plans[change]
        assert (real.code, standin.code) == (0, 0), f"{real.message}\n{standin.message}"
        assert real.changes
        assert parity.unlisted(parity.plans(real.steps, standin.steps)) == ""


def test_both_update_the_same_resources(pair: Pair) -> None:
    real, standin = pair.real.step("update"), pair.standin.step("update")
    assert parity.unlisted(parity.plans(real.steps, standin.steps)) == ""


@pytest.fixture(scope="module")
def answers(grounds: tuple[Ground, Ground]) -> dict[str, dict[str, dict[tuple[str, str], str]]]:
    """`{provider: {right or wrong: {(type, row): why it was refused, or ""}}}`."""
    found: dict[str, dict[str, dict[tuple[str, str], str]]] = {}
    for name, place in zip(("real", "standin"), grounds, strict=True):
        found[name] = {"right": {}, "wrong": {}}
        with plugin(Path(place.environment["PULUMI_HOME"]), place.environment) as asked:
            for row in MISTAKES:
                laid_over = {**row["right"], **row["wrong"]}
                wrong = {key: value for key, value in laid_over.items() if value is not None}
                key = row["type"], row["name"]
                found[name]["right"][key] = asked.refuses(row["type"], row["name"], row["right"])
                found[name]["wrong"][key] = asked.refuses(row["type"], row["name"], wrong)
    return found


def test_the_table_of_mistakes_is_long_enough() -> None:
    assert len(MISTAKES) >= 15


@pytest.mark.parametrize("row", MISTAKES, ids=lambda row: row["name"])
def test_the_real_provider_refuses_the_mistake_and_nothing_else(answers: Any, row: dict[str, Any]) -> None:
    key = row["type"], row["name"]
    assert answers["real"]["right"][key] == ""
    assert bool(answers["real"]["wrong"][key]) == ("accepted" not in row)


def test_the_stand_in_refuses_the_same_mistakes(answers: Any) -> None:
    found = parity.refusals(answers["real"]["wrong"], answers["standin"]["wrong"])
    found |= parity.refusals(answers["real"]["right"], answers["standin"]["right"])
    assert parity.unlisted(found) == ""


def test_no_reviewed_difference_is_stale(pair: Pair, answers: Any) -> None:
    seen = parity.states(pair.real.state, pair.standin.state)
    seen |= parity.refusals(answers["real"]["wrong"], answers["standin"]["wrong"])
    for change in pair.real.plans.keys() & pair.standin.plans.keys():
        seen |= parity.plans(pair.real.plans[change].steps, pair.standin.plans[change].steps)
    seen |= parity.plans(pair.real.step("update").steps, pair.standin.step("update").steps)
    assert [entry for entry in parity.reviewed() if not any(entry.covers(one) for one in seen)] == []
