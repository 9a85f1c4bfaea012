"""The estimate: unknown is null, a price comes with its source, and a bad price file names all its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.errors import SpecError, UsageError
from dispatcher.job import Job, Resources
from dispatcher.placement import choose, estimate
from tests.placement.zones import QUEUE, zone

PRICES = """
as_of: 2026-11-01
source: made up for this test
currency: USD
prices:
  - {cloud: aws, instance: ml.g5.xlarge, region: eu-central-1, unit_price: 1.5}
  - {cloud: aws, instance: ml.g5.xlarge, unit_price: 1.25}
  - {cloud: aws, instance: ml.g5.xlarge, tier: spot, unit_price: 0.5}
  - {cloud: aws, instance: ml.m5.xlarge, region: us-east-1, unit_price: 0.23}
"""
KEYS = ["hardware", "nodes", "hours", "unit_price", "currency", "price_source", "price_as_of", "total"]


def train(instance: str, *, spot: bool = False, nodes: int = 1, hours: float = 12) -> Job:
    return Job(
        image="train",
        resources=Resources(instance=instance, nodes=nodes),
        spot=spot,
        max_runtime=int(hours * 3600),
    )


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(PRICES)
    return path


def test_without_a_price_file_every_price_is_null_and_the_bound_in_hours_is_known() -> None:
    job = train("ml.g5.xlarge", nodes=2)
    document = estimate(choose(job, QUEUE, zone()), job).as_json()
    assert list(document) == KEYS
    assert document == {
        **dict.fromkeys(KEYS),
        "hardware": "ml.g5.xlarge",
        "nodes": 2,
        "hours": 12.0,
    }


def test_the_total_is_nodes_times_hours_times_the_price_of_the_region(prices: Path) -> None:
    job = train("ml.g5.xlarge", nodes=2, hours=1.5)
    document = estimate(choose(job, QUEUE, zone()), job, prices).as_json()
    assert document["unit_price"] == 1.5
    assert document["total"] == 4.5
    assert (document["currency"], document["price_source"]) == ("USD", "made up for this test")
    assert document["price_as_of"] == "2026-11-01"


def test_a_row_without_region_holds_where_the_region_has_none(prices: Path) -> None:
    job = train("ml.g5.xlarge", spot=True, hours=2)
    assert estimate(choose(job, QUEUE, zone()), job, prices).as_json()["total"] == 1.0


def test_a_price_of_another_region_or_tier_is_not_taken(prices: Path) -> None:
    for job in (train("ml.m5.xlarge"), train("ml.m5.xlarge", spot=True)):
        assert estimate(choose(job, QUEUE, zone()), job, prices).total is None


def test_every_fault_of_a_price_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "as_of: yesterday\nprices:\n"
        "  - {cloud: aws, instance: ml.g5.xlarge, unit_price: 0}\n"
        "  - {cloud: aws, instance: ml.g5.xlarge, price: 3, tier: reserved, unit_price: .nan}\n"
        "  - 7\n"
    )
    job = train("ml.g5.xlarge")
    with pytest.raises(SpecError) as wrong:
        estimate(choose(job, QUEUE, zone()), job, path)
    places = {problem.path for problem in wrong.value.problems}
    assert places == {
        "source", "currency", "as_of", "prices[0].unit_price", "prices[1].price", "prices[1].tier",
        "prices[1].unit_price", "prices[2]",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "[]", "prices: 3", "a: [", "as_of: 2026-01-01\n\tx: 1", "as_of: 2026-13-45", "[" * 5000]
)
def test_a_file_that_is_no_price_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    job = train("ml.g5.xlarge")
    with pytest.raises(SpecError, match=r"prices\.yaml"):
        estimate(choose(job, QUEUE, zone()), job, path)


def test_a_missing_price_file_is_a_usage_error(tmp_path: Path) -> None:
    job = train("ml.g5.xlarge")
    with pytest.raises(UsageError, match="cannot be read"):
        estimate(choose(job, QUEUE, zone()), job, tmp_path / "none.yaml")


def test_two_prices_for_the_same_thing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(PRICES + "  - {cloud: aws, instance: ml.g5.xlarge, unit_price: 2}\n")
    job = train("ml.g5.xlarge")
    with pytest.raises(SpecError, match=r"prices\[4\]: the same instance, region and tier has two prices"):
        estimate(choose(job, QUEUE, zone()), job, path)


def test_machines_are_paid_for_where_they_are_not_the_nodes(prices: Path) -> None:
    job = train("ml.g5.xlarge", hours=1)
    one, four = (estimate(choose(job, QUEUE, zone()), job, prices, machines=count) for count in (None, 4))
    assert one.total is not None
    assert (four.nodes, four.total) == (4, 4 * one.total)
