"""Settings of stacks as tests need them: one that is right, and ways to change it."""

from __future__ import annotations

import copy
from typing import Any

ACCOUNT = "123456789012"
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"


def zone(**changes: Any) -> dict[str, Any]:
    """A well-formed zone with `changes` on top; a value of None removes the key."""
    made: dict[str, Any] = {
        "name": "aws-euc1",
        "cloud": "aws",
        "region": "eu-central-1",
        "account": ACCOUNT,
        **copy.deepcopy(changes),
    }
    return {key: value for key, value in made.items() if value is not None}


def gcp_zone(**changes: Any) -> dict[str, Any]:
    """A well-formed zone on Google Cloud with `changes` on top; a value of None removes the key."""
    base = {"name": "gcp-euw4", "cloud": "gcp", "region": "europe-west4", "project": "acme-ml-eu"}
    return zone(**{"account": None, **base, **changes})


def azure_zone(**changes: Any) -> dict[str, Any]:
    """A well-formed zone on Azure with `changes` on top; a value of None removes the key."""
    base = {"name": "azure-weu", "cloud": "azure", "region": "westeurope", "subscription": SUBSCRIPTION}
    return zone(**{"account": None, **base, **changes})


def stack(*zones: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A well-formed stack of these zones (one, when none is given) with `changes` on top."""
    made: dict[str, Any] = {"owner": "ml-platform", "zones": list(zones) or [zone()], **changes}
    return {key: value for key, value in made.items() if value is not None}
