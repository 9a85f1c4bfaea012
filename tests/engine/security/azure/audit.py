"""The records of who did what, as the cloud reports them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.azure.view import Thing, View

# Types that can tell of themselves, all but services of storage, which are below their account
# (learn.microsoft.com/azure/azure-monitor/reference/supported-logs/logs-index).
_SERVICES = ("blob", "file", "queue", "table")
_TELLING = (
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.KeyVault/vaults",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
)
_ACTIVITY = {"Administrative", "Policy", "Security"}
_LONGEST = 730  # days that Log Analytics keeps


def everything_is_recorded(view: View) -> Iterator[str]:
    """Each thing that can tell of itself sends all of its logs to a Log Analytics workspace of ours."""
    services = [f"{one['id']}/{use}Services/default" for one in view.accounts for use in _SERVICES]
    for id in [*(one["id"] for one in view.resources if one["type"] in _TELLING), *services]:
        if not any(_whole(setting) and _ours(view, setting) for setting in view.settings(id)):
            yield f"nobody records what {id} tells"


def _whole(setting: Thing) -> bool:
    logs = setting["properties"].get("logs", [])
    return any(log.get("categoryGroup") == "allLogs" and log["enabled"] for log in logs)


def _ours(view: View, setting: Thing) -> bool:
    to = str(setting["properties"].get("workspaceId")).lower()
    return to in {one["id"].lower() for one in view.logs}


def what_is_done_to_the_subscription_is_kept(view: View) -> Iterator[str]:
    """Azure forgets its activity log after 90 days: ours keeps it."""
    kept = {
        log.get("category")
        for setting in view.settings(view.subscription)
        if _ours(view, setting)
        for log in setting["properties"].get("logs", [])
        if log["enabled"]
    }
    if missing := _ACTIVITY - kept:
        yield f"nobody keeps {sorted(missing)} of the activity log"


def records_are_kept_as_long_as_the_contract_says(view: View) -> Iterator[str]:
    """Every Log Analytics workspace keeps what it takes as long as the zone promises."""
    if not view.logs:
        yield "no Log Analytics workspace"
    for one in view.logs:
        wanted = min(view.zone.controls.retention_days, _LONGEST)
        if (found := one["properties"].get("retentionInDays")) < wanted:
            yield f"{one['name']} forgets after {found} days"


def nobody_writes_records_with_a_shared_key(view: View) -> Iterator[str]:
    """Neither Log Analytics nor Application Insights takes what comes with a key."""
    for one in view.logs:
        if not one["properties"].get("features", {}).get("disableLocalAuth"):
            yield f"{one['name']} has keys"
    for one in view.insights:
        if not one["properties"].get("DisableLocalAuth"):
            yield f"{one['name']} takes what comes with its instrumentation key"


def records_arrive_from_inside_only(view: View) -> Iterator[str]:
    """In a private zone, what the internet sends is not taken into the records."""
    if view.private:
        for one in [*view.logs, *view.insights]:
            if (found := one["properties"].get("publicNetworkAccessForIngestion")) != "Disabled":
                yield f"{one['name']}: ingestion from the internet is {found}"


def what_jobs_log_is_encrypted_with_the_logs_key(view: View) -> Iterator[str]:
    """The workspace, which keeps runs and metrics, has the key of logs; Microsoft collects less of it."""
    properties = view.workspace["properties"]
    encryption = properties.get("encryption", {})
    key = str(encryption.get("keyVaultProperties", {}).get("keyIdentifier"))
    if encryption.get("status") != "Enabled" or not key.startswith(f"{view.zone.keys.logs}/"):
        yield f"what jobs log is encrypted with {key}"
    if properties.get("enableServiceSideCMKEncryption"):
        yield "what jobs log is encrypted in a way that knows no rotation, and no closed vault"
    if not properties.get("hbiWorkspace"):
        yield "the workspace is not one of high business impact"
