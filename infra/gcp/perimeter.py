"""A VPC Service Controls perimeter around a project: what stops its data from leaving, by a job's own way too."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi
import yaml
from pulumi_gcp import accesscontextmanager

from infra.gcp.propagation import wait_for_perimeter
from infra.gcp.site import Site

NAME_LENGTH = 50  # letters, digits and underscores


@functools.cache
def restricted_services() -> tuple[str, ...]:
    """The services a perimeter closes, from data/restricted_services.yaml."""
    data = yaml.safe_load(resources.files("infra.gcp").joinpath("data/restricted_services.yaml").read_text())
    return tuple(data["services"])


@dataclass(frozen=True, slots=True)
class PerimeterArgs:
    """A project can be in one perimeter only, so it belongs to the account. `number` is the project's.

    `policy` is the number of the access policy. Without `enforced`, it only reports what it would refuse.
    `identities` (IAM members) come in from anywhere; `access_levels` (full names) let in whoever meets them.
    """

    site: Site
    policy: str
    number: pulumi.Output[str]
    enforced: bool
    identities: tuple[pulumi.Input[str], ...] = ()
    access_levels: tuple[str, ...] = ()


class Perimeter(pulumi.ComponentResource):
    """`name` is the perimeter's full name; `enforced` is the same once it is enforced, None in a dry run."""

    name: pulumi.Output[str]
    enforced: pulumi.Output[str] | None

    def __init__(self, name: str, args: PerimeterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Perimeter", name, None, opts)
        site, parent = args.site, f"accessPolicies/{args.policy}"
        rules = _rules(args)
        made = accesscontextmanager.ServicePerimeter(
            name,
            parent=parent,
            name=full_name(site, args.policy),
            title=perimeter_id(site),
            description=f"Training data of project {site.place.project}",
            perimeter_type="PERIMETER_TYPE_REGULAR",
            use_explicit_dry_run_spec=not args.enforced,
            status=rules if args.enforced else None,
            spec=None if args.enforced else rules,
            opts=site.child(self, hooks=wait_for_perimeter(site)),
        )
        self.name = made.name
        self.enforced = made.name if args.enforced else None
        self.register_outputs({"name": self.name, "enforced": self.enforced})


def full_name(site: Site, policy: str) -> str:
    """The perimeter's full name, known before it is drawn."""
    return f"accessPolicies/{policy}/servicePerimeters/{perimeter_id(site)}"


def perimeter_id(site: Site) -> str:
    """The perimeter's own id, which takes no hyphens."""
    return f"{site.place.name}_{site.place.suffix}".replace("-", "_")[-NAME_LENGTH:].lstrip("_0123456789")


def _rules(args: PerimeterArgs) -> Any:
    """The perimeter's rules: the same whether they are enforced (`status`) or only tried (`spec`).

    Services that are not closed stay reachable from inside (no `vpc_accessible_services`): signing in is one.
    """
    rules: dict[str, Any] = {
        "resources": [args.number.apply(lambda number: f"projects/{number}")],
        "restricted_services": list(restricted_services()),
        "access_levels": list(args.access_levels),
    }
    if args.identities:
        rules["ingress_policies"] = [
            {
                "title": "Who deploys and who may act as an agent",
                "ingress_from": {"identities": list(args.identities), "sources": [{"access_level": "*"}]},
                "ingress_to": {"resources": ["*"], "operations": [{"service_name": "*"}]},
            }
        ]
    return rules
