"""Write infra/azure/data/regions.yaml: the places of Azure's public cloud, out of a list Microsoft publishes.

    python -m tools.azure.regions modules/cached-data/locations.tf.json COMMIT

The file is that of github.com/Azure/terraform-azurerm-avm-utl-regions (MIT) at COMMIT: what `az account
list-locations` answered. Azure Government answers its own subscriptions only; its regions are by hand, below.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).resolve().parents[2] / "infra/azure/data/regions.yaml"
SOURCE = "github.com/Azure/terraform-azurerm-avm-utl-regions modules/cached-data/locations.tf.json@{commit} (MIT)"
# Regions of Azure Government with Azure ML.
GOVERNMENT = {
    "source": "learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure (Azure ML)",
    "regions": {"usgovarizona": "US Gov Arizona", "usgovvirginia": "US Gov Virginia"},
}


def places(document: dict[str, Any]) -> dict[str, str]:
    """Physical regions by name, with what people call them; staging regions are nobody's place."""
    listed = document["locals"]["locations_cached"]["value"]
    return {
        one["name"]: one["displayName"]
        for one in sorted(listed, key=lambda one: str(one["name"]))
        if one["metadata"]["regionType"] == "Physical" and not one["name"].endswith(("stg", "euap"))
    }


def main() -> None:
    path, commit = sys.argv[1:]
    found = places(json.loads(Path(path).read_text()))
    document = {
        "as_of": datetime.date.today().isoformat(),
        "clouds": {
            "public": {"source": SOURCE.format(commit=commit[:12]), "regions": found},
            "usgovernment": GOVERNMENT,
        },
    }
    head = "# Regions of Azure that a zone may be in. Written by tools/azure/regions.py; do not edit.\n"
    TARGET.write_text(head + yaml.safe_dump(document, sort_keys=False, width=110))


if __name__ == "__main__":
    main()
