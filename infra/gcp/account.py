"""What a project has once, whatever the number of its zones: APIs, service agents, audit, perimeter, budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import accesscontextmanager, iam, logging, organizations, projects

from infra.base import Budget
from infra.gcp import budget, idle, keys, roles
from infra.gcp.audit import AUDIT_LOGS, JOB_LOGS, LogBucket, LogBucketArgs
from infra.gcp.federation import Federation, FederationArgs
from infra.gcp.perimeter import Perimeter, PerimeterArgs, full_name
from infra.gcp.propagation import wait_for_service
from infra.gcp.service_agents import ServiceAgents, ServiceAgentsArgs
from infra.gcp.services import Service, needed
from infra.gcp.settings import Perimeter as PerimeterSettings
from infra.gcp.site import Site
from infra.lookup import found

# Every kind of Data Access log: what is read and written, and what is read of settings.
DATA_ACCESS = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")


@dataclass(frozen=True, slots=True)
class AccountArgs:
    """One project. `home` is where its audit log is kept, `retention_days` long; `zones` are its zones by name.

    `subjects` are whose tokens (of `issuer`, for `audience`) each zone takes. `identities` are the members that
    an own perimeter lets in. With `own` False nothing is built and everything is looked up.
    `settings` has the whole path of each setting that names something to look up, by its path in a zone.
    """

    home: Site
    zones: tuple[str, ...]
    own: bool
    own_audit: bool
    retention_days: int
    peering: bool
    custom_code: bool
    secrets: bool
    issuer: str | None
    audience: str | None
    subjects: Mapping[str, tuple[str, ...]]
    existing_federation: str | None
    existing_log_bucket: str | None
    perimeter: PerimeterSettings | None
    existing_perimeter: str | None
    identities: tuple[str, ...]
    budget: Budget | None
    billing_account: str | None
    settings: Mapping[str, str]


def _needed(args: AccountArgs) -> list[Service]:
    """The APIs of the project, those among them that only some settings ask for."""
    on = {"peering": args.peering, "perimeter": args.perimeter, "budget": args.budget, "federation": args.issuer}
    return needed(name for name, value in on.items() if value)


class Account(pulumi.ComponentResource):
    """The project's number, its service agents (IAM members by short name), and what its zones share.

    `federation` is the full name of the workload identity provider, `perimeter` that of an enforced perimeter,
    `ready` what must be there before a zone's own things are made.
    """

    number: pulumi.Output[str]
    agents: Mapping[str, pulumi.Output[str]]
    federation: pulumi.Output[str] | None
    own_federation: bool
    perimeter: pulumi.Output[str] | None
    log_bucket: pulumi.Output[str] | None
    ready: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Account", name, None, opts)
        site, under = args.home, pulumi.ResourceOptions(parent=self)
        project = site.place.project
        known = found(
            args.settings["project"],
            f"project {project}",
            lambda: organizations.get_project(project_id=project, opts=site.ask(self)),
        )
        self.number = pulumi.Output.from_input(known.number)
        self.ready = self._services(args)
        self.agents = ServiceAgents(
            site.name("agents"),
            ServiceAgentsArgs(site, self.number, args.own, self.ready, args.custom_code, args.secrets),
            under,
        ).members
        idle.PRICES.tell(f"project {project}", idle.account_lines(int(args.own_audit), site.place.region), self)
        self.own_federation = bool(args.own and args.issuer and not args.existing_federation)
        self.log_bucket, self.federation = None, self._adopted_federation(args)
        if args.own and (args.own_audit or self.own_federation):
            self._own(args)
        if args.existing_log_bucket:
            # There is no lookup of log buckets: reading the resource by its name shows that it is there.
            self.log_bucket = logging.ProjectBucketConfig.get(
                site.name("audit", "adopted"), args.existing_log_bucket, opts=site.child(self)
            ).name
        self._args, self._agents = args, dict[str, pulumi.Output[str]]()
        self.perimeter = self._perimeter(args)
        if args.own and args.budget and args.billing_account:
            budget.build(site, self, args.budget, args.billing_account, self.number, self.ready)
        self.register_outputs({"number": self.number, "federation": self.federation, "perimeter": self.perimeter})

    def _services(self, args: AccountArgs) -> list[pulumi.Resource]:
        """Enable every API that is needed, one resource each, and wait until it answers."""
        site, wanted = args.home, _needed(args)
        if args.own:
            return [self._enable(site, service) for service in wanted]
        for service in wanted:
            self._enabled(args, service)
        return []

    def _enable(self, site: Site, service: Service) -> pulumi.Resource:
        return projects.Service(
            site.name("services", service.name),
            project=site.place.project,
            service=service.api,
            disable_on_destroy=False,  # others in the project may use it
            opts=site.child(self, hooks=wait_for_service(site, service)),
        )

    def _enabled(self, args: AccountArgs, service: Service) -> None:
        """Tell in one line when an API is missing that somebody else was to enable."""
        site = args.home
        found(
            args.settings["accountScope"],
            f"the API {service.api} of project {site.place.project}",
            lambda: projects.get_project_service(
                project=site.place.project, service=service.api, opts=site.ask(self)
            ),
        )

    def _own(self, args: AccountArgs) -> None:
        """The audit log under a key of its own, and the pool of CI's tokens.

        The key ring's name is the engine's, new with every new stack, and so are the names made from it: the
        cloud keeps those of deleted log buckets and pools.
        """
        site = args.home
        # What is in this component waits for what it waits for: the APIs.
        waiting = pulumi.ResourceOptions(parent=self, depends_on=list(self.ready))
        kept_here = pulumi.ComponentResource("launchway:gcp:Audit", site.name("audit"), None, waiting)
        under = pulumi.ResourceOptions(parent=kept_here)
        ring = keys.ring(site, kept_here)
        generation = ring.name.apply(roles.generation)
        if args.own_audit:
            key = keys.key(site, kept_here, ring, "audit", keys.agents_of("logs", self.agents))
            kept = LogBucketArgs(
                site,
                "audit",
                generation,
                f"{AUDIT_LOGS} OR {JOB_LOGS}",
                key,
                args.retention_days,
                f"{site.place.project}: who did what, and what jobs wrote",
            )
            self.log_bucket = LogBucket(site.name("audit", "trail"), kept, under).bucket
            for service in _needed(args):
                if service.audited:
                    projects.IAMAuditConfig(
                        site.name("audit", service.name),
                        project=site.place.project,
                        service=service.api,
                        audit_log_configs=[{"log_type": kind} for kind in DATA_ACCESS],
                        opts=site.child(kept_here),
                    )
        if self.own_federation and args.issuer:
            pool = FederationArgs(site, args.issuer, args.audience, args.subjects, generation)
            self.federation = Federation(site.name("account", "federation"), pool, under).provider

    def _adopted_federation(self, args: AccountArgs) -> pulumi.Output[str] | None:
        if not args.existing_federation:
            return None
        owner, _, rest = args.existing_federation.removeprefix("projects/").partition("/")
        *_, pool, _, provider = rest.split("/")
        known = found(
            args.settings["existing.federation"],
            f"workload identity provider {args.existing_federation}",
            lambda: iam.get_workload_identity_pool_provider(
                project=owner,
                workload_identity_pool_id=pool,
                workload_identity_pool_provider_id=provider,
                opts=args.home.ask(self),
            ),
        )
        return pulumi.Output.from_input(known.name)

    def _perimeter(self, args: AccountArgs) -> pulumi.Output[str] | None:
        """The full name of the perimeter that is enforced around the project, ours or another's."""
        site = args.home
        if args.existing_perimeter:
            return accesscontextmanager.ServicePerimeter.get(
                site.name("account", "perimeter"), args.existing_perimeter, opts=site.child(self)
            ).name
        if args.own and args.perimeter and args.perimeter.enforced:
            return pulumi.Output.from_input(full_name(site, args.perimeter.access_policy))
        return None

    def admit(self, zone: str, agent: pulumi.Output[str]) -> None:
        """Let a zone's agent (its e-mail) into the project's own perimeter.

        It is drawn when every zone has told its agent: a perimeter takes only accounts that exist, and an agent
        on a laptop is outside of it like anybody else.
        """
        args, self._agents[zone] = self._args, agent
        if not (args.own and args.perimeter) or set(self._agents) != set(args.zones):
            return
        site, wanted = args.home, args.perimeter
        agents = [agent.apply(lambda email: f"serviceAccount:{email}") for agent in self._agents.values()]
        drawn = PerimeterArgs(
            site,
            wanted.access_policy,
            self.number,
            wanted.enforced,
            (*args.identities, *agents),
            wanted.access_levels,
        )
        opts = pulumi.ResourceOptions(parent=self, depends_on=list(self.ready))
        Perimeter(site.name("account", "perimeter"), drawn, opts)
