"""The roles of whoever deploys to Google Cloud are made from what a zone uses, and say no more than the table."""

from __future__ import annotations

import re

import pytest
import yaml

from tools.declared import used
from tools.gcp import deployer

# pulumi_gcp warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# Permissions a custom role takes: `service.resource.verb`, or with the API's whole name before the resource.
FORM = re.compile(r"([a-z]+|iam\.googleapis\.com/(?=[a-z]))\.?[a-zA-Z]+\.[a-zA-Z]+")


def test_the_committed_roles_are_what_the_code_needs_today() -> None:
    assert deployer.COMMITTED.read_text() == deployer.text(), (
        "run: python -m tools.gcp.deployer > docs/deployer/gcp.json"
    )


def test_the_table_knows_no_type_that_nothing_uses() -> None:
    table = yaml.safe_load(deployer.TABLE.read_text())
    types, lookups = used("gcp")
    assert set(table["types"]) == types
    assert set(table["invokes"]) == lookups


def test_no_permission_is_a_wildcard() -> None:
    for role in deployer.roles().values():
        assert role["includedPermissions"]
        for permission in role["includedPermissions"]:
            assert FORM.fullmatch(permission), permission


def test_perimeters_and_budgets_are_apart_from_the_project() -> None:
    found = deployer.roles()
    services = {
        where: {name.partition(".")[0] for name in role["includedPermissions"]} for where, role in found.items()
    }
    assert services["organization"] == {"accesscontextmanager"}
    assert services["billingAccount"] == {"billing"}
    assert not services["project"] & {"accesscontextmanager", "billing"}


def test_a_deployer_reads_no_data_and_makes_no_keys() -> None:
    given = set(deployer.roles()["project"]["includedPermissions"])
    assert not {name for name in given if "serviceAccountKeys" in name or "useToDecrypt" in name}
    assert not given & {
        "storage.objects.get",
        "secretmanager.versions.access",
        "artifactregistry.repositories.downloadArtifacts",
        "iam.serviceAccounts.actAs",
        "iam.serviceAccounts.getAccessToken",
    }
    assert not {name for name in given if name.startswith("aiplatform.")}
