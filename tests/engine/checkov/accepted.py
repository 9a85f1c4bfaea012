"""What Checkov finds and we accept, each with its reason: accepted.yaml."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.engine.checkov.judge import Verdict

FILE = Path(__file__).with_name("accepted.yaml")


@dataclass(frozen=True)
class Accepted:
    """One finding that is none: the check's id, the resources by shell wildcard, and why."""

    check: str
    of: str
    why: str

    def covers(self, check: str, resource: str) -> bool:
        """Whether this row is about that finding."""
        return check == self.check and fnmatch.fnmatchcase(resource, self.of)


def rows() -> list[Accepted]:
    """The rows of accepted.yaml; one without a reason is an error."""
    found = [Accepted(**row) for row in yaml.safe_load(FILE.read_text())]
    assert all(row.why for row in found), "an accepted finding needs its reason"
    return found


def findings(verdict: Verdict) -> dict[str, list[str]]:
    """`{check: resources}` of what failed and no row accepts."""
    known = rows()
    left = {
        f"{check} {verdict.names[check]}": sorted(
            one for one in resources if not any(row.covers(check, one) for row in known)
        )
        for check, resources in verdict.failed.items()
    }
    return {check: resources for check, resources in left.items() if resources}


def unused(verdicts: Iterable[Verdict]) -> list[Accepted]:
    """Rows that cover no finding of these verdicts."""
    found = [(check, one) for v in verdicts for check, resources in v.failed.items() for one in resources]
    return [row for row in rows() if not any(row.covers(*finding) for finding in found)]
