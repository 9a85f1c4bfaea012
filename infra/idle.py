"""What a zone costs while no job runs: counted by each cloud, priced from its data, told at preview."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi
import yaml


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of thing that costs by the hour or month: how many, and dollars a month; None when unknown.

    `basis` is `vendor` or `second-hand` and `as_of` the day it was read; `check` is the vendor's page.
    """

    what: str
    count: int
    monthly: float | None
    basis: str
    as_of: str
    check: str


@dataclass(frozen=True, slots=True)
class Prices:
    """The price list of one cloud: data/idle_prices.yaml of its package."""

    cloud: str
    vendor: str

    @property
    def file(self) -> str:
        """Where people find the list."""
        return f"infra/{self.cloud}/data/idle_prices.yaml"

    @property
    def data(self) -> Mapping[str, Any]:
        """The whole file: currency, hours per month, and figures by kind."""
        return _data(self.cloud)

    def line(self, what: str, count: int, kind: str, *places: str) -> Line:
        """`count` things of a kind; the figure is the first that names one of `places` (regions, partitions)."""
        facts = self.data["prices"][kind]
        figure = next((figure for figure in facts["figures"] if {*places} & {*_places(figure)}), None)
        if figure is None:
            return Line(what, count, None, "", "", facts["check"])
        hours = self.data["hours_per_month"] if facts["unit"].startswith("hour") else 1
        monthly = count * figure["price"] * hours
        return Line(what, count, monthly, figure["basis"], str(facts["as_of"]), facts["check"])

    def text(self, name: str, counted: Sequence[Line]) -> str:
        """The idle cost of a zone or account: a line each, and the sum of what is known.

        A figure that was not read at the vendor says so in its line and in the sum.
        """
        rows = [f"{name} costs while no job runs, in USD a month ({self.file}):"]
        for line in counted:
            price = f"unknown, see {line.check}"
            if line.monthly is not None:
                hearsay = f"SECOND-HAND figure, not from {self.vendor}: check"
                read = "list price" if line.basis == "vendor" else hearsay
                price = f"{line.monthly:.2f} ({read} {line.check}, {line.as_of})"
            rows.append(f"  {line.count} x {line.what}: {price}")
        known = [(line.monthly, line.basis) for line in counted if line.monthly is not None]
        hearsay_sum = sum(monthly for monthly, basis in known if basis != "vendor")
        share = f" ({hearsay_sum:.2f} of it second-hand)" if hearsay_sum else ""
        unknown = " and what is unknown" if len(known) < len(counted) else ""
        total = f"{sum(monthly for monthly, _ in known):.2f}{share}{unknown}" if known else "unknown"
        rows.append(f"  together {total}; storage, logs and traffic come on top")
        return "\n".join(rows)

    def tell(self, name: str, counted: Sequence[Line], resource: pulumi.Resource) -> None:
        """Print an idle cost, in previews only: an update shows its preview first."""
        if pulumi.runtime.is_dry_run() and counted:
            pulumi.log.info(self.text(name, counted), resource=resource)


@functools.cache
def _data(cloud: str) -> Mapping[str, Any]:
    data: Mapping[str, Any] = yaml.safe_load(
        resources.files(f"infra.{cloud}").joinpath("data/idle_prices.yaml").read_text()
    )
    return data


def _places(figure: Mapping[str, Any]) -> list[str]:
    return [*figure.get("regions", ()), *figure.get("partitions", ())]
