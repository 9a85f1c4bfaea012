"""The contract that a stack exports is the contract that the dispatcher reads, and everything in it is there."""

from __future__ import annotations

import pytest

from dispatcher import contract
from tests.engine.ground import Ground, views
from tests.engine.project import Project
from tests.engine.security.gcp.view import View

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
    assert (parsed.environment, list(parsed.zones)) == ("local", ["gcp-usc1"])


def test_the_project_of_the_contract_has_its_number(view: View) -> None:
    assert view.get("cloudresourcemanager", f"/v1/{view.project}")["projectNumber"] == view.zone.project_number


def test_every_bucket_of_the_contract_exists(view: View) -> None:
    buckets = view.zone.buckets
    for bucket in (buckets.data, buckets.output, buckets.checkpoints, buckets.staging):
        assert bucket
        assert view.get("storage", f"/storage/v1/b/{bucket.name}")["name"] == bucket.name
        assert bucket.uri == f"gs://{bucket.name}"


def test_every_key_of_the_contract_can_encrypt(view: View) -> None:
    keys = view.zone.keys
    assert {keys.data, keys.registry, keys.logs} <= {key["name"] for key in view.keys}


def test_the_registry_of_the_contract_exists_under_its_address(view: View) -> None:
    registry = view.zone.registry
    assert view.repository["name"] == registry.id
    place = f"{view.zone.region}-docker.pkg.dev/{view.zone.project}"
    assert registry.url == f"{place}/{registry.id.rpartition('/')[2]}"


def test_every_identity_of_the_contract_exists(view: View) -> None:
    identities = view.zone.identities
    assert {identities.execution, identities.agent} <= {account["email"] for account in view.accounts}


def test_every_network_name_of_the_contract_exists(view: View) -> None:
    ids = view.zone.network.ids
    for name in (ids.network, ids.subnetwork, ids.network_attachment):
        assert name
        assert view.get("compute", f"/compute/v1/{name}")["name"] == name.rpartition("/")[2]
    assert {one["address"] for one in view.compute("global/addresses")} >= set(
        view.zone.network.endpoints.values()
    )


def test_the_contract_holds_no_secret(local: Project) -> None:
    text = str(local.outputs()["contract"]).lower()
    words = ("password", "private_key", "access_token", "testing", "127.0.0.1", "_gcp")
    assert [word for word in words if word in text] == []
