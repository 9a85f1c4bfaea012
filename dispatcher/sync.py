"""`dispatch sync`: zones and queues of an environment, from its stacks and queue file into the ledger."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import contract, records, trial
from dispatcher.documents import document, queue_file
from dispatcher.documents.queue_fields import Zones
from dispatcher.errors import Problem, SpecError, UsageError
from dispatcher.ledger import Filter, Ledger, QueueRow, ZoneRow
from dispatcher.ledger.rows import ACTIVE, QUEUED
from dispatcher.queue import Queue
from dispatcher.scheduling import admission

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend
    from dispatcher.contract import Contract, Zone


@dataclass(slots=True)
class Changes:
    """What a sync did: names of zones and queues by what became of them, and warnings."""

    environment: str
    zones: dict[str, str] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The document of `sync -o json`."""
        return records.plain(self)  # type: ignore[no-any-return]  # a dataclass becomes a dict


def synchronise(
    ledger: Ledger,
    contracts: Sequence[tuple[str, Contract]],
    queues: Path | None,
    project: Path,
    now: str,
    open_zone: Callable[[ZoneRow, Queue], Backend],
) -> Changes:
    """Write zones and queues. `contracts` are (stack or file, contract); `queues` None is the default place.
    `open_zone` opens the cloud of a zone, to try a queue's overrides on it without a network.

    Zones of stacks that are not named stay. A queue that is in no file any more and still has jobs stays too,
    paused. Raises SpecError, UsageError or PolicyRefusal before anything is written.
    """
    environment = _one_environment(ledger, contracts)
    rows = _merge(ledger, contracts, now)
    zones = {row.name: contract.trusted(json.loads(row.document)) for row in rows}
    notes: list[str] = []
    found = _queues(queues, project, environment, zones, notes)
    _try_overrides(
        found,
        {row.name: row for row in rows},
        zones,
        open_zone,
        _shown(queues or default_file(project, environment)),
    )
    changes = Changes(environment, warnings=notes)
    admission.check_shared(found, ledger)
    new = [QueueRow(queue.name, queue.zone, json.dumps(records.plain(queue)), now) for queue in found]
    kept, gone_zones = _kept(ledger, new, {row.name for row in rows}, changes)
    old_zones = {row.name: row for row in ledger.zones()}
    old_queues = {row.name: row for row in ledger.queues()}
    rows += [old_zones[name] for name in gone_zones if name in old_zones]
    new = [_still_paused(row, old_queues.get(row.name)) for row in new] + kept
    _compare_zones(old_zones, rows, changes)
    _compare_queues(old_queues, new, changes)
    ledger.synchronise(rows, new, environment)
    return changes


def _one_environment(ledger: Ledger, contracts: Sequence[tuple[str, Contract]]) -> str:
    names = {found.environment for _, found in contracts}
    if len(names) > 1:
        listed = ", ".join(f"{source}: {found.environment}" for source, found in contracts)
        raise UsageError(
            f"these stacks are of different environments ({listed})", "sync one environment at a time"
        )
    environment = names.pop()
    before = ledger.meta("environment")
    if before is not None and before != environment:
        raise UsageError(
            f"the ledger {ledger.name} belongs to environment {before}, this is {environment}",
            "one ledger per environment: name another with --ledger or DISPATCH_LEDGER",
        )
    return environment


def _merge(ledger: Ledger, contracts: Sequence[tuple[str, Contract]], now: str) -> list[ZoneRow]:
    """The zones of all stacks of the environment: those read now, and those of stacks not named now."""
    read: dict[str, ZoneRow] = {}
    problems: list[Problem] = []
    for source, found in contracts:
        for name, zone in found.zones.items():
            if name in read:
                rule = f"zone {name} is in {read[name].source} too"
                problems.append(
                    Problem(source, None, f"zones.{name}", rule, "zone names are unique in an environment")
                )
                continue
            text = json.dumps(contract.as_json(zone))
            read[name] = ZoneRow(
                name,
                zone.cloud,
                zone.region,
                found.environment,
                found.regime,
                source,
                found.version,
                found.updated_at,
                now,
                text,
            )
    if problems:
        raise SpecError(problems)
    sources = {source for source, _ in contracts}
    others = [row for row in ledger.zones() if row.source not in sources and row.name not in read]
    return [*read.values(), *others]


def default_file(project: Path, environment: str) -> Path:
    """Where an environment's queue file is when nobody says."""
    return project / "stacks" / f"{environment}.queues.yaml"


def _queues(file: Path | None, project: Path, environment: str, zones: Zones, notes: list[str]) -> list[Queue]:
    """The queues of the file; without one, a queue per zone, named after it."""
    path = file or default_file(project, environment)
    if file is None and not path.exists():
        return [Queue(name=name, zone=name) for name in zones]
    return queue_file.parse(_shown(path), document.read(path), zones, notes)


def _try_overrides(
    queues: Sequence[Queue],
    rows: Mapping[str, ZoneRow],
    zones: Mapping[str, Zone],
    open_zone: Callable[[ZoneRow, Queue], Backend],
    source: str,
) -> None:
    problems: list[Problem] = []
    for queue in queues:
        row, zone = rows[queue.zone], zones[queue.zone]
        problems += trial.overrides(queue, zone, functools.partial(open_zone, row, queue), source)
    if problems:
        raise SpecError(problems)


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _kept(
    ledger: Ledger, new: Sequence[QueueRow], zones: set[str], changes: Changes
) -> tuple[list[QueueRow], list[str]]:
    """Queues that no file names any more but that still have jobs, paused; and zones only they need."""
    names = {row.name for row in new}
    kept: list[QueueRow] = []
    for row in ledger.queues():
        if row.name in names:
            continue
        open_jobs = ledger.count(Filter(queue=row.name, states=(QUEUED, *ACTIVE)))
        if not open_jobs:
            continue
        kept.append(replace(row, paused=1, paused_reason="removed from the queue file", retired=1))
        jobs = "1 job" if open_jobs == 1 else f"{open_jobs} jobs"
        changes.warnings.append(f"queue {row.name} is gone but has {jobs}: it is kept, paused, until they end")
    return kept, sorted({row.zone for row in kept} - zones)


def _still_paused(row: QueueRow, before: QueueRow | None) -> QueueRow:
    """A queue that somebody paused or drains stays so; one that comes back into the file goes on."""
    if before is None or before.retired:
        return row
    return replace(row, paused=before.paused, paused_reason=before.paused_reason, draining=before.draining)


def _compare_zones(old: dict[str, ZoneRow], new: Sequence[ZoneRow], changes: Changes) -> None:
    for row in new:
        before = old.get(row.name)
        same = before is not None and before.document == row.document
        changes.zones[row.name] = "unchanged" if same else "changed" if before else "added"
    changes.zones.update({name: "removed" for name in old if name not in changes.zones})


def _compare_queues(old: dict[str, QueueRow], new: Sequence[QueueRow], changes: Changes) -> None:
    for row in new:
        before = old.get(row.name)
        if row.retired:
            changes.queues[row.name] = "kept, paused"
            continue
        same = before is not None and before.document == row.document and not before.retired
        changes.queues[row.name] = "unchanged" if same else "changed" if before else "added"
    changes.queues.update({name: "removed" for name in old if name not in changes.queues})
