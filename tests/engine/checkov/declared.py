"""What a stack declares, as the form of it that Checkov reads for each cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.engine.checkov import arm, terraform
from tests.engine.project import Key, Resource

# The package of Pulumi's that each cloud's resources are of.
PACKAGES = {"aws": "aws", "azure": arm.PACKAGE, "gcp": "gcp"}


def clouds(resources: Mapping[Key, Resource]) -> list[str]:
    """The clouds of which something is declared."""
    there = {kind.partition(":")[0] for kind, _ in resources}
    return [cloud for cloud, package in PACKAGES.items() if package in there]


def document(resources: Mapping[Key, Resource], cloud: str) -> Mapping[str, Any]:
    """One cloud's resources: a template of Resource Manager for Azure, else Terraform JSON."""
    return arm.document(resources) if cloud == "azure" else terraform.document(resources, cloud)
