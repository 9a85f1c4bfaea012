"""Google's own accounts that act for a project: found once per project, so that grants can name them in time."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

import pulumi
import yaml
from pulumi_gcp import logging, projects, storage

from infra.gcp.site import Site

FoundBy = Literal["get_project_service_account", "get_project_cmek_settings", "service_identity", "address"]


@dataclass(frozen=True, slots=True)
class ServiceAgent:
    """One row of data/service_agents.yaml.

    `address` has `{number}` where the project's number stands. `keys` are the uses whose key it must encrypt
    and decrypt with. With `bound` False it does not exist until `appears`, so nothing may name it before.
    """

    name: str
    service: str
    address: str
    found_by: FoundBy
    keys: tuple[str, ...]
    pulls_images: bool
    peers_dns: bool
    bound: bool


@functools.cache
def table() -> Mapping[str, ServiceAgent]:
    """Every service agent by its short name, in the order of the data file."""
    data = yaml.safe_load(resources.files("infra.gcp").joinpath("data/service_agents.yaml").read_text())
    return {
        name: ServiceAgent(
            name,
            facts["service"],
            facts["address"],
            facts["found_by"],
            tuple(facts["keys"]),
            facts["pulls_images"],
            facts["peers_dns"],
            facts["bound"],
        )
        for name, facts in data["agents"].items()
    }


@dataclass(frozen=True, slots=True)
class ServiceAgentsArgs:
    """`number` is the project's number; `services` are the enabled APIs, without which no agent can be made.

    With `own` False nothing is made: the agents are known by their addresses. `custom_code` says that the
    first custom job has run, so that the agent which appears with it can be named too.
    """

    site: Site
    number: pulumi.Output[str]
    own: bool = True
    services: Sequence[pulumi.Resource] = field(default_factory=tuple)
    custom_code: bool = False


class ServiceAgents(pulumi.ComponentResource):
    """IAM members (`serviceAccount:...`) by the short names of the table; only those that exist."""

    members: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: ServiceAgentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:ServiceAgents", name, None, opts)
        self.members = {
            agent.name: self._member(args, agent)
            for agent in table().values()
            if agent.bound or args.custom_code
        }
        self.register_outputs({"members": self.members})

    def _member(self, args: ServiceAgentsArgs, agent: ServiceAgent) -> pulumi.Output[str]:
        site = args.site
        if args.own and agent.found_by == "service_identity":
            made = projects.ServiceIdentity(
                site.name("agents", agent.name),
                project=site.place.project,
                service=agent.service,
                opts=site.child(self, after=args.services),
            )
            return made.email.apply(_member)
        if agent.found_by == "get_project_service_account":
            asked = pulumi.InvokeOutputOptions(
                parent=self, provider=site.provider, depends_on=list(args.services) or None
            )
            found = storage.get_project_service_account_output(project=site.place.project, opts=asked)
            return found.email_address.apply(_member)
        if agent.found_by == "get_project_cmek_settings":
            asked = pulumi.InvokeOutputOptions(
                parent=self, provider=site.provider, depends_on=list(args.services) or None
            )
            settings = logging.get_project_cmek_settings_output(project=site.place.project, opts=asked)
            return settings.service_account_id.apply(_member)
        return args.number.apply(lambda number: _member(agent.address.format(number=number)))


def _member(email: str) -> str:
    return f"serviceAccount:{email}"
