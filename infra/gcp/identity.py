"""The zone's two service accounts: what a job runs as (execution) and what the dispatcher acts as (agent)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import artifactregistry, organizations, projects, serviceaccount, storage

from dispatcher.contract import CODE_FOLDER
from infra.gcp import roles
from infra.gcp.propagation import retry_while_granting, wait_for_impersonation
from infra.gcp.roles import Holder, Role
from infra.gcp.site import Site
from infra.lookup import found

Members = Mapping[Holder, Sequence[tuple[str, pulumi.Input[str]]]]


@dataclass(frozen=True, slots=True)
class IdentityArgs:
    """What the accounts may touch.

    `number` is the project's number, `buckets` are names by use, `repository` is the short id of the one in the
    zone's project and region. `principals` are IAM members (`user:...`, `group:...`, `serviceAccount:...`) who
    may act as the agent; none means the deployer. `federated` are members of the workload identity pool who may
    besides. `vertex` is the service agent of Vertex AI; with `attachment`, it may attach jobs to the network.
    Secrets of the zone are those whose id begins with `<zone>-`.
    """

    site: Site
    number: pulumi.Output[str]
    buckets: Mapping[str, pulumi.Output[str]]
    repository: pulumi.Output[str]
    vertex: pulumi.Output[str]
    principals: tuple[str, ...] = ()
    federated: Sequence[pulumi.Output[str]] = ()
    image_push: bool = False
    attachment: bool = False


class Identity(pulumi.ComponentResource):
    """E-mail addresses of the accounts, and the exact permissions each was given.

    `generation` is new whenever the zone is built anew: for names that the cloud keeps after deletion.
    """

    execution: pulumi.Output[str]
    agent: pulumi.Output[str]
    generation: pulumi.Output[str]
    execution_actions: tuple[str, ...]
    agent_actions: tuple[str, ...]

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Identity", name, None, opts)
        site = args.site
        execution = self._account(site, "execution", "Runs training jobs")
        agent = self._account(site, "agent", "Submits and watches training jobs")
        self.generation = execution.unique_id.apply(roles.generation)
        accounts = {"execution": execution, "agent": agent}
        members: Members = {
            "execution": [("execution", execution.member)],
            "agent": [("agent", agent.member)],
            "principals": list(self._principals(args)),
            "vertex": [("vertex", args.vertex)],
        }
        when = [setting for setting, on in (("imagePush", args.image_push), ("attachment", args.attachment)) if on]
        for role in roles.chosen(when):
            self._grant(args, role, members, accounts)
        self.execution, self.agent = execution.email, agent.email
        self.execution_actions = roles.permissions("execution", when)
        self.agent_actions = roles.permissions("agent", when)
        self.register_outputs({"execution": self.execution, "agent": self.agent})

    def _account(self, site: Site, use: str, description: str) -> serviceaccount.Account:
        return serviceaccount.Account(
            site.name("identity", use),
            project=site.place.project,
            account_id=site.place.physical("service-account", use),
            display_name=site.name(use),
            description=description,
            disabled=False,
            create_ignore_already_exists=False,
            opts=site.child(self),
        )

    def _principals(self, args: IdentityArgs) -> Iterator[tuple[str, pulumi.Input[str]]]:
        """Who may become the agent, each with a number that keeps its place in the list."""
        if args.principals:
            yield from ((f"principal-{index}", member) for index, member in enumerate(args.principals))
        else:
            ask = args.site.ask(self)
            caller = found(
                args.site.setting("principals"),
                "the deployer",
                lambda: organizations.get_client_open_id_user_info(opts=ask),
            )
            yield "deployer", member_of(caller.email)
        yield from ((f"federated-{index}", member) for index, member in enumerate(args.federated))

    def _grant(
        self, args: IdentityArgs, role: Role, members: Members, accounts: Mapping[str, serviceaccount.Account]
    ) -> None:
        """Build the role and bind it wherever the table says."""
        site, place = args.site, args.site.place
        made = projects.IAMCustomRole(
            site.name("identity", role.name),
            project=place.project,
            role_id=self.generation.apply(lambda generation: roles.role_id(place, role.name, generation)),
            title=f"{place.name}: {role.title}",
            description=f"Zone {place.name}: {role.title}",
            permissions=list(role.permissions),
            stage="GA",
            opts=site.child(self),
        )
        for grant in role.grants:
            for who, member in members[grant.holder]:
                for target in grant.on:
                    self._bind(args, f"{role.name}-{target}-{who}", made.name, member, target, accounts)

    def _bind(
        self,
        args: IdentityArgs,
        use: str,
        role: pulumi.Output[str],
        member: pulumi.Input[str],
        target: str,
        accounts: Mapping[str, serviceaccount.Account],
    ) -> None:
        """Give `member` the role on one thing; a binding adds to what others have there."""
        site, project = args.site, args.site.place.project
        # Whoever deploys can try at once whether the grant has travelled; nobody can for somebody else.
        deployer = use.endswith("-deployer")
        there = wait_for_impersonation(site, site.place.service_account("agent")) if deployer else None
        logical = site.name("identity", use)
        hooks = pulumi.ResourceHookBinding.merge(retry_while_granting(site, logical), there)
        opts = site.child(self, hooks=hooks)
        if target in accounts:
            named = accounts[target].name
            serviceaccount.IAMMember(logical, service_account_id=named, role=role, member=member, opts=opts)
        elif target in args.buckets:
            storage.BucketIAMMember(logical, bucket=args.buckets[target], role=role, member=member, opts=opts)
        elif target == "code":
            data = args.buckets["data"]
            condition: storage.BucketIAMMemberConditionArgsDict = {
                "title": f"{site.place.name}-code",
                "description": f"Objects of the folder {CODE_FOLDER}",
                "expression": data.apply(roles.code_condition),
            }
            storage.BucketIAMMember(logical, bucket=data, role=role, member=member, condition=condition, opts=opts)
        elif target == "repository":
            artifactregistry.RepositoryIamMember(
                logical,
                project=project,
                location=site.place.region,
                repository=args.repository,
                role=role,
                member=member,
                opts=opts,
            )
        else:
            narrowed: projects.IAMMemberConditionArgsDict | None = None
            if target == "secrets":
                expression = args.number.apply(lambda number: roles.secrets_condition(site.place, number))
                narrowed = {
                    "title": f"{site.place.name}-secrets",
                    "description": f"Secrets whose id begins with {site.place.name}-",
                    "expression": expression,
                }
            projects.IAMMember(logical, project=project, role=role, member=member, condition=narrowed, opts=opts)


def member_of(email: str) -> str:
    """The IAM member of whoever signs in under `email`."""
    kind = "serviceAccount" if email.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{email}"
