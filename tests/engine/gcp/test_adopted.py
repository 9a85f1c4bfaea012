"""A zone in which everything is somebody else's: used as it is, never changed, never removed."""

from __future__ import annotations

from typing import Any

import pytest

from infra.gcp.services import needed
from localcloud import Cloud
from localcloud.place import NUMBER, PROJECT
from tests.engine.census import census
from tests.engine.clients import google
from tests.engine.ground import Ground, zones
from tests.engine.project import Outcome, stack_settings

pytestmark = pytest.mark.engine

REGION = "us-central1"
PLACE = f"projects/{PROJECT}/locations/{REGION}"
NETWORKS = f"/compute/v1/projects/{PROJECT}"
POOLS = f"projects/{PROJECT}/locations/global/workloadIdentityPools"
ISSUER = "token.actions.githubusercontent.com"
SUBJECT = "repo:acme/ml:ref:refs/heads/main"
USES = ("data", "output", "checkpoints", "staging")

# What an adopting zone still builds: two accounts and what they may do are what makes it a zone.
BUILT = {
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:projects/iAMCustomRole:IAMCustomRole",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:secretmanager/secret:Secret",
    "gcp:serviceaccount/account:Account",
    "gcp:serviceaccount/iAMMember:IAMMember",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
}


def _enabled(cloud: Cloud) -> None:
    """Enable every API, and let those have their service agents that make them only on request."""
    services = [service.api for service in needed(["federation"])]
    path = f"/v1/projects/{PROJECT}/services:batchEnable"
    for start in range(0, len(services), 20):  # as many as one call takes
        google(cloud, "serviceusage", path, body={"serviceIds": services[start : start + 20]})
    for service in ("aiplatform", "artifactregistry"):
        named = f"/v1beta1/projects/{PROJECT}/services/{service}.googleapis.com"
        google(cloud, "serviceusage", f"{named}:generateServiceIdentity", body={})


def _network(cloud: Cloud) -> dict[str, Any]:
    google(
        cloud, "compute", f"{NETWORKS}/global/networks", body={"name": "theirs", "autoCreateSubnetworks": False}
    )
    near = f"{NETWORKS}/regions/{REGION}"
    network, subnetwork = f"projects/{PROJECT}/global/networks/theirs", f"{near[12:]}/subnetworks/theirs"
    block = {"name": "theirs", "network": network, "ipCidrRange": "10.80.0.0/24"}
    google(cloud, "compute", f"{near}/subnetworks", body=block)
    attachment = {"name": "theirs", "connectionPreference": "ACCEPT_MANUAL", "subnetworks": [subnetwork]}
    google(cloud, "compute", f"{near}/networkAttachments", body=attachment)
    return {
        "mode": "existing",
        "jobs": "psc-interface",
        "network": network,
        "subnetwork": subnetwork,
        "networkAttachment": f"{near[12:]}/networkAttachments/theirs",
        "endpoints": {"all-apis": "10.80.255.254"},
    }


def _existing(cloud: Cloud) -> dict[str, Any]:
    for use in USES:
        bucket = {"name": f"theirs-{use}", "location": REGION}
        google(cloud, "storage", "/storage/v1/b", {"project": PROJECT}, bucket)
    google(cloud, "cloudkms", f"/v1/{PLACE}/keyRings", {"keyRingId": "theirs"}, {})
    keys = {}
    for use in ("data", "registry", "logs"):
        ring = f"/v1/{PLACE}/keyRings/theirs"
        made = google(
            cloud, "cloudkms", f"{ring}/cryptoKeys", {"cryptoKeyId": use}, {"purpose": "ENCRYPT_DECRYPT"}
        )
        keys[use] = made["name"]
    repositories = f"/v1/{PLACE}/repositories"
    google(cloud, "artifactregistry", repositories, {"repositoryId": "theirs"}, {"format": "DOCKER"})
    google(cloud, "logging", f"/v2/{PLACE}/buckets", {"bucketId": "theirs"}, {"retentionDays": 30})
    google(cloud, "iam", f"/v1/{POOLS}", {"workloadIdentityPoolId": "theirs"}, {})
    provider = {
        "oidc": {"issuerUri": f"https://{ISSUER}"},
        "attributeMapping": {"google.subject": "assertion.sub"},
    }
    providers = f"/v1/{POOLS}/theirs/providers"
    google(cloud, "iam", providers, {"workloadIdentityPoolProviderId": "github"}, provider)
    return {
        "buckets": {use: f"theirs-{use}" for use in USES},
        "keys": keys,
        "registry": "theirs",
        "logBucket": f"{PLACE}/buckets/theirs",
        "federation": f"projects/{NUMBER}/locations/global/workloadIdentityPools/theirs/providers/github",
    }


def test_a_zone_of_existing_things_changes_none_of_them_and_leaves_them_behind(own: Ground) -> None:
    (zone,) = stack_settings("local", "gcp")["launchway:zones"]
    _enabled(own.cloud)
    existing, network = _existing(own.cloud), _network(own.cloud)
    adopting = {
        **zone,
        "accountScope": "existing",
        "audit": "existing",
        "existing": existing,
        "network": network,
        "federation": {"issuer": ISSUER, "subjects": [SUBJECT]},
    }
    theirs = census(own.cloud, "gcp", REGION)
    project = own.project("adopted", {**stack_settings("local", "gcp"), "launchway:zones": [adopting]})
    up = project.up()
    assert {kind for kind, _ in up.steps if kind.startswith("gcp:")} <= BUILT
    assert project.preview("--expect-no-changes").changes == {}
    assert project.refresh("--expect-no-changes").changes == {}

    (found,) = zones(project).values()
    assert {use: getattr(found.buckets, use).name for use in USES} == existing["buckets"]
    assert {use: getattr(found.keys, use) for use in existing["keys"]} == existing["keys"]
    assert found.registry.url.endswith("/theirs")
    assert found.identities.federation == existing["federation"]
    assert (found.network.mode, found.network.ids.network) == ("existing", network["network"])
    assert found.network.ids.subnetwork == network["subnetwork"]
    assert found.network.ids.network_attachment == network["networkAttachment"]
    assert dict(found.network.endpoints) == network["endpoints"]

    project.destroy()
    assert census(own.cloud, "gcp", REGION) == theirs


GONE = "nobody-made-this"
KEY = f"{PLACE}/keyRings/{GONE}/cryptoKeys/data"
NAMED = f"projects/{PROJECT}/global/networks/{GONE}"
NEAR = f"projects/{PROJECT}/regions/{REGION}"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/{GONE}/providers/github"
FEDERATION = {"issuer": ISSUER, "subjects": [SUBJECT]}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("existing.buckets.data", {"existing": {"buckets": {"data": GONE}}}),
        ("existing.keys.data", {"existing": {"keys": {"data": KEY}}}),
        ("existing.registry", {"existing": {"registry": GONE}}),
        ("network.network", {"network": {"network": NAMED}}),
        ("network.subnetwork", {"network": {"subnetwork": f"{NEAR}/subnetworks/{GONE}"}}),
        ("network.networkAttachment", {"network": {"networkAttachment": f"{NEAR}/networkAttachments/{GONE}"}}),
        ("existing.federation", {"existing": {"federation": POOL}, "federation": FEDERATION}),
    ],
)
def test_an_adopted_thing_that_is_not_there_is_told_in_one_line_with_its_setting_before_anything_is_made(
    theirs: Ground, path: str, wanted: dict[str, Any]
) -> None:
    outcome = _preview(theirs, wanted)
    assert "Traceback" not in outcome.output
    (line,) = [line for line in outcome.message.splitlines() if GONE in line]
    assert line.startswith(f"launchway:zones[0].{path}: ")
    assert line.endswith("; correct the setting or remove it")


def test_a_bucket_in_another_place_is_refused_with_its_setting(theirs: Ground) -> None:
    elsewhere = {"name": "theirs-elsewhere", "location": "EU"}
    google(theirs.cloud, "storage", "/storage/v1/b", {"project": PROJECT}, elsewhere)
    outcome = _preview(theirs, {"existing": {"buckets": {"output": "theirs-elsewhere"}}})
    (line,) = [line for line in outcome.message.splitlines() if "theirs-elsewhere" in line]
    assert line.startswith("launchway:zones[0].existing.buckets.output: ")


@pytest.fixture(scope="module")
def theirs(shared: Ground) -> Ground:
    """The cloud with a network of somebody else's."""
    _enabled(shared.cloud)
    _network(shared.cloud)
    return shared


def _preview(ground: Ground, wanted: dict[str, Any]) -> Outcome:
    """A preview of a zone that adopts what is wanted, which must fail and make nothing."""
    (zone,) = stack_settings("local", "gcp")["launchway:zones"]
    adopting = {**zone, **wanted}
    if "network" in wanted:
        there = {
            "mode": "existing",
            "network": f"projects/{PROJECT}/global/networks/theirs",
            "subnetwork": f"{NEAR}/subnetworks/theirs",
            "networkAttachment": f"{NEAR}/networkAttachments/theirs",
        }
        adopting["network"] = {**there, **wanted["network"]}
    before = census(ground.cloud, "gcp", REGION)
    project = ground.project("adopted", {**stack_settings("local", "gcp"), "launchway:zones": [adopting]})
    outcome = project.preview(check=False)
    assert outcome.code != 0
    assert census(ground.cloud, "gcp", REGION) == before
    return outcome
