"""Audit configs of a project's policy: which accesses to the data of a service are written down."""

from __future__ import annotations

from localcloud.plugin.gcp.fields import Json
from localcloud.plugin.gcp.handlers.members import PLACES, Policy
from localcloud.plugin.gcp.session import Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

PLACE = PLACES["projects/iAMMember:IAMMember"]
MASK = "bindings,etag,auditConfigs"


def _configs(inputs: Properties) -> list[Json]:
    return [
        {"logType": one["logType"]}
        | ({"exemptedMembers": one["exemptedMembers"]} if one.get("exemptedMembers") else {})
        for one in inputs["auditLogConfigs"]
    ]


def put(gcp: Gcp, inputs: Properties) -> str:
    def change(policy: Json) -> None:
        others = [one for one in policy.get("auditConfigs", []) if one["service"] != inputs["service"]]
        policy["auditConfigs"] = [*others, {"service": inputs["service"], "auditLogConfigs": _configs(inputs)}]

    Policy(gcp, PLACE, inputs).change(change, MASK)
    project = (inputs.get("project") or gcp.project).removeprefix("projects/")
    return f"{project}/audit_config/{inputs['service']}"


def read(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    project, _, service = id.replace(" ", "/audit_config/").partition("/audit_config/")
    policy = Policy(gcp, PLACE, {"project": project}).read()
    found = next((one for one in policy.get("auditConfigs", []) if one["service"] == service), None)
    if found is None:
        return None
    return {
        "id": f"{project}/audit_config/{service}",
        "project": known.get("project") or project,
        "service": service,
        "auditLogConfigs": [
            {"logType": one["logType"], "exemptedMembers": one.get("exemptedMembers", [])}
            for one in found["auditLogConfigs"]
        ],
        "etag": policy.get("etag", ""),
    }


def update(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    put(gcp, new)


def delete(gcp: Gcp, id: str, state: Properties) -> None:
    def change(policy: Json) -> None:
        policy["auditConfigs"] = [
            one for one in policy.get("auditConfigs", []) if one["service"] != state["service"]
        ]

    Policy(gcp, PLACE, state).change(change, MASK)


RESOURCES = {"gcp:projects/iAMAuditConfig:IAMAuditConfig": Resource("IAMAuditConfig", put, read, update, delete)}
