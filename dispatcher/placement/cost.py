"""What a job costs at most, from a price file that the user supplies; an unknown price stays unknown.

Price file (YAML), prices per instance and hour:

    as_of: 2026-11-01
    source: https://aws.amazon.com/sagemaker/ai/pricing/, copied by finance
    currency: USD
    prices:
      - {cloud: aws, instance: ml.g5.xlarge, region: eu-central-1, tier: on-demand, unit_price: 1.76}

`tier` is `on-demand` (default) or `spot`; a row without `region` holds in every region that has no row of
its own. No prices are shipped: published figures differ by region, contract and month.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.errors import Problem, SpecError, UsageError

if TYPE_CHECKING:
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware

HOUR = 3600
TIERS = ("on-demand", "spot")
_KEYS = {"cloud", "instance", "region", "tier", "unit_price"}


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most a job can cost: `nodes` x `hours` x `unit_price` per node and hour. None is unknown, never 0."""

    hardware: str
    nodes: int
    hours: float
    unit_price: Decimal | None = None
    currency: str | None = None
    price_source: str | None = None
    price_as_of: str | None = None

    @property
    def total(self) -> Decimal | None:
        """The bound in `currency`, rounded to hundredths."""
        if self.unit_price is None:
            return None
        return (self.unit_price * self.nodes * Decimal(str(self.hours))).quantize(Decimal("0.01"))

    def as_json(self) -> dict[str, Any]:
        """Return the document of `submit --dry-run -o json`; numbers are plain JSON numbers."""
        return {
            "hardware": self.hardware,
            "nodes": self.nodes,
            "hours": self.hours,
            "unit_price": None if self.unit_price is None else float(self.unit_price),
            "currency": self.currency,
            "price_source": self.price_source,
            "price_as_of": self.price_as_of,
            "total": None if self.total is None else float(self.total),
        }


def estimate(hardware: Hardware, job: Job, prices: Path | None = None, *, machines: int | None = None) -> Estimate:
    """Bound the cost of `job` on `hardware` (as `choose` returned it) by its `max_runtime`.

    `machines` is how many are paid for where those are not the job's nodes (`Request.machines`).

    The price is that of the job's tier (spot or on-demand) in the hardware's region; one tier never stands in
    for the other. Raises UsageError when the file cannot be read, SpecError with every fault in it.
    """
    hours = round(job.max_runtime / HOUR, 4)
    bound = Estimate(hardware.instance, machines or job.resources.nodes, hours)
    if prices is None:
        return bound
    document = _load(prices)
    tier = "spot" if job.spot else "on-demand"
    rows = [
        row
        for row in document["prices"]
        if (row["cloud"], row["instance"], row.get("tier", "on-demand"))
        == (hardware.cloud, hardware.instance, tier)
    ]
    exact = [row for row in rows if row.get("region") == hardware.region and hardware.region is not None]
    anywhere = [row for row in rows if row.get("region") is None]
    for row in (exact or anywhere)[:1]:
        return replace(
            bound,
            unit_price=Decimal(str(row["unit_price"])),
            currency=document["currency"],
            price_source=document["source"],
            price_as_of=str(document["as_of"]),
        )
    return bound


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the price file {path} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise SpecError([Problem(str(path), None, "", "is not UTF-8 text", "save it as UTF-8")]) from error
    except ValueError as error:
        # PyYAML makes dates of what looks like one, and fails as the calendar does.
        raise SpecError([Problem(str(path), None, "", f"holds a date that is none: {error}")]) from error
    except RecursionError as error:
        raise SpecError([Problem(str(path), None, "", "is nested too deeply")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise SpecError([Problem(str(path), line, "", "not YAML", str(getattr(error, "problem", "")))]) from error
    problems = [Problem(str(path), None, key, rule) for key, rule in _faults(document)]
    if problems:
        raise SpecError(problems)
    checked: dict[str, Any] = document
    return checked


def _faults(document: object) -> list[tuple[str, str]]:
    """Return (key, rule) of every fault in a price file."""
    if not isinstance(document, dict):
        return [("", "a price file is a mapping with as_of, source, currency and prices")]
    faults: list[tuple[str, str]] = []
    for key in ("source", "currency"):
        if not isinstance(document.get(key), str) or not document[key]:
            faults.append((key, "missing: say it in words"))
    if not _is_date(document.get("as_of")):
        faults.append(("as_of", "must be the day the prices were read, such as 2026-11-01"))
    rows = document.get("prices")
    if not isinstance(rows, list):
        return [*faults, ("prices", "must be a list")]
    seen: set[tuple[object, ...]] = set()
    for index, row in enumerate(rows):
        faults += [(f"prices[{index}]{key}", rule) for key, rule in _row_faults(row)]
        if isinstance(row, dict):
            identity = (
                tuple(str(row.get(key)) for key in ("cloud", "instance", "region")),
                row.get("tier", "on-demand"),
            )
            if identity in seen:
                faults.append((f"prices[{index}]", "the same instance, region and tier has two prices"))
            seen.add(identity)
    return faults


def _row_faults(row: object) -> list[tuple[str, str]]:
    if not isinstance(row, dict):
        return [("", "must be a mapping")]
    faults = [(f".{key}", f"unknown key (known: {', '.join(sorted(_KEYS))})") for key in row if key not in _KEYS]
    faults += [
        (f".{key}", "missing")
        for key in ("cloud", "instance")
        if not isinstance(row.get(key), str) or not row[key]
    ]
    if row.get("tier", "on-demand") not in TIERS:
        faults.append((".tier", f"must be {' or '.join(TIERS)}"))
    if not _is_price(row.get("unit_price")):
        faults.append((".unit_price", "must be a number above 0; leave the row out when the price is unknown"))
    return faults


def _is_price(value: object) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    return number.is_finite() and number > 0


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, date) or date.fromisoformat(str(value)) is not None
    except ValueError:
        return False
