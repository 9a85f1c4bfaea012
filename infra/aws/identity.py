"""The zone's two roles: what a job runs as (execution) and what the dispatcher acts as (agent)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
from pulumi_aws import get_caller_identity_output, iam

from infra.aws import policies, policies_trust
from infra.aws.policies import Landing, Statement
from infra.aws.propagation import wait_for_role
from infra.aws.site import Site

SESSION_SECONDS = 3600  # also the most that a session begun from another role may last


@dataclass(frozen=True, slots=True)
class Tokens:
    """Who signs in with web identity tokens; `provider` is the ARN of the identity provider."""

    provider: pulumi.Output[str]
    issuer: str
    audience: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentityArgs:
    """What the roles may touch.

    `landing` is exact; `sketch` is the same with stand-ins of the longest length for ids that only the cloud
    can tell, so that the number of policies is known before anything is built. `principals` are who may act
    as the agent, besides tokens; none means the deployer.
    """

    site: Site
    landing: pulumi.Output[Landing]
    sketch: Landing
    principals: tuple[str, ...] = ()
    tokens: Tokens | None = None


class Identity(pulumi.ComponentResource):
    """Role ARNs, and the exact actions each role was given."""

    execution: pulumi.Output[str]
    agent: pulumi.Output[str]
    execution_actions: tuple[str, ...]
    agent_actions: tuple[str, ...]

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Identity", name, None, opts)
        site, place = args.site, args.site.place
        execution_trust = pulumi.Output.from_input(policies.text(policies_trust.execution(place)))
        execution = self._role(site, "execution", "Runs training jobs", execution_trust, deployer_may_assume=False)
        self._grant(args, "execution", execution, policies.execution)
        agent = self._role(
            site, "agent", "Submits and watches training jobs", self._agent_trust(args), not args.principals
        )
        self._grant(args, "agent", agent, policies.agent)
        self.execution, self.agent = execution.arn, agent.arn
        self.execution_actions = policies.actions(policies.execution(args.sketch))
        self.agent_actions = policies.actions(policies.agent(args.sketch))
        self.register_outputs({"execution": self.execution, "agent": self.agent})

    def _role(
        self, site: Site, use: str, description: str, trust: pulumi.Output[str], deployer_may_assume: bool
    ) -> iam.Role:
        return iam.Role(
            site.name("identity", use),
            name=site.place.physical("iam-role", use),
            description=description,
            assume_role_policy=trust,
            max_session_duration=SESSION_SECONDS,
            opts=site.child(self, hooks=wait_for_role(site, use, caller_may_assume=deployer_may_assume)),
        )

    def _grant(
        self, args: IdentityArgs, use: str, role: iam.Role, statements: Callable[[Landing], list[Statement]]
    ) -> None:
        """Attach the statements as managed policies, as many as their size asks for."""
        for number, part in enumerate(policies.split(statements(args.sketch)), start=1):
            sids = {statement["Sid"] for statement in part["Statement"]}

            def exact(landing: Landing, sids: set[str] = sids) -> str:
                chosen = [statement for statement in statements(landing) if statement["Sid"] in sids]
                return policies.text(policies.document(chosen))

            logical = args.site.name("identity", f"{use}-{number}")
            policy = iam.Policy(
                logical,
                name=args.site.place.physical("iam-policy", f"{use}-{number}"),
                policy=args.landing.apply(exact),
                opts=args.site.child(self),
            )
            iam.RolePolicyAttachment(logical, role=role.name, policy_arn=policy.arn, opts=args.site.child(self))

    def _agent_trust(self, args: IdentityArgs) -> pulumi.Output[str]:
        """The agent's trust policy: the named principals, else the deployer, a person's session as its role."""
        principals = pulumi.Output.from_input(list(args.principals))
        if not args.principals:
            caller = get_caller_identity_output(opts=args.site.ask(self)).arn
            issuer = iam.get_session_context_output(arn=caller, opts=args.site.ask(self)).issuer_arn
            principals = issuer.apply(lambda arn: [arn])
        tokens = args.tokens
        if tokens is None:
            return principals.apply(lambda arns: policies.text(policies_trust.agent(arns, None)))

        def trust(found: list[list[str] | str]) -> str:
            arns, provider = found
            assert isinstance(arns, list)  # as Output.all was given them
            assert isinstance(provider, str)
            exact = policies_trust.Tokens(provider, tokens.issuer, tokens.audience, tokens.subjects)
            return policies.text(policies_trust.agent(arns, exact))

        return pulumi.Output.all(principals, tokens.provider).apply(trust)
