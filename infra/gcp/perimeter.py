"""A VPC Service Controls perimeter around a project: what stops its data from leaving, jobs' way out included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pulumi

from infra.gcp.site import Site

Mode = Literal["dry-run", "enforced"]


@dataclass(frozen=True, slots=True)
class PerimeterArgs:
    """One project may be in one perimeter only, so it belongs to the account.

    `policy` is the number of the access policy. `identities` (IAM members) may come in from anywhere, and
    `access_levels` (full names) let in whoever meets them. Without either, an enforced perimeter shuts its
    deployer out.
    """

    site: Site
    policy: str
    number: pulumi.Output[str]
    mode: Mode
    identities: tuple[str, ...] = ()
    access_levels: tuple[str, ...] = ()


class Perimeter(pulumi.ComponentResource):
    """`name` is the perimeter's full name; `enforced` is the same when it is enforced, None in a dry run."""

    name: pulumi.Output[str]
    enforced: pulumi.Output[str] | None
