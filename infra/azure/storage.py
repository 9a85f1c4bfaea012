"""The zone's storage account with its containers: data, output and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_azure_native import storage

from dispatcher.contract import CODE_DAYS, CODE_FOLDER
from infra.azure.bucket import AccountArgs, BlobAccount
from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.identity import Principal
from infra.azure.keys import Key
from infra.azure.resource_id import parse
from infra.azure.site import Site
from infra.lookup import found

USES = ("data", "output", "checkpoints")
PASSING = ("checkpoints",)  # what only matters for a time: it expires
DELETED_DAYS = 7  # how long what was deleted can be restored


@dataclass(frozen=True, slots=True)
class StorageArgs:
    """`encryption` is what the account uses `key` as. `retention_days` is how long checkpoints stay.

    `existing_account` is the resource id of an account to adopt, with the containers that the zone wants in it;
    `existing_containers` maps uses to their names where these are not the uses themselves.
    """

    site: Site
    group: Group
    key: Key
    encryption: Principal
    private: bool
    retention_days: int
    existing_account: str | None = None
    existing_containers: Mapping[str, str | None] = field(default_factory=dict)


class Storage(pulumi.ComponentResource):
    """The account's resource id (`account`) and name, its `blob_endpoint` (no slash at its end), its containers.

    An adopted account is looked up and left as it is, its encryption included. `ready` are the containers.
    `watched` are resource ids of what is our own, by use.
    """

    account: pulumi.Output[str]
    account_name: pulumi.Output[str]
    blob_endpoint: pulumi.Output[str]
    data: pulumi.Output[str]
    output: pulumi.Output[str]
    checkpoints: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Storage", name, None, opts)
        if args.existing_account:
            self._adopt(args, args.existing_account)
        else:
            self._build(args)
        self.register_outputs({"account": self.account, **{use: getattr(self, use) for use in USES}})

    def _build(self, args: StorageArgs) -> None:
        site, place = args.site, args.site.place
        made = BlobAccount(
            site.name("storage", "account"),
            AccountArgs(
                site,
                args.group,
                place.physical("storage"),
                args.key,
                args.encryption,
                args.private,
                deleted_days=0 if place.disposable else DELETED_DAYS,
                expire={
                    **{f"{use}/": args.retention_days for use in PASSING},
                    f"data/{CODE_FOLDER}/": CODE_DAYS,
                },
            ),
            pulumi.ResourceOptions(parent=self),
        )
        containers = {
            use: storage.BlobContainer(
                site.name("storage", use),
                resource_group_name=args.group.name,
                account_name=made.name,
                container_name=use,
                public_access=storage.PublicAccess.NONE,
                opts=site.child(self, after=made.ready, keep=True),
            )
            for use in USES
        }
        self.account, self.account_name, self.blob_endpoint = made.id, made.name, made.endpoint
        self.data, self.output, self.checkpoints = (containers[use].name for use in USES)
        self.ready = tuple(containers.values())
        self.watched = made.watched("storage")

    def _adopt(self, args: StorageArgs, id: str) -> None:
        """Look the account up, with its containers: it is in the zone's region."""
        site, of = args.site, parse(id)
        setting, ask = site.setting("existing.storage"), site.ask(self)
        known = found(
            setting,
            f"storage account {id}",
            lambda: storage.get_storage_account(resource_group_name=of.group, account_name=of.name, opts=ask),
        )
        if known.location != site.place.region:
            raise pulumi.RunError(
                f"{setting}: storage account {of.name} is in {known.location}, and the zone in "
                f"{site.place.region}; name one in the zone's region, or remove the setting"
            )
        names = {use: args.existing_containers.get(use) or use for use in USES}
        for use, named in names.items():
            found(
                site.setting(f"existing.buckets.{use}"),
                f"container {named} of {of.name}",
                lambda named=named: storage.get_blob_container(  # type: ignore[misc]  # no type is inferred for a default
                    resource_group_name=of.group, account_name=of.name, container_name=named, opts=ask
                ),
            )
        told = pulumi.Output.from_input
        self.account, self.account_name = told(known.id), told(known.name)
        self.blob_endpoint = told((known.primary_endpoints.blob or "").rstrip("/"))
        self.data, self.output, self.checkpoints = (told(names[use]) for use in USES)
        self.ready, self.watched = (), {}
