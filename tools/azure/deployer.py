"""Write the custom role that whoever runs `pulumi up` of an Azure zone needs, from what infra/azure uses.

python -m tools.azure.deployer --subscription 11111111-2222-4333-8444-555555555555 > role.json
python -m tools.azure.deployer --condition
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import yaml

from tools.declared import ROOT, used

TABLE = ROOT / "infra/azure/data/deployer.yaml"
COMMITTED = ROOT / "docs/deployer/azure.json"
PROVIDERS = ROOT / "infra/azure/data/resource_providers.yaml"
EXAMPLE = "11111111-2222-4333-8444-555555555555"
VERBS = ("read", "write", "delete")


def role(subscription: str) -> dict[str, Any]:
    """The role for one subscription (its id), as `az role definition create --role-definition` takes it.

    Raises KeyError for a type or lookup that the table does not know: write down what it needs first.
    """
    table = yaml.safe_load(TABLE.read_text())
    types, lookups = used("azure")
    actions: set[str] = set(table["always"])
    for token in types:
        known = table["types"][token]
        actions.update(f"{known['of']}/{verb}" for verb in known.get("verbs", VERBS))
        actions.update(known.get("besides", ()))
    for lookup in lookups:
        actions.update(table["invokes"][lookup])
    for namespace in yaml.safe_load(PROVIDERS.read_text())["resource_providers"]:
        actions.add(f"{namespace}/register/action")
    return {
        "Name": "Deploys launchway zones",
        "IsCustom": True,
        "Description": f"Exactly what `pulumi up`, `refresh` and `destroy` call, as of {table['as_of']}",
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{subscription}"],
    }


def condition() -> str:
    """The condition (version 2.0) to assign the role under: its holder gives nobody a role that gives roles."""
    never = ", ".join(yaml.safe_load(TABLE.read_text())["never_given"].values())
    parts = (
        f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{verb}'}})) OR "
        f"(@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
        f"ForAnyOfAllValues:GuidNotEquals {{{never}}}))"
        for verb, source in (("write", "Request"), ("delete", "Resource"))
    )
    return " AND ".join(parts)


def text(subscription: str = EXAMPLE) -> str:
    """The role as the file holds it."""
    return json.dumps(role(subscription), indent=2) + "\n"


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--subscription", default=EXAMPLE, help="the id of the subscription to deploy into")
    reader.add_argument("--condition", action="store_true", help="print the condition to assign the role under")
    chosen = reader.parse_args()
    print(f"{condition()}\n" if chosen.condition else text(chosen.subscription), end="")
