"""A whole zone on Google Cloud, wired: what its project has once, what it adopts, and the contract it tells."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from dispatcher import contract
from infra import config
from infra.gcp.services import table
from infra.settings import Environment
from infra.zone import Zone, ZoneArgs, accounts
from tests.infra.gcp_parts import ASKED, NUMBER, PROJECT, made
from tests.infra.recorded import Record, each, record
from tests.infra.stacks import gcp_zone, stack

# pulumi_gcp warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CI = {"issuer": "token.actions.githubusercontent.com", "subjects": ["repo:acme/train:*"]}
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/ci-pool/providers/github"
PERIMETER = "accessPolicies/123/servicePerimeters/ml"
NETWORK = f"projects/{PROJECT}/global/networks/shared"
ANSWERS = {
    **ASKED,
    "gcp:organizations/getProject:getProject": {"number": NUMBER},
    "gcp:projects/getProjectService:getProjectService": {"id": "there"},
    "gcp:iam/getWorkloadIdentityPoolProvider:getWorkloadIdentityPoolProvider": {"name": POOL},
    "gcp:compute/getNetwork:getNetwork": {"id": NETWORK},
    "gcp:compute/getSubnetwork:getSubnetwork": {
        "id": f"projects/{PROJECT}/regions/europe-west4/subnetworks/ml",
        "network": f"https://www.googleapis.com/compute/v1/{NETWORK}",
    },
    "gcp:compute/getNetworkAttachment:getNetworkAttachment": {
        "id": f"projects/{PROJECT}/regions/europe-west4/networkAttachments/ml"
    },
    "gcp:compute/getGlobalAddress:getGlobalAddress": {"name": "vertex-peering"},
}
SERVICE = "projects/service:Service"
AUDITED = "projects/iAMAuditConfig:IAMAuditConfig"


def outputs(type: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What the parts read of each other, and besides what the project's own things tell."""
    match type.rpartition(":")[2]:
        case "WorkloadIdentityPoolProvider":
            pool = f"projects/{NUMBER}/locations/global/workloadIdentityPools/{inputs['workloadIdentityPoolId']}"
            return {"name": f"{pool}/providers/{inputs['workloadIdentityPoolProviderId']}"}
        case "KeyRing":
            return {**made(type, inputs), "name": "made-up-name"}
        case "Repository":
            return {"registryUri": f"{inputs['location']}-docker.pkg.dev/{PROJECT}/{inputs['repositoryId']}"}
        case "NetworkAttachment":
            return {"id": f"projects/{PROJECT}/regions/europe-west4/networkAttachments/{inputs['name']}"}
        case "ServicePerimeter":
            return {"name": inputs.get("name", PERIMETER)}
    return made(type, inputs)


def build(
    *zones: dict[str, Any], answers: dict[str, Any] | None = None
) -> tuple[Record, dict[str, contract.GcpZone]]:
    """Declare a stack of these zones (one, when none is given): what was registered, and what it tells."""
    environment: Environment = config.read(stack(*(zones or (gcp_zone(),))), "eu")
    told: dict[str, contract.GcpZone] = {}

    def program() -> pulumi.Output[None]:
        shared = accounts(environment)
        parts = {
            one.name: Zone(one.name, ZoneArgs(environment, one, shared[one.cloud, one.account])).contract
            for one in environment.zones
        }
        return pulumi.Output.all(**parts).apply(lambda found: told.update(found))

    return record(program, outputs, ANSWERS | (answers or {})), told


@pytest.fixture(scope="module")
def whole() -> tuple[Record, contract.GcpZone]:
    """A default zone; only read."""
    declared, told = build()
    return declared, told["gcp-euw4"]


def test_the_contract_of_a_zone_is_one_the_dispatcher_accepts(whole: tuple[Record, contract.GcpZone]) -> None:
    _, told = whole
    document = {"version": 1, "updated_at": "2026-11-21T08:00:00Z", "environment": "eu", "regime": "none"}
    parsed = contract.parse({**document, "zones": {"gcp-euw4": contract.as_json(told)}}).zones["gcp-euw4"]
    assert parsed == told
    assert (told.project, told.project_number, told.region) == (PROJECT, NUMBER, "europe-west4")
    assert told.buckets.staging is not None
    assert told.buckets.staging.uri.startswith("gs://gcp-euw4-staging-")
    assert told.keys.data.endswith("/cryptoKeys/data")
    assert told.identities.agent.endswith(f"@{PROJECT}.iam.gserviceaccount.com")
    assert told.secrets.store == "gcp-euw4"


def test_jobs_get_an_interface_in_the_zones_network_and_are_said_to_reach_the_internet(
    whole: tuple[Record, contract.GcpZone],
) -> None:
    _, told = whole
    assert told.network.ids.network_attachment is not None
    assert told.network.ids.reserved_ranges == ()
    assert told.network.endpoints == {"all-apis": "10.64.255.254"}
    assert (told.network.egress, told.network.perimeter) == ("nat", None)


def test_every_custom_resource_has_an_explicit_provider_of_its_place(
    whole: tuple[Record, contract.GcpZone],
) -> None:
    declared, _ = whole
    providers = {made.provider.rpartition("::")[0].rpartition("::")[2] for made in declared.custom()}
    assert providers == {"gcp-euw4", f"gcp-{PROJECT}"}


def test_every_api_a_zone_needs_is_enabled_and_stays_so(whole: tuple[Record, contract.GcpZone]) -> None:
    declared, _ = whole
    services = declared.of(SERVICE)
    assert set(each(services, "disableOnDestroy")) == {False}
    assert set(each(services, "service")) == {one.api for one in table().values() if one.when is None}


def test_nothing_of_a_zone_starts_before_the_apis_are_enabled(whole: tuple[Record, contract.GcpZone]) -> None:
    declared, _ = whole
    services = {made.urn for made in declared.of(SERVICE)}
    for component in declared.resources:
        if component.type.startswith("launchway:gcp:") and component.name.startswith("gcp-euw4-"):
            roots = {made.urn for made in declared.resources if made.type == "launchway:index:Zone"}
            if component.parent in roots:
                assert services <= declared.awaited(component), component.name


def test_the_audit_key_and_log_wait_for_the_apis_too(whole: tuple[Record, contract.GcpZone]) -> None:
    declared, _ = whole
    services = {made.urn for made in declared.of(SERVICE)}
    [audit] = declared.of("gcp:Audit")
    assert services <= declared.awaited(audit)
    inside = {made.name for made in declared.resources if made.parent == audit.urn}
    assert {f"gcp-{PROJECT}-keys", f"gcp-{PROJECT}-keys-audit", f"gcp-{PROJECT}-audit-trail"} <= inside


def test_what_holds_data_keys_and_identities_is_audited_in_full(whole: tuple[Record, contract.GcpZone]) -> None:
    declared, _ = whole
    audited = declared.of(AUDITED)
    assert {"storage.googleapis.com", "cloudkms.googleapis.com", "aiplatform.googleapis.com"} <= set(
        each(audited, "service")
    )
    for one in audited:
        kinds = [config["logType"] for config in one.inputs["auditLogConfigs"]]
        assert kinds == ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]


def test_the_exchange_of_ci_s_tokens_is_audited() -> None:
    declared, _ = build(gcp_zone(federation=CI))
    assert "sts.googleapis.com" in each(declared.of(AUDITED), "service")


def test_the_audit_log_is_kept_in_the_region_under_a_key_of_its_own(
    whole: tuple[Record, contract.GcpZone],
) -> None:
    declared, _ = whole
    trail = declared.named("logging/projectBucketConfig:ProjectBucketConfig", f"gcp-{PROJECT}-audit-trail")
    assert trail.inputs["location"] == "europe-west4"
    assert trail.inputs["retentionDays"] == 365
    assert trail.inputs["cmekSettings"]["kmsKeyName"].endswith("/cryptoKeys/audit")
    assert trail.protect


def test_two_zones_of_a_project_share_what_it_has_once() -> None:
    second = gcp_zone(name="gcp-usc1", region="us-central1", network={"cidr": "10.65.0.0/16"}, retentionDays=730)
    declared, told = build(gcp_zone(), second)
    assert set(told) == {"gcp-euw4", "gcp-usc1"}
    assert len(declared.of("gcp:Account")) == 1
    services = list(each(declared.of(SERVICE), "service"))
    assert len(services) == len(set(services))
    trail = declared.named("logging/projectBucketConfig:ProjectBucketConfig", f"gcp-{PROJECT}-audit-trail")
    assert trail.inputs["retentionDays"] == 730


def test_an_account_that_another_stack_built_is_looked_up_and_nothing_of_it_made() -> None:
    declared, told = build(gcp_zone(accountScope="existing"))
    of_account = [made for made in declared.custom() if made.name.startswith(f"gcp-{PROJECT}")]
    assert of_account == []
    assert told["gcp-euw4"].project_number == NUMBER


def test_ci_may_act_in_the_zone_that_names_its_tokens_and_in_no_other() -> None:
    other = gcp_zone(
        name="gcp-b", network={"cidr": "10.65.0.0/16"}, federation={**CI, "subjects": ["repo:acme/b:x"]}
    )
    declared, told = build(gcp_zone(federation=CI), other)
    assert told["gcp-euw4"].identities.federation == told["gcp-b"].identities.federation
    [provider] = declared.of("iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider")
    assert set(provider.inputs["attributeMapping"]) == {
        "google.subject",
        "attribute.zone_gcp_euw4",
        "attribute.zone_gcp_b",
    }
    bound = declared.named("serviceaccount/iAMMember:IAMMember", "gcp-b-identity-impersonator-agent-federated-0")
    assert bound.inputs["member"].endswith("/attribute.zone_gcp_b/yes")


def test_an_adopted_pool_takes_each_subject_by_its_name() -> None:
    ci = {**CI, "subjects": ["repo:acme/train:ref:refs/heads/main"]}
    declared, told = build(gcp_zone(federation=ci, existing={"federation": POOL}))
    assert told["gcp-euw4"].identities.federation == POOL
    assert declared.of("iam/workloadIdentityPool:WorkloadIdentityPool") == []
    name = "gcp-euw4-identity-impersonator-agent-federated-0"
    bound = declared.named("serviceaccount/iAMMember:IAMMember", name)
    assert bound.inputs["member"].endswith("/ci-pool/subject/repo:acme/train:ref:refs/heads/main")


LEVELS = ["accessPolicies/123/accessLevels/office"]


def test_an_enforced_perimeter_closes_the_zone_and_its_endpoint() -> None:
    _, told = build(gcp_zone(perimeter={"accessPolicy": "123", "enforced": True, "accessLevels": LEVELS}))
    network = told["gcp-euw4"].network
    assert network.egress == "none"
    assert network.perimeter is not None
    assert set(network.endpoints) == {"vpc-sc"}


def test_a_perimeter_is_drawn_once_and_lets_in_who_may_be_an_agent_and_every_agent() -> None:
    second = gcp_zone(name="gcp-usc1", region="us-central1", network={"cidr": "10.65.0.0/16"})
    people = ["group:ml@example.com"]
    declared, told = build(
        gcp_zone(perimeter={"accessPolicy": "123", "enforced": True}, principals=people), second
    )
    [drawn] = declared.of("accesscontextmanager/servicePerimeter:ServicePerimeter")
    [rule] = drawn.inputs["status"]["ingressPolicies"]
    agents = [f"serviceAccount:{one.identities.agent}" for one in told.values()]
    assert rule["ingressFrom"]["identities"] == [*people, *agents]
    assert {one.network.perimeter for one in told.values()} == {drawn.inputs["name"]}


def test_a_perimeter_that_only_reports_closes_nothing() -> None:
    declared, told = build(gcp_zone(perimeter={"accessPolicy": "123"}))
    assert declared.of("accesscontextmanager/servicePerimeter:ServicePerimeter")[0].inputs["useExplicitDryRunSpec"]
    assert (told["gcp-euw4"].network.egress, told["gcp-euw4"].network.perimeter) == ("nat", None)


def test_peered_jobs_are_told_by_their_ranges_and_lose_the_way_out_when_none_is_wanted() -> None:
    wanted = {"jobs": "peering", "peeringRange": "10.192.0.0/16", "egress": "none"}
    declared, told = build(gcp_zone(network=wanted))
    ids = told["gcp-euw4"].network.ids
    assert ids.network_attachment is None
    assert len(ids.reserved_ranges) == 1
    [cut] = declared.of("servicenetworking/vpcServiceControls:VpcServiceControls")
    assert cut.inputs["enabled"]
    assert "servicenetworking.googleapis.com" in set(each(declared.of(SERVICE), "service"))


def test_an_adopted_network_is_read_and_nothing_of_it_made() -> None:
    wanted = {
        "mode": "existing",
        "network": NETWORK,
        "subnetwork": f"projects/{PROJECT}/regions/europe-west4/subnetworks/ml",
        "networkAttachment": f"projects/{PROJECT}/regions/europe-west4/networkAttachments/ml",
        "endpoints": {"vpc-sc": "10.255.0.2"},
    }
    declared, told = build(gcp_zone(network=wanted))
    assert [made.name for made in declared.custom() if made.type.startswith(("gcp:compute", "gcp:dns"))] == []
    network = told["gcp-euw4"].network
    assert (network.mode, network.ids.network, network.endpoints) == (
        "existing",
        NETWORK,
        {"vpc-sc": "10.255.0.2"},
    )


def test_a_network_of_another_project_is_told_by_that_projects_number() -> None:
    shared = "projects/acme-net/global/networks/shared"
    wanted = {"mode": "existing", "network": shared, "reservedRanges": ["vertex-peering"]}
    answers = {"gcp:compute/getNetwork:getNetwork": {"id": shared}}
    _, told = build(gcp_zone(network=wanted), answers=answers)
    assert told["gcp-euw4"].network.ids.network == f"projects/{NUMBER}/global/networks/shared"
    assert told["gcp-euw4"].network.ids.reserved_ranges == ("vertex-peering",)


def test_a_subnetwork_of_another_network_is_refused_with_its_setting() -> None:
    wanted = {
        "mode": "existing",
        "network": NETWORK,
        "subnetwork": f"projects/{PROJECT}/regions/europe-west4/subnetworks/ml",
    }
    answers = {"gcp:compute/getSubnetwork:getSubnetwork": {"id": "x", "network": "https://elsewhere"}}
    with pytest.raises(pulumi.RunError, match=r"zones\[0\]\.network\.subnetwork: .* is in https://elsewhere"):
        build(gcp_zone(network=wanted), answers=answers)


def test_a_public_zone_has_keys_buckets_and_accounts_and_no_network() -> None:
    declared, told = build(gcp_zone(network={"mode": "public"}))
    assert [made.name for made in declared.custom() if made.type.startswith(("gcp:compute", "gcp:dns"))] == []
    assert told["gcp-euw4"].network.ids == contract.GcpNetworkIds()
    assert told["gcp-euw4"].network.egress == "nat"


def test_a_budget_mails_people_before_and_after_it_is_spent() -> None:
    wanted = {"monthlyUsd": 500, "emails": ["ada@example.com"]}
    declared, _ = build(gcp_zone(budget=wanted, billingAccount="012345-6789AB-CDEF01"))
    [budget] = declared.of("billing/budget:Budget")
    assert budget.inputs["amount"]["specifiedAmount"] == {"currencyCode": "USD", "units": "500"}
    rules = [(rule["thresholdPercent"], rule["spendBasis"]) for rule in budget.inputs["thresholdRules"]]
    assert rules == [(0.8, "CURRENT_SPEND"), (1, "CURRENT_SPEND"), (1, "FORECASTED_SPEND")]
    [channel] = declared.of("monitoring/notificationChannel:NotificationChannel")
    assert channel.inputs["labels"] == {"email_address": "ada@example.com"}
    assert {"billingbudgets.googleapis.com", "monitoring.googleapis.com"} <= set(
        each(declared.of(SERVICE), "service")
    )


def test_what_queues_limits_and_image_rules_are_told_as_the_zone_says_them() -> None:
    wanted = {
        "compute": [{"name": "gpu", "instance": "g2-standard-8", "max": 2, "tier": "spot"}],
        "instanceTypes": ["g2-standard-8"],
        "maxNodes": 4,
        "maxRuntimeHours": 24,
        "imageProjects": ["acme-images"],
        "imagePush": True,
        "wandb": {"mode": "online", "host": "api.wandb.ai", "route": "nat"},
    }
    _, told = build(gcp_zone(**wanted))
    one = told["gcp-euw4"]
    assert one.compute == (contract.Compute("gpu", "g2-standard-8", 0, 2, "spot"),)
    assert one.limits == contract.Limits(("g2-standard-8",), 4, 86_400)
    assert one.controls == contract.Controls(False, contract.WandbControls("api.wandb.ai", "nat", "online"), 365)
    assert one.image_projects == ("acme-images",)
    assert "artifactregistry.repositories.uploadArtifacts" in one.actions.agent


def test_a_disposable_zone_protects_nothing_and_a_durable_one_all_that_holds_data() -> None:
    durable, _ = build()
    disposable, _ = build(gcp_zone(lifetime="disposable"))
    assert not any(made.protect for made in disposable.resources)
    kept = {made.type.rpartition(":")[2] for made in durable.resources if made.protect}
    assert kept == {"Bucket", "CryptoKey", "KeyRing", "ProjectBucketConfig", "Repository"}
