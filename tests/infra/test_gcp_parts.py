"""The parts of a zone on Google Cloud: every security property is said, and nothing starts before its grants."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

import localcloud
from infra.gcp import network, private_access, service_agents
from infra.gcp.registry import READ_IMAGES
from localcloud.plugin.schema import check
from localcloud.plugin.settings import loaded
from tests.infra.gcp_parts import ASKED, CIDR, NUMBER, PLACE, PROJECT, zone
from tests.infra.recorded import Record, each

# pulumi_gcp warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DISPOSABLE = replace(PLACE, disposable=True)
BUCKET = "storage/bucket:Bucket"
KEY = "kms/cryptoKey:CryptoKey"
GRANT = "kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
EVERYTHING: dict[str, Any] = {
    "nat": True,
    "image_push": True,
    "perimeter": True,
    "peering": "10.8.0.0/16",
    "cut_off": True,
}
PROPERTIES = Path(localcloud.__file__).parent / "plugin/gcp/data/schema.json"


@pytest.fixture(scope="module")
def whole() -> Record:
    """A zone with every part switched on; only read."""
    return zone(**EVERYTHING)


def test_every_resource_has_the_zone_s_own_provider(whole: Record) -> None:
    assert {made.provider.rpartition("::")[0].rpartition("::")[2] for made in whole.custom()} == {"gcp-euw4"}


def test_everything_that_can_be_named_is_named_by_us_but_the_key_ring(whole: Record) -> None:
    named = {"name", "accountId", "roleId", "repositoryId", "bucketId"}
    nameless = {made.type.rpartition(":")[2] for made in whole.custom() if not named & set(made.inputs)}
    bindings = {kind for kind in nameless if kind.lower().endswith("iammember")}
    assert nameless - bindings == {"KeyRing", "ServiceIdentity", "Connection", "VpcServiceControls"}


def test_no_name_is_longer_than_compute_takes(whole: Record) -> None:
    for made in whole.custom():
        if made.type.startswith("gcp:compute/"):
            assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", made.inputs["name"])


def test_buckets_say_every_security_property(whole: Record) -> None:
    buckets = whole.of(BUCKET)
    assert [made.name.rpartition("-")[2] for made in buckets] == ["checkpoints", "data", "output", "staging"]
    assert set(each(buckets, "uniformBucketLevelAccess")) == {True}
    assert set(each(buckets, "publicAccessPrevention")) == {"enforced"}
    assert set(each(buckets, "versioning.enabled")) == {True}
    assert set(each(buckets, "location")) == {"EUROPE-WEST4"}
    data_key = whole.named(KEY, "gcp-euw4-keys-data")
    wanted = f"{data_key.inputs['keyRing']}/cryptoKeys/data"
    assert set(each(buckets, "encryption.defaultKmsKeyName")) == {wanted}
    for source in ("googleManaged", "customerSupplied"):
        modes = each(buckets, f"encryption.{source}EncryptionEnforcementConfig.restrictionMode")
        assert set(modes) == {"FullyRestricted"}


def test_what_is_deleted_from_data_and_output_can_be_restored_for_a_week(whole: Record) -> None:
    kept = {
        made.name.rpartition("-")[2]: made.inputs["softDeletePolicy"]["retentionDurationSeconds"]
        for made in whole.of(BUCKET)
    }
    assert kept == {"data": 604_800, "output": 604_800, "checkpoints": 0, "staging": 0}


def test_nothing_is_kept_of_what_a_disposable_zone_deletes() -> None:
    made = zone(place=DISPOSABLE)
    assert set(each(made.of(BUCKET), "softDeletePolicy.retentionDurationSeconds")) == {0}
    assert set(each(made.of(BUCKET), "forceDestroy")) == {True}


def test_every_bucket_forgets_old_versions_and_abandoned_uploads(whole: Record) -> None:
    for made in whole.of(BUCKET):
        actions = [(rule["action"]["type"], rule["condition"]) for rule in made.inputs["lifecycleRules"]]
        assert ("Delete", {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"}) in actions
        assert ("AbortIncompleteMultipartUpload", {"age": 7}) in actions
        expiring = {
            "checkpoints": [{"age": 90, "withState": "LIVE"}],
            "staging": [{"age": 90, "withState": "LIVE"}],
            "data": [{"age": 180, "withState": "LIVE", "matchesPrefixes": ["code/"]}],
        }
        live = [condition for _, condition in actions if condition.get("withState") == "LIVE"]
        assert live == expiring.get(made.name.rpartition("-")[2], [])


def test_keys_rotate_within_90_days_and_can_be_restored_for_30(whole: Record) -> None:
    assert sorted(each(whole.of(KEY), "name")) == ["data", "logs", "registry"]
    assert set(each(whole.of(KEY), "rotationPeriod")) == {"7776000s"}
    assert set(each(whole.of(KEY), "destroyScheduledDuration")) == {"2592000s"}


def test_a_change_of_lifetime_replaces_no_key() -> None:
    """Everything but protection is the same: KMS changes neither a key's name nor how long it can be restored."""
    durable, disposable = zone(), zone(place=DISPOSABLE)
    for kept, freed in zip(durable.of(KEY), disposable.of(KEY), strict=True):
        assert {**kept.inputs, "deletionPolicy": ""} == {**freed.inputs, "deletionPolicy": ""}


@pytest.mark.parametrize(
    "kind",
    [BUCKET, KEY, "artifactregistry/repository:Repository", "logging/projectBucketConfig:ProjectBucketConfig"],
)
def test_what_holds_data_outlives_a_careless_destroy_unless_it_is_disposable(kind: str) -> None:
    for place, protect, policy in ((PLACE, True, "PREVENT"), (DISPOSABLE, False, "DELETE")):
        made = zone(place=place).of(kind)
        assert made
        assert {resource.protect for resource in made} == {protect}
        assert set(each(made, "deletionPolicy")) == {policy}


def test_the_key_ring_is_protected_and_named_by_the_engine() -> None:
    [ring] = zone().of("kms/keyRing:KeyRing")
    assert ring.protect
    assert "name" not in ring.inputs


@pytest.mark.parametrize(
    ("kind", "agents"),
    [
        (BUCKET, {"data-storage", "data-aiplatform"}),
        ("artifactregistry/repository:Repository", {"registry-artifactregistry"}),
        ("logging/projectBucketConfig:ProjectBucketConfig", {"logs-logging"}),
    ],
)
def test_nothing_is_encrypted_before_its_service_agent_may_use_the_key(kind: str, agents: set[str]) -> None:
    record = zone()
    by_urn = {made.urn: made.name for made in record.of(GRANT)}
    for made in record.of(kind):
        awaited = {by_urn[urn].removeprefix("gcp-euw4-keys-") for urn in record.awaited(made) if urn in by_urn}
        assert agents <= awaited


def test_an_agent_of_google_s_exists_before_anything_names_it() -> None:
    record = zone()
    identities = {
        made.inputs["service"].partition(".")[0]: made.urn
        for made in record.of("projects/serviceIdentity:ServiceIdentity")
    }
    assert set(identities) == {"aiplatform", "artifactregistry"}
    for made in record.of(GRANT):
        agent = made.name.rpartition("-")[2]
        if agent in identities:
            assert identities[agent] in record.awaited(made)


def test_an_agent_made_on_request_gets_what_google_would_have_given_it_and_keeps_it() -> None:
    given = {
        made.inputs["member"].partition("@")[2].partition(".")[0]: made
        for made in zone().of("projects/iAMMember:IAMMember")
        if made.inputs["role"].endswith(".serviceAgent")
    }
    assert {agent: made.inputs["role"] for agent, made in given.items()} == {
        "gcp-sa-aiplatform": "roles/aiplatform.serviceAgent",
        "gcp-sa-artifactregistry": "roles/artifactregistry.serviceAgent",
    }
    assert all(made.retained for made in given.values())


def test_storage_and_logging_tell_their_own_agents() -> None:
    members = {made.name.rpartition("-")[2]: made.inputs["member"] for made in zone().of(GRANT)}
    told = ASKED["gcp:storage/getProjectServiceAccount:getProjectServiceAccount"]["emailAddress"]
    assert members["storage"] == f"serviceAccount:{told}"
    told = ASKED["gcp:logging/getProjectCmekSettings:getProjectCmekSettings"]["serviceAccountId"]
    assert members["logging"] == f"serviceAccount:{told}"


def test_each_key_is_for_the_agents_of_its_use() -> None:
    found = {made.name.removeprefix("gcp-euw4-keys-") for made in zone().of(GRANT)}
    assert found == {"data-storage", "data-aiplatform", "registry-artifactregistry", "logs-logging"}


def test_images_are_pulled_by_vertex_s_agent_and_not_by_the_job_s_account() -> None:
    members = zone().of("artifactregistry/repositoryIamMember:RepositoryIamMember")
    pulled = {pull.inputs["member"] for pull in members if pull.inputs["role"] == READ_IMAGES}
    assert pulled == {f"serviceAccount:service-{NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"}
    assert not [pull for pull in members if "execution" in pull.inputs["member"]]


def test_the_custom_code_agent_is_named_only_once_it_is_there() -> None:
    def everybody(record: Record) -> str:
        return " ".join(str(made.inputs.get("member")) for made in record.custom())

    assert "gcp-sa-aiplatform-cc" not in everybody(zone())
    assert "gcp-sa-aiplatform-cc" in everybody(zone(custom_code=True))


def test_the_table_of_service_agents_names_only_known_uses_and_ways() -> None:
    for agent in service_agents.table().values():
        assert set(agent.keys) <= {"data", "registry", "logs"}
        assert agent.address.format(number=NUMBER).endswith(".iam.gserviceaccount.com")
        assert agent.bound == (agent.found_by != "address")


def test_adopted_things_are_looked_up_and_left_alone() -> None:
    record = zone(
        existing_key="projects/p/locations/l/keyRings/r/cryptoKeys/k",
        existing_bucket="acme-training-data",
        existing_registry="images",
    )
    assert sorted(each(record.of(KEY), "name")) == ["logs", "registry"]
    assert "acme-training-data" not in set(each(record.of(BUCKET), "name"))
    assert record.of("artifactregistry/repository:Repository") == []
    assert {made.name for made in record.of(GRANT)} == {
        "gcp-euw4-keys-registry-artifactregistry", "gcp-euw4-keys-logs-logging",
    }  # fmt: skip


def test_an_adopted_bucket_elsewhere_is_refused_with_its_setting() -> None:
    elsewhere = {"gcp:storage/getBucket:getBucket": {"name": "acme-training-data", "location": "US"}}
    with pytest.raises(
        pulumi.RunError, match=r"zones\[0\]\.existing\.buckets\.data: .* is in us, .* europe-west4"
    ):
        zone(elsewhere, existing_bucket="acme-training-data")


def test_an_adopted_key_that_signs_is_refused_with_its_setting() -> None:
    name = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    signs = {"gcp:kms/getKMSCryptoKey:getKMSCryptoKey": {"id": name, "purpose": "ASYMMETRIC_SIGN"}}
    with pytest.raises(pulumi.RunError, match=r"zones\[0\]\.existing\.keys\.data: .* ASYMMETRIC_SIGN"):
        zone(signs, existing_key=name)


def test_an_adopted_repository_of_packages_is_refused_with_its_setting() -> None:
    packages = {"gcp:artifactregistry/getRepository:getRepository": {"id": "r", "format": "PYTHON"}}
    with pytest.raises(pulumi.RunError, match=r"zones\[0\]\.existing\.registry: .* PYTHON"):
        zone(packages, existing_registry="images")


def test_the_registry_keeps_tags_scans_and_forgets_what_has_none(whole: Record) -> None:
    [made] = whole.of("artifactregistry/repository:Repository")
    assert made.inputs["format"] == "DOCKER"
    assert made.inputs["dockerConfig"] == {"immutableTags": True}
    assert made.inputs["vulnerabilityScanningConfig"] == {"enablementConfig": "INHERITED"}
    assert made.inputs["kmsKeyName"].endswith("/cryptoKeys/registry")
    [policy] = made.inputs["cleanupPolicies"]
    assert policy["condition"] == {"tagState": "UNTAGGED", "olderThan": "1209600s"}
    assert made.inputs["cleanupPolicyDryRun"] is False


def test_the_network_has_no_way_out_unless_nat_is_wanted() -> None:
    closed = zone()
    [vpc] = closed.of("compute/network:Network")
    assert vpc.inputs["deleteDefaultRoutesOnCreate"] is True
    assert vpc.inputs["autoCreateSubnetworks"] is False
    for kind in ("compute/route:Route", "compute/routerNat:RouterNat", "compute/address:Address"):
        assert closed.of(kind) == []
        assert zone(nat=True).of(kind)


def test_the_firewall_refuses_what_no_rule_allows_and_records_it(whole: Record) -> None:
    rules = {
        made.name.removeprefix("gcp-euw4-network-"): made.inputs for made in whole.of("compute/firewall:Firewall")
    }
    for direction, ranges in (("egress", "destinationRanges"), ("ingress", "sourceRanges")):
        rule = rules[f"deny-{direction}"]
        assert rule["direction"] == direction.upper()
        assert rule[ranges] == ["0.0.0.0/0"]
        assert rule["denies"] == [{"protocol": "all"}]
        assert rule["priority"] == 65_534
    assert rules["allow-apis"]["destinationRanges"] == ["10.64.255.254/32"]
    assert all(
        "allows" not in rule or rule["allows"] == [{"protocol": "tcp", "ports": ["443"]}]
        for rule in rules.values()
    )
    assert all(rule["logConfig"] == {"metadata": "INCLUDE_ALL_METADATA"} for rule in rules.values())
    assert "allow-internet" not in {
        made.name.removeprefix("gcp-euw4-network-") for made in zone().of("compute/firewall:Firewall")
    }


def test_every_subnetwork_reaches_google_privately_and_records_its_flows(whole: Record) -> None:
    subnetworks = whole.of("compute/subnetwork:Subnetwork")
    assert set(each(subnetworks, "privateIpGoogleAccess")) == {True}
    assert set(each(subnetworks, "logConfig.flowSampling")) == {1}
    [sink] = whole.of("logging/projectSink:ProjectSink")
    for name in each(subnetworks, "name"):
        assert f'"{name}"' in sink.inputs["filter"]


def test_ranges_lie_in_the_zone_s_own_and_apart_from_each_other() -> None:
    for cidr in (CIDR, ipaddress.IPv4Network("192.168.7.0/26")):
        blocks = [ipaddress.IPv4Network(block(cidr)) for block in (network.agents_block, network.jobs_block)]
        address = ipaddress.IPv4Address(network.endpoint_address(cidr))
        assert all(block.subnet_of(cidr) for block in blocks)
        assert not blocks[0].overlaps(blocks[1])
        assert address in cidr
        assert all(address not in block for block in blocks)


@pytest.mark.parametrize("bundle", ["all-apis", "vpc-sc"])
def test_one_private_address_answers_for_every_name_of_google_s_apis(bundle: str) -> None:
    record = zone(bundle=bundle)
    [rule] = record.of("compute/globalForwardingRule:GlobalForwardingRule")
    assert rule.inputs["target"] == bundle
    assert rule.inputs["loadBalancingScheme"] == ""
    assert re.fullmatch(r"[a-z][a-z0-9]{0,19}", rule.inputs["name"])
    records = {
        made.inputs["name"]: (made.inputs["type"], made.inputs["rrdatas"])
        for made in record.of("dns/recordSet:RecordSet")
    }
    for domain in private_access.domains():
        assert records[f"{domain}."] == ("A", ["10.64.255.254"])
        assert records[f"*.{domain}."] == ("CNAME", [f"{domain}."])
    assert set(each(record.of("dns/managedZone:ManagedZone"), "visibility")) == {"private"}


def test_the_names_that_agents_and_images_are_reached_by_lead_to_the_endpoint() -> None:
    for host in (
        "aiplatform.googleapis.com",
        "europe-west4-aiplatform.googleapis.com",
        "europe-west4-docker.pkg.dev",
    ):
        assert [domain for domain in private_access.domains() if host.endswith(f".{domain}")]


def test_without_an_endpoint_no_name_leads_to_one() -> None:
    record = zone(bundle=None)
    for kind in ("compute/globalForwardingRule:GlobalForwardingRule", "dns/managedZone:ManagedZone"):
        assert record.of(kind) == []


def test_the_longest_name_of_a_zone_still_makes_an_endpoint_s_name() -> None:
    for name in ("z" * 24, "a-b", "gcp-us-central1-training"):
        assert re.fullmatch(r"[a-z][a-z0-9]{0,19}", private_access.rule_name(replace(PLACE, name=name)))


def test_jobs_get_an_interface_whose_accept_list_vertex_keeps() -> None:
    [made] = zone().of("compute/networkAttachment:NetworkAttachment")
    assert made.inputs["connectionPreference"] == "ACCEPT_MANUAL"
    assert made.ignored == ("producerAcceptLists",)
    without = zone(attachment=False)
    assert without.of("compute/networkAttachment:NetworkAttachment") == []
    attachers = [
        made for made in without.of("projects/iAMCustomRole:IAMCustomRole") if made.name.endswith("-attacher")
    ]
    assert attachers == []


def test_a_peered_network_can_be_cut_off_from_the_internet(whole: Record) -> None:
    [reserved] = [
        made for made in whole.of("compute/globalAddress:GlobalAddress") if made.inputs["purpose"] == "VPC_PEERING"
    ]
    assert (reserved.inputs["address"], reserved.inputs["prefixLength"]) == ("10.8.0.0", 16)
    [cut] = whole.of("servicenetworking/vpcServiceControls:VpcServiceControls")
    [peered] = whole.of("servicenetworking/connection:Connection")
    assert cut.inputs["enabled"] is True
    assert peered.urn in whole.awaited(cut)
    assert zone(peering="10.8.0.0/16").of("servicenetworking/vpcServiceControls:VpcServiceControls") == []


def test_logs_of_the_network_stay_under_our_key_and_nowhere_else(whole: Record) -> None:
    [bucket] = whole.of("logging/projectBucketConfig:ProjectBucketConfig")
    assert bucket.inputs["cmekSettings"]["kmsKeyName"].endswith("/cryptoKeys/logs")
    assert bucket.inputs["retentionDays"] == 365
    assert bucket.inputs["locked"] is False
    [sink], [exclusion] = (
        whole.of("logging/projectSink:ProjectSink"),
        whole.of("logging/projectExclusion:ProjectExclusion"),
    )
    assert sink.inputs["filter"] == exclusion.inputs["filter"]
    assert sink.inputs["destination"].endswith(f"/buckets/{bucket.inputs['bucketId']}")
    assert sink.urn in whole.awaited(exclusion)


def test_a_perimeter_is_tried_before_it_is_enforced() -> None:
    for enforced, rules, other in ((True, "status", "spec"), (False, "spec", "status")):
        [made] = zone(perimeter=enforced).of("accesscontextmanager/servicePerimeter:ServicePerimeter")
        assert made.inputs["useExplicitDryRunSpec"] is not enforced
        assert other not in made.inputs
        assert made.inputs[rules]["resources"] == [f"projects/{NUMBER}"]
        assert {"aiplatform.googleapis.com", "storage.googleapis.com"} <= set(
            made.inputs[rules]["restrictedServices"]
        )
        assert re.fullmatch(r"accessPolicies/998877/servicePerimeters/[a-z]\w{0,49}", made.inputs["name"])


def test_a_perimeter_closes_every_store_and_queue_that_data_could_be_carried_to() -> None:
    [made] = zone(perimeter=True).of("accesscontextmanager/servicePerimeter:ServicePerimeter")
    closed = made.inputs["status"]["restrictedServices"]
    ways = (
        "storage",
        "bigquery",
        "bigtable",
        "spanner",
        "pubsub",
        "sqladmin",
        "storagetransfer",
        "logging",
        "run",
    )
    assert {f"{way}.googleapis.com" for way in ways} <= set(closed)
    assert closed == sorted(set(closed))


def test_everything_is_in_the_zone_s_project(whole: Record) -> None:
    assert {project for project in each(whole.custom(), "project") if project} == {PROJECT}


@pytest.mark.parametrize("choices", [{}, {"bundle": None, "attachment": False, "perimeter": False}, EVERYTHING])
def test_the_provider_knows_and_takes_every_property_that_is_set(choices: dict[str, Any]) -> None:
    """By the property table of the provider: names, types, enums, lengths, and which ones exclude each other."""
    table = loaded(PROPERTIES)
    for made in zone(**choices).custom():
        assert check(table[made.type], made.inputs).failures == (), made.name
