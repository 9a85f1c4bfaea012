"""The workspace's datastores, one per container of the zone: jobs reach it as themselves, no key is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.azure import clouds
from infra.azure.propagation import retry_while_granting
from infra.azure.site import Site
from infra.azure.workspace import Workspace


@dataclass(frozen=True, slots=True)
class DatastoresArgs:
    """`containers` are names by use (data, output, checkpoints) in the storage account called `account`."""

    site: Site
    workspace: Workspace
    account: pulumi.Output[str]
    containers: Mapping[str, pulumi.Output[str]]


class Datastores(pulumi.ComponentResource):
    """A datastore per use, called like it (names of datastores take no hyphens, those of containers do)."""

    def __init__(self, name: str, args: DatastoresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Datastores", name, None, opts)
        site = args.site
        for use, container in args.containers.items():
            named = site.name("datastores", use)
            ml.Datastore(
                named,
                resource_group_name=args.workspace.group,
                workspace_name=args.workspace.name,
                name=use,
                skip_validation=True,  # the service would look from outside, where nothing answers
                properties=ml.AzureBlobDatastoreArgs(
                    datastore_type="AzureBlob",
                    description=f"{site.place.name}: {use}",
                    account_name=args.account,
                    container_name=container,
                    endpoint=clouds.of(site.place.environment).storage,
                    protocol="https",
                    credentials=ml.NoneDatastoreCredentialsArgs(credentials_type="None"),
                    service_data_access_auth_identity="WorkspaceUserAssignedIdentity",
                    tags=dict(site.tags),
                ),
                opts=site.child(self, after=args.workspace.ready, hooks=retry_while_granting(site, named)),
            )
        self.register_outputs({})
