"""Write the custom roles that whoever runs `pulumi up` of a Google Cloud zone needs, from what infra/gcp uses.

python -m tools.gcp.deployer > docs/deployer/gcp.json
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from tools.declared import ROOT, used

TABLE = ROOT / "infra/gcp/data/deployer.yaml"
COMMITTED = ROOT / "docs/deployer/gcp.json"
TITLES = {
    "project": "Deploys launchway zones",
    "organization": "Draws perimeters around projects with launchway zones",
    "billingAccount": "Keeps the budgets of projects with launchway zones",
}


def roles() -> dict[str, dict[str, Any]]:
    """Custom roles by where they are given, each as `gcloud iam roles create --file` takes it.

    Raises KeyError for a type or lookup that the table does not know: write down what it needs first.
    """
    table = yaml.safe_load(TABLE.read_text())
    types, lookups = used("gcp")
    needed: set[str] = set(table["always"])
    for token in types:
        needed.update(table["types"][token])
    for lookup in lookups:
        needed.update(table["invokes"][lookup])
    elsewhere = table["elsewhere"]
    found = {}
    for where, title in TITLES.items():
        here = {name for name in needed if elsewhere.get(name.partition(".")[0], "project") == where}
        found[where] = {
            "title": title,
            "description": f"Exactly what `pulumi up`, `refresh` and `destroy` call, as of {table['as_of']}",
            "stage": "GA",
            "includedPermissions": sorted(here),
        }
    return found


def text() -> str:
    """The roles as the file holds them."""
    return json.dumps(roles(), indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")
