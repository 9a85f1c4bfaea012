"""The zone's two service accounts: what a job runs as (execution) and what the dispatcher acts as (agent)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class IdentityArgs:
    """What the accounts may touch.

    `buckets` are names by use. `repository` is (project, location, id). `number` is the project's number.
    `principals` are IAM members (`user:...`, `group:...`, `serviceAccount:...`) who may act as the agent;
    none means the deployer. `federated` are members of the workload identity pool (`principalSet://...`,
    `principal://...`). Secrets of the zone are those whose id begins with `<zone>-`.
    """

    site: Site
    number: pulumi.Output[str]
    buckets: Mapping[str, pulumi.Output[str]]
    repository: tuple[str, str, str]
    principals: tuple[str, ...] = ()
    federated: Sequence[pulumi.Output[str]] = ()
    image_push: bool = False
    after: Sequence[pulumi.Resource] = ()


class Identity(pulumi.ComponentResource):
    """E-mail addresses of the accounts, and the exact permissions each was given.

    `generation` is eight hexadecimal digits that are new whenever the zone is built anew: for names that GCP
    keeps after deletion.
    """

    execution: pulumi.Output[str]
    agent: pulumi.Output[str]
    generation: pulumi.Output[str]
    execution_actions: tuple[str, ...]
    agent_actions: tuple[str, ...]
