"""Zones of other shapes than those of stacks/: two in one project, NAT, peering, perimeter, public, durable."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.census import census
from tests.engine.census.gcp import BILLING
from tests.engine.checkov import terraform
from tests.engine.checkov.judge import judge
from tests.engine.clients import google
from tests.engine.ground import Ground, views, zones
from tests.engine.life import inspect
from tests.engine.project import stack_settings

pytestmark = pytest.mark.engine

REGION = "us-central1"
OFFICE = "accessPolicies/123456789/accessLevels/office"
PERIMETER = {"accessPolicy": "123456789", "enforced": True, "accessLevels": [OFFICE]}


def _zone(**settings: Any) -> dict[str, Any]:
    (zone,) = stack_settings("local", "gcp")["launchway:zones"]
    return {**zone, **settings}


def _settings(*found: dict[str, Any]) -> dict[str, Any]:
    return {**stack_settings("local", "gcp"), "launchway:zones": list(found)}


def _complaints(ground: Ground, project: Any) -> dict[str, list[str]]:
    return {name: said for name, said in inspect(ground, project).items() if said}


def test_two_zones_of_one_project_share_what_a_project_has_once(own: Ground) -> None:
    federation = {
        "issuer": "token.actions.githubusercontent.com",
        "subjects": ["repo:acme/ml:ref:refs/heads/main"],
    }
    budget = {"monthlyUsd": 500, "emails": ["ada@example.com"]}
    once = {"federation": federation, "budget": budget, "billingAccount": BILLING}
    first = _zone(name="first", **once)
    second = _zone(name="second", region="europe-west4", network={"cidr": "10.65.0.0/16"})
    project = own.project("two", _settings(first, second))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    found = zones(project)
    assert set(found) == {"first", "second"}
    kinds = [kind for kind, _ in project.export()]
    assert kinds.count("gcp:iam/workloadIdentityPool:WorkloadIdentityPool") == 1
    there = census(own.cloud, "gcp", REGION)
    (channel,) = there["monitoring.notificationChannels"]
    (spending,) = there["billingbudgets.budgets"]
    told = google(own.cloud, "billingbudgets", f"/v1/{spending}")["notificationsRule"]
    assert told["monitoringNotificationChannels"] == [channel]
    reached = google(own.cloud, "monitoring", f"/v3/{channel}")
    assert reached["labels"] == {"email_address": "ada@example.com"}
    services = [
        found.inputs["service"]
        for found in project.export().values()
        if found.type == "gcp:projects/service:Service"
    ]
    assert len(services) == len(set(services))
    assert len({zone.identities.agent for zone in found.values()}) == 2
    assert len({zone.identities.federation for zone in found.values()}) == 1
    project.destroy()
    assert census(own.cloud, "gcp", REGION) | census(own.cloud, "gcp", "europe-west4") == {}


def test_a_zone_with_nat_leaves_by_one_address_that_records(own: Ground) -> None:
    project = own.project("nat", _settings(_zone(network={"egress": "nat"})))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert view.zone.network.egress == "nat"
    (router,) = view.compute(f"{view.near}/routers")
    (nat,) = router["nats"]
    assert nat["logConfig"]["enable"]
    assert nat["natIpAllocateOption"] == "MANUAL_ONLY"
    assert _complaints(own, project) == {}
    project.destroy()
    assert census(own.cloud, "gcp", REGION) == {}


def test_peered_jobs_are_told_by_their_range_and_lose_the_way_out(own: Ground) -> None:
    network = {"jobs": "peering", "peeringRange": "10.192.0.0/16", "egress": "none"}
    project = own.project("peered", _settings(_zone(network=network)))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (found,) = zones(project).values()
    assert found.network.egress == "none"
    assert found.network.ids.reserved_ranges
    assert not found.network.ids.network_attachment
    assert _complaints(own, project) == {}
    project.destroy()
    assert census(own.cloud, "gcp", REGION) == {}


def test_an_enforced_perimeter_makes_egress_none_true(own: Ground) -> None:
    project = own.project("closed", _settings(_zone(perimeter=PERIMETER, network={"egress": "none"})))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert view.zone.network.egress == "none"
    assert view.zone.network.perimeter
    assert set(view.zone.network.endpoints) == {"vpc-sc"}
    (perimeter,) = view.every(
        "accesscontextmanager", "/v1/accessPolicies/123456789/servicePerimeters", "servicePerimeters"
    )
    assert perimeter["status"]["resources"] == [f"projects/{view.zone.project_number}"]
    assert "aiplatform.googleapis.com" in perimeter["status"]["restrictedServices"]
    assert _complaints(own, project) == {}
    project.destroy()
    assert census(own.cloud, "gcp", REGION) == {}


def test_egress_none_that_nothing_makes_true_is_refused_before_anything_is_made(own: Ground) -> None:
    outcome = own.project("claimed", _settings(_zone(network={"egress": "none"}))).preview(check=False)
    assert outcome.code != 0
    (message,) = [error for error in outcome.errors if "launchway:" in error]
    assert "launchway:zones[0].network.egress" in message
    assert "perimeter" in message
    assert [kind for kind, _ in outcome.steps if kind.startswith("gcp:")] == []
    assert census(own.cloud, "gcp", REGION) == {}


def test_a_public_zone_has_keys_buckets_and_accounts_and_no_network(own: Ground) -> None:
    project = own.project("open", _settings(_zone(network={"mode": "public"})))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (found,) = zones(project).values()
    assert (found.network.mode, found.network.ids.network) == ("public", None)
    assert not [kind for kind, _ in project.export() if kind.startswith("gcp:compute/")]


def test_a_durable_zone_refuses_destroy_with_the_command_that_lifts_the_protection(own: Ground) -> None:
    project = own.project("durable", _settings(_zone(lifetime="durable")))
    project.up()
    before = census(own.cloud, "gcp", REGION)
    refused = project.destroy(check=False)
    assert refused.code != 0
    assert "protect" in refused.message
    assert "pulumi state unprotect" in refused.message
    after = census(own.cloud, "gcp", REGION)
    for things in ("storage.items", "cloudkms.cryptoKeys", "artifactregistry.repositories"):
        assert after.get(things) == before.get(things)
    protected = {found.type for found in project.export().values() if found.protect}
    assert {
        "gcp:storage/bucket:Bucket",
        "gcp:kms/cryptoKey:CryptoKey",
        "gcp:artifactregistry/repository:Repository",
    } <= protected

    verdict = judge(terraform.document(project.export(), "gcp"), own.folder / "checkov")
    assert "CKV_GCP_82" in verdict.passed.keys() - verdict.failed.keys()

    # Whoever means it says so in the settings: that lifts the engine's protection and the provider's own.
    project.configure(_settings(_zone(lifetime="disposable")))
    project.up()
    project.destroy()
    assert census(own.cloud, "gcp", REGION) == {}
