"""Write `data/`: the types of every ARM resource that the local cloud keeps, out of extracts of bicep-types-az.

Run: `python -m localcloud.azure.types.derive FOLDER...`; each folder holds `microsoft.*.json` or `types-*.json`
files that are arrays of bicep types (github.com/Azure/bicep-types-az, `generated/**/types.json`, MIT License). Of
each file the closures of the resource types in `WANTED` are kept, descriptions dropped, one type per line.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
WANTED = frozenset(
    {
        "Microsoft.Authorization/locks",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Authorization/roleDefinitions",
        "Microsoft.Consumption/budgets",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.Insights/components",
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/vaults/keys",
        "Microsoft.KeyVault/vaults/secrets",
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/data",
        "Microsoft.MachineLearningServices/workspaces/data/versions",
        "Microsoft.MachineLearningServices/workspaces/datastores",
        "Microsoft.MachineLearningServices/workspaces/environments",
        "Microsoft.MachineLearningServices/workspaces/environments/versions",
        "Microsoft.MachineLearningServices/workspaces/jobs",
        "Microsoft.MachineLearningServices/workspaces/outboundRules",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/storageAccounts/blobServices",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/managementPolicies",
    }
)


def main(*folders: str) -> None:
    """Read every file of the folders and write one file per provider namespace and api-version."""
    roots: dict[str, tuple[list[Any], int]] = {}
    for folder in map(Path, folders):
        for file in sorted(folder.glob("*.json")):
            types = json.loads(file.read_text())
            if isinstance(types, list):
                for number, one in enumerate(types):
                    name = one.get("name", "")
                    if one["$type"] == "ResourceType" and name.partition("@")[0] in WANTED:
                        roots.setdefault(name, (types, number))
    files: dict[str, list[str]] = {}
    for name in sorted(roots):
        kind, _, version = name.partition("@")
        files.setdefault(f"{kind.partition('/')[0].lower()}-{version}.json", []).append(name)
    for file_name, names in files.items():
        kept = _Kept()
        for name in names:
            types, number = roots[name]
            kept.take(types, number)
        lines = ",\n".join(json.dumps(one, separators=(",", ":"), ensure_ascii=False) for one in kept.types)
        (DATA / file_name).write_text(f"[\n{lines}\n]\n")
    index = json.loads((DATA / "index.json").read_text())
    index["types"] = {name.partition("@")[0]: file for file, names in files.items() for name in names}
    (DATA / "index.json").write_text(json.dumps(index, indent=1) + "\n")


class _Kept:
    """The types kept so far, renumbered in the order in which they are met."""

    def __init__(self) -> None:
        self.types: list[Any] = []
        self._numbers: dict[tuple[int, int], int] = {}

    def take(self, source: list[Any], number: int) -> int:
        """Keep a type and all that it refers to; its number here."""
        at = id(source), number
        if at not in self._numbers:
            self._numbers[at] = len(self.types)
            self.types.append(None)
            self.types[self._numbers[at]] = self._copied(source, source[number])
        return self._numbers[at]

    def _copied(self, source: list[Any], value: Any) -> Any:
        if isinstance(value, list):
            return [self._copied(source, one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"$ref"}:
            return {"$ref": f"#/{self.take(source, int(re.sub('^#/', '', value['$ref'])))}"}
        return {key: self._copied(source, one) for key, one in _plain(value)}


def _plain(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys of a type or a property without its description; a property may itself be named so."""
    prose = isinstance(value.get("description"), str)
    yield from ((key, one) for key, one in value.items() if not (prose and key == "description"))


if __name__ == "__main__":
    main(*sys.argv[1:])
