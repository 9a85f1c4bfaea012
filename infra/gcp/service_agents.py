"""Google's own accounts that act for a project: found once per project, so that grants can name them in time."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import pulumi
import yaml
from pulumi_gcp import logging, projects, storage

from infra.gcp.propagation import retry_while_granting
from infra.gcp.site import Site

FoundBy = Literal["get_project_service_account", "get_project_cmek_settings", "service_identity", "address"]


@dataclass(frozen=True, slots=True)
class ServiceAgent:
    """One row of data/service_agents.yaml.

    `address` has `{number}` where the project's number stands. `keys` are the uses whose key it must encrypt
    and decrypt with. `role` is what Google gives it when it makes it by itself. While not `bound`, it does not
    exist before its first use, and nothing may name it. `when` is the setting of a zone that needs
    it, if not all do.
    """

    name: str
    service: str
    address: str
    found_by: FoundBy
    role: str | None
    keys: tuple[str, ...]
    pulls_images: bool
    joins_network: bool
    bound: bool
    when: str | None = None


@functools.cache
def table() -> Mapping[str, ServiceAgent]:
    """Every service agent by its short name, in the order of the data file."""
    data = yaml.safe_load(resources.files("infra.gcp").joinpath("data/service_agents.yaml").read_text())
    return {
        name: ServiceAgent(name=name, **{**facts, "keys": tuple(facts["keys"])})
        for name, facts in data["agents"].items()
    }


@dataclass(frozen=True, slots=True)
class ServiceAgentsArgs:
    """`number` is the project's number; `services` are the enabled APIs, without which no agent can be made.

    With `own` False nothing is made and the agents are there already. `custom_code` says that a first custom
    job has run, so that the agent which appears with it can be named too; `secrets` that a zone has some.
    """

    site: Site
    number: pulumi.Output[str]
    own: bool = True
    services: Sequence[pulumi.Resource] = ()
    custom_code: bool = False
    secrets: bool = False


class ServiceAgents(pulumi.ComponentResource):
    """IAM members (`serviceAccount:...`) by the short names of the table; only those that exist."""

    members: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: ServiceAgentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:ServiceAgents", name, None, opts)
        self.members = {
            agent.name: self._email(args, agent).apply(lambda email: f"serviceAccount:{email}")
            for agent in table().values()
            if (agent.bound or args.custom_code) and (agent.when != "secrets" or args.secrets)
        }
        self.register_outputs({"members": self.members})

    def _email(self, args: ServiceAgentsArgs, agent: ServiceAgent) -> pulumi.Output[str]:
        site, project = args.site, args.site.place.project
        # A lookup asks at once, unless it is told what must be enabled before there is an answer.
        asked = pulumi.InvokeOutputOptions(parent=self, provider=site.provider, depends_on=list(args.services))
        if agent.found_by == "get_project_service_account":
            return storage.get_project_service_account_output(project=project, opts=asked).email_address
        if agent.found_by == "get_project_cmek_settings":
            return logging.get_project_cmek_settings_output(project=project, opts=asked).service_account_id
        if agent.found_by == "service_identity" and args.own:
            made = projects.ServiceIdentity(
                site.name("agents", agent.name),
                project=project,
                service=agent.service,
                opts=site.child(self, after=args.services),
            )
            if agent.role:
                self._as_google_does(site, agent, agent.role, made.email)
            return made.email
        return args.number.apply(lambda number: agent.address.format(number=number))

    def _as_google_does(self, site: Site, agent: ServiceAgent, role: str, email: pulumi.Output[str]) -> None:
        """Give an agent that was made on request what it would have got by itself.

        The binding stays when the stack goes: whatever else uses the service in this project needs it too.
        """
        named = site.name("agents", agent.name)
        options = site.child(self, hooks=retry_while_granting(site, named))
        options.retain_on_delete = True
        projects.IAMMember(
            named,
            project=site.place.project,
            role=role,
            member=email.apply(lambda found: f"serviceAccount:{found}"),
            opts=options,
        )
