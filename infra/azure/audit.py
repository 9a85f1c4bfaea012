"""Where records are kept: Log Analytics, Application Insights beside it, and an archive for many years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from infra.azure.bucket import AccountArgs, BlobAccount
from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.identity import Principal
from infra.azure.keys import Key
from infra.azure.resource_id import parse
from infra.azure.site import Site
from infra.lookup import found

# Days that Log Analytics keeps (learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure).
SHORTEST_DAYS, LONGEST_DAYS = 30, 730
INSIGHTS_DAYS = 90  # Application Insights' own default; what it takes goes to Log Analytics


@dataclass(frozen=True, slots=True)
class AuditArgs:
    """`existing` is the resource id of a Log Analytics workspace to adopt.

    Without `insights`, no Application Insights is built: a subscription's own audit needs none.
    """

    site: Site
    group: Group
    retention_days: int
    private: bool
    existing: str | None = None
    insights: bool = True


class Audit(pulumi.ComponentResource):
    """Resource ids: `log_analytics`, and `insights`, which keeps there what it takes. `watched` is our own."""

    log_analytics: pulumi.Output[str]
    insights: pulumi.Output[str] | None
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Audit", name, None, opts)
        self.watched = {}
        if args.existing:
            self.log_analytics = self._adopted(args, args.existing)
        else:
            self.log_analytics = self._log_analytics(args)
            self.watched = {
                "log-analytics": Watched("Microsoft.OperationalInsights/workspaces", self.log_analytics)
            }
        self.insights = self._insights(args) if args.insights else None
        self.register_outputs({"logAnalytics": self.log_analytics, "insights": self.insights})

    def _adopted(self, args: AuditArgs, id: str) -> pulumi.Output[str]:
        of = parse(id)
        known = found(
            args.site.setting("existing.logAnalytics"),
            f"Log Analytics workspace {id}",
            lambda: operationalinsights.get_workspace(
                resource_group_name=of.group, workspace_name=of.name, opts=args.site.ask(self)
            ),
        )
        return pulumi.Output.from_input(known.id)

    def _log_analytics(self, args: AuditArgs) -> pulumi.Output[str]:
        site, place = args.site, args.site.place
        made = operationalinsights.Workspace(
            site.name("audit", "logs"),
            resource_group_name=args.group.name,
            workspace_name=args.group.generation.apply(
                lambda generation: place.physical("log-analytics", "logs", generation)
            ),
            location=place.region,
            tags=dict(site.tags),
            sku={"name": "PerGB2018"},
            retention_in_days=min(max(args.retention_days, SHORTEST_DAYS), LONGEST_DAYS),
            features={
                "disable_local_auth": True,  # no shared key
                "enable_log_access_using_only_resource_permissions": True,
                "immediate_purge_data_on30_days": False,
            },
            # Diagnostic logs come by Azure's own way whatever is said here; agents on machines do not.
            public_network_access_for_ingestion="Disabled" if args.private else "Enabled",
            # Who may read is told by roles. Without this, an audit would need a private link of Azure Monitor.
            public_network_access_for_query="Enabled",
            force_cmk_for_query=False,
            opts=site.child(self, keep=True),
        )
        return made.id

    def _insights(self, args: AuditArgs) -> pulumi.Output[str]:
        site, place = args.site, args.site.place
        made = applicationinsights.Component(
            site.name("audit", "insights"),
            resource_group_name=args.group.name,
            resource_name_=place.physical("insights", "insights"),
            location=place.region,
            tags=dict(site.tags),
            kind="web",
            application_type="web",
            flow_type="Bluefield",
            request_source="rest",
            ingestion_mode="LogAnalytics",
            workspace_resource_id=self.log_analytics,
            retention_in_days=INSIGHTS_DAYS,
            disable_ip_masking=False,
            disable_local_auth=True,  # no instrumentation key lets anybody write
            force_customer_storage_for_profiler=False,
            public_network_access_for_ingestion="Disabled" if args.private else "Enabled",
            public_network_access_for_query="Enabled",  # as with Log Analytics
            opts=site.child(self),
        )
        return made.id


@dataclass(frozen=True, slots=True)
class ArchiveArgs:
    """`encryption` is what the archive uses `key` as; what is in it goes after `retention_days`."""

    site: Site
    group: Group
    key: Key
    encryption: Principal
    private: bool
    retention_days: int


class Archive(pulumi.ComponentResource):
    """A storage account for records that outlive what Log Analytics keeps: its resource id is `account`."""

    account: pulumi.Output[str]
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: ArchiveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Archive", name, None, opts)
        site, place = args.site, args.site.place
        of = AccountArgs(
            site,
            args.group,
            place.physical("storage", "logs"),
            args.key,
            args.encryption,
            args.private,
            deleted_days=0 if place.disposable else SHORTEST_DAYS,
            expire={"": args.retention_days},
        )
        made = BlobAccount(site.name("audit", "archive"), of, pulumi.ResourceOptions(parent=self))
        self.account = made.id
        # What is written into the archive is not recorded in it: each record would make another.
        self.watched = made.watched("archive", archived=False)
        self.register_outputs({"account": self.account})
