"""The contract that a stack exports is the contract that the dispatcher reads, and everything in it is there."""

from __future__ import annotations

import pytest

from dispatcher import contract
from tests.engine.ground import Ground, views
from tests.engine.project import Project
from tests.engine.security.azure.view import View

pytestmark = pytest.mark.engine


@pytest.fixture
def view(shared: Ground, local: Project) -> View:
    (found,) = views(shared, local)
    assert isinstance(found, View)
    return found


def test_the_exported_contract_is_one_that_the_dispatcher_accepts(local: Project) -> None:
    document = local.outputs()["contract"]
    parsed = contract.parse(document)
    assert contract.as_json(parsed) == document
    assert (parsed.environment, list(parsed.zones)) == ("local", ["azure-weu"])


def test_the_workspace_of_the_contract_exists_where_it_says(view: View) -> None:
    assert view.workspace["name"] == view.zone.workspace
    assert view.workspace["location"] == view.zone.region


def test_every_container_of_the_contract_exists_under_its_address(view: View) -> None:
    there = {
        f"{account['properties']['primaryEndpoints']['blob']}{container['name']}"
        for account in view.accounts
        for container in view.containers
        if container["id"].startswith(f"{account['id']}/")
    }
    buckets = view.zone.buckets
    for bucket in (buckets.data, buckets.output, buckets.checkpoints):
        assert bucket.uri in there
        assert bucket.uri.endswith(f"/{bucket.name}")


def test_every_key_of_the_contract_exists(view: View) -> None:
    keys = view.zone.keys
    assert {keys.data, keys.registry, keys.logs} == {key["properties"]["keyUri"] for key in view.keys}


def test_the_registry_of_the_contract_exists_under_its_address(view: View) -> None:
    assert view.registry["id"] == view.zone.registry.id
    assert view.registry["properties"]["loginServer"] == view.zone.registry.url


def test_every_identity_of_the_contract_exists_with_the_id_it_signs_in_with(view: View) -> None:
    identities = view.zone.identities
    for id, client in (
        (identities.execution, identities.execution_client_id),
        (identities.agent, identities.agent_client_id),
    ):
        assert view.get(id)["properties"]["clientId"] == client


def test_the_store_of_secrets_of_the_contract_exists(view: View) -> None:
    assert view.zone.secrets.store in {vault["properties"]["vaultUri"].rstrip("/") for vault in view.vaults}


def test_every_network_id_of_the_contract_exists(view: View) -> None:
    ids = view.zone.network.ids
    assert ids.vnet
    for id in (ids.vnet, *ids.subnets, *view.zone.network.endpoints.values()):
        assert view.get(id)["id"] == id


def test_the_contract_names_every_cluster(view: View) -> None:
    clusters = {one["name"]: one["properties"]["properties"]["vmSize"] for one in view.clusters}
    assert {one.name: one.instance for one in view.zone.compute} == clusters


def test_the_contract_holds_no_secret(local: Project) -> None:
    text = str(local.outputs()["contract"]).lower()
    words = ("password", "instrumentationkey", "sharedaccess", "testing", "127.0.0.1", "_azure")
    assert [word for word in words if word in text] == []
