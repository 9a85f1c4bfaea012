"""Microsoft.OperationalInsights and Microsoft.Insights: where logs go, and which resources send theirs there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.store import Resource, Resources, written
from localcloud.azure.errors import bad, conflict
from localcloud.azure.state import TENANT, State

WORKSPACES = "Microsoft.OperationalInsights/workspaces"
COMPONENTS = "Microsoft.Insights/components"
SETTINGS = "Microsoft.Insights/diagnosticSettings"
_KEPT = 14 * 86_400.0


@dataclass
class DeletedWorkspaces:
    """Log Analytics workspaces that a new one of the same id recovers: customer id and when it went, by id."""

    state: State
    by_key: dict[str, tuple[str, str, float]] = field(default_factory=dict)


def _check_workspace(put: Put) -> None:
    """A name that was deleted less than 14 days ago is recovered in its old place, or refused in another."""
    known = put.state.store(DeletedWorkspaces).by_key.get(put.target.key)
    if known is None or put.old is not None or put.state.clock() - known[2] > _KEPT:
        return
    if known[1] != put.body["location"]:
        raise conflict(
            f"The workspace name '{put.target.name}' is not unique: a deleted workspace in {known[1]} holds it."
        )


def _made_workspace(state: State, resource: Resource) -> None:
    deleted = state.store(DeletedWorkspaces).by_key.pop(resource.id.lower(), None)
    recovered = deleted and state.clock() - deleted[2] <= _KEPT
    own = resource.kept.setdefault("customer", deleted[0] if deleted and recovered else str(uuid.uuid4()))
    properties = resource.properties
    properties.setdefault("retentionInDays", 30)
    properties.setdefault("sku", {"name": "PerGB2018"})
    properties |= {
        "customerId": own,
        "provisioningState": "Succeeded",
        "createdDate": written(resource.created),
        "modifiedDate": written(resource.changed),
    }


def _leave_workspace(state: State, resource: Resource) -> None:
    entry = (resource.properties["customerId"], resource.location, state.clock())
    state.store(DeletedWorkspaces).by_key[resource.id.lower()] = entry


def _check_component(put: Put) -> None:
    wanted = (put.body.get("properties") or {}).get("WorkspaceResourceId")
    if not wanted:
        raise bad("WorkspaceResourceId is required: classic Application Insights is retired.", "BadRequest")
    put.state.store(Resources).get(wanted, WORKSPACES)


def _made_component(state: State, resource: Resource) -> None:
    ids = resource.kept.setdefault("ids", {"app": str(uuid.uuid4()), "key": str(uuid.uuid4())})
    host = f"https://{resource.location}-0.in.applicationinsights.azure.com/"
    resource.properties.update(
        {
            "AppId": ids["app"],
            "ApplicationId": resource.name,
            "ConnectionString": f"InstrumentationKey={ids['key']};IngestionEndpoint={host}",
            "CreationDate": written(resource.created),
            "InstrumentationKey": ids["key"],
            "Name": resource.name,
            "TenantId": TENANT,
            "provisioningState": "Succeeded",
        }
    )


def _check_setting(put: Put) -> None:
    properties = put.body["properties"]
    places = [properties.get(name) for name in ("workspaceId", "storageAccountId")]
    others = [properties.get(name) for name in ("eventHubAuthorizationRuleId", "marketplacePartnerId")]
    if not any([*places, *others]):
        raise bad("At least one data sink needs to be specified.", "BadRequest")
    for id in filter(None, places):
        put.state.store(Resources).get(id)
    for one in put.state.store(Resources).of(SETTINGS, put.target.parent):
        below = one.id[: one.id.lower().index(f"/providers/{SETTINGS}/".lower())]
        if one is put.old or below.lower() != put.target.parent.lower():
            continue
        for place in ("workspaceId", "storageAccountId"):
            mine = str(properties.get(place) or "").lower()
            if mine and mine == str(one.properties.get(place) or "").lower():
                raise conflict(
                    f"Data sink '{properties[place]}' is already used in diagnostic setting '{one.name}' for a "
                    f"category of '{put.target.parent}'. Data sinks can't be reused in different settings on "
                    "the same category for the same resource."
                )


KINDS = {
    WORKSPACES: Kind(
        _check_workspace,
        _made_workspace,
        leave=_leave_workspace,
        slow=frozenset({"PUT"}),
        versions=("2022-10-01",),
    ),
    COMPONENTS: Kind(_check_component, _made_component),
    SETTINGS: Kind(_check_setting),
}
