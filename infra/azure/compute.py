"""The zone's clusters: one per entry of its `compute`, empty while no job runs, without any public address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.azure.identity import Principal
from infra.azure.propagation import retry_while_granting
from infra.azure.settings import Compute as Wanted
from infra.azure.site import LONG, Site
from infra.azure.workspace import Workspace

IDLE = "PT10M"  # how long a node without a job stays, of those above the minimum


@dataclass(frozen=True, slots=True)
class ComputeArgs:
    """`wanted` are the zone's entries; jobs on them run as `execution`.

    `subnet` is where nodes are in a network of the zone's own; None in the workspace's managed network.
    `ready` is what must be there first: private endpoints that nodes reach the workspace by.
    """

    site: Site
    workspace: Workspace
    execution: Principal
    wanted: Sequence[Wanted]
    subnet: pulumi.Output[str] | None = None
    ready: Sequence[pulumi.Resource] = ()


class Compute(pulumi.ComponentResource):
    """Clusters of dedicated VMs: those of low priority have Spot VMs since 2026-03-31, at an open price."""

    def __init__(self, name: str, args: ComputeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Compute", name, None, opts)
        site, place = args.site, args.site.place
        for wanted in args.wanted:
            named = site.name("compute", wanted.name)
            after = (*args.workspace.ready, *args.ready)
            options = site.child(self, after=after, hooks=retry_while_granting(site, named))
            options.delete_before_replace = True  # the name is the zone's own and cannot be there twice
            options.custom_timeouts = LONG
            ml.Compute(
                named,
                resource_group_name=args.workspace.group,
                workspace_name=args.workspace.name,
                compute_name=wanted.name,
                location=place.region,
                identity={"type": "UserAssigned", "user_assigned_identities": [args.execution.id]},
                properties=ml.AmlComputeArgs(
                    compute_type="AmlCompute",
                    compute_location=place.region,
                    description=f"{place.name}: {wanted.instance}",
                    disable_local_auth=True,
                    properties=ml.AmlComputePropertiesArgs(
                        vm_size=wanted.instance,
                        vm_priority="Dedicated",
                        os_type="Linux",
                        enable_node_public_ip=False,
                        remote_login_port_public_access="Disabled",
                        scale_settings=ml.ScaleSettingsArgs(
                            min_node_count=wanted.min,
                            max_node_count=wanted.max,
                            node_idle_time_before_scale_down=IDLE,
                        ),
                        subnet=ml.ResourceIdArgs(id=args.subnet) if args.subnet is not None else None,
                    ),
                ),
                tags=dict(site.tags),
                opts=options,
            )
        self.register_outputs({})
