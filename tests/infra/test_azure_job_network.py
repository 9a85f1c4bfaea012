"""Where the jobs of a zone on Azure run: managed, own, adopted and no network, as they are declared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest

from dispatcher import contract
from infra.azure import workspace
from infra.azure.site import Site
from tests.infra.azure_zone import THEIR_NETWORK, build
from tests.infra.recorded import Declared, Record
from tests.infra.stacks import azure_zone

ML = "machinelearningservices"
WORKSPACE, CLUSTER = f"{ML}:Workspace", f"{ML}:Compute"
CPU = {"name": "cpu", "instance": "Standard_D4s_v3", "max": 4}
ADOPTED = {"mode": "existing", "vnet": THEIR_NETWORK, "endpointsSubnet": f"{THEIR_NETWORK}/subnets/ml"}


def one(declared: Record, kind: str) -> Declared:
    [made] = declared.of(kind)
    return made


def test_a_host_that_jobs_may_reach_is_a_rule_and_buys_the_small_firewall() -> None:
    declared, told = build(azure_zone(network={"fqdns": ["pypi.org", "*.pythonhosted.org"]}))
    assert one(declared, WORKSPACE).inputs["managedNetwork"]["firewallSku"] == workspace.FIREWALL == "Basic"
    first, second = sorted(
        declared.of(f"{ML}:ManagedNetworkSettingsRule"), key=lambda made: made.name, reverse=True
    )
    assert first.inputs["properties"] == {"type": "FQDN", "category": "UserDefined", "destination": "pypi.org"}
    assert second.inputs["ruleName"] == "host-any__pythonhosted_org"
    assert first.urn in second.after
    assert told["azure-weu"].network.egress == "none"


def test_a_zone_with_a_way_out_lets_jobs_reach_everything() -> None:
    declared, told = build(azure_zone(network={"egress": "nat"}))
    assert one(declared, WORKSPACE).inputs["managedNetwork"]["isolationMode"] == "AllowInternetOutbound"
    assert len(declared.of("network:NatGateway")) == 1
    assert told["azure-weu"].network.egress == "nat"


def test_jobs_in_the_zones_own_network_have_a_subnet_with_a_way_to_azure_alone() -> None:
    declared, told = build(azure_zone(managedNetwork=False, compute=[CPU]))
    inputs = one(declared, WORKSPACE).inputs
    assert inputs["managedNetwork"] == {"isolationMode": "Disabled"}
    assert inputs["provisionNetworkNow"] is False
    subnet = one(declared, CLUSTER).inputs["properties"]["properties"]["subnet"]["id"]
    assert subnet.endswith("/subnets/jobs")
    assert inputs["serverlessComputeSettings"] == {
        "serverlessComputeCustomSubnet": subnet,
        "serverlessComputeNoPublicIP": True,
    }
    network = told["azure-weu"].network
    assert network.ids.subnets[1] == subnet
    assert (network.egress, network.ids.managed) == ("none", False)
    assert len(declared.of("network:NatGateway")) == 1
    rules = declared.named("network:NetworkSecurityGroup", "azure-weu-network-jobs").inputs["securityRules"]
    assert not [rule for rule in rules if rule.get("destinationAddressPrefix") == "Internet"]


def test_a_public_zone_has_no_network_and_no_cluster_and_names_its_hardware_all_the_same() -> None:
    declared, told = build(azure_zone(network={"mode": "public"}, compute=[{**CPU, "tier": "spot"}]))
    assert [made.name for made in declared.custom() if "network:" in made.type or "privatedns" in made.type] == []
    assert declared.of(CLUSTER) == []
    inputs = one(declared, WORKSPACE).inputs
    assert inputs["publicNetworkAccess"] == "Enabled"
    assert "imageBuildCompute" not in inputs
    zone = told["azure-weu"]
    assert zone.network == contract.AzureNetwork("public", "nat", contract.AzureNetworkIds(), {})
    assert zone.compute == (contract.Compute("cpu", "Standard_D4s_v3", 0, 4, "spot"),)


def test_an_adopted_network_gets_endpoints_and_nothing_of_it_is_made() -> None:
    declared, told = build(azure_zone(network={**ADOPTED, "jobsSubnet": f"{THEIR_NETWORK}/subnets/ml"}))
    assert declared.of("network:VirtualNetwork") == declared.of("network:Subnet") == []
    subnets = {made.inputs["subnet"]["id"] for made in declared.of("network:PrivateEndpoint")}
    assert subnets == {f"{THEIR_NETWORK}/subnets/ml"}
    assert told["azure-weu"].network.ids == contract.AzureNetworkIds(
        THEIR_NETWORK, (f"{THEIR_NETWORK}/subnets/ml",), False
    )
    assert set(told["azure-weu"].network.endpoints) == {"amlworkspace", "blob", "file", "vault", "registry"}


@pytest.mark.parametrize(
    ("operation", "error", "told"),
    [
        ("update", "Changing the managed network isolation mode from A to B is not allowed.", True),
        ("create", "The managed network could not be provisioned.", False),
        ("update", "Code=QuotaExceeded", False),
    ],
)
def test_a_network_that_cannot_be_opened_again_is_explained(
    operation: str, error: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    hooks: list[Any] = []
    monkeypatch.setattr("pulumi.log.warn", warned.append)
    monkeypatch.setattr("pulumi.ErrorHook", lambda name, callback: hooks.append(callback))
    site = cast(Any, SimpleNamespace(setting=lambda path: f"launchway:zones[0].{path}"))
    workspace.opened(site, "azure-weu-workspace")
    assert hooks[0](SimpleNamespace(failed_operation=operation, errors=[error])) is False
    assert ["launchway:zones[0].network.egress: nat to none alone" in one for one in warned] == [True] * told


def test_every_workspace_of_our_own_explains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def opened(site: Site, name: str) -> pulumi.ResourceHookBinding:
        asked.append(name)
        return pulumi.ResourceHookBinding()

    monkeypatch.setattr(workspace, "opened", opened)
    declared, _ = build(azure_zone())
    assert asked == [one(declared, WORKSPACE).name]


def test_no_two_hosts_have_a_rule_of_one_name() -> None:
    hosts = ["a.b.com", "a-b.com", "*.b.com", "any.b.com", "any-b.com"]
    declared, _ = build(azure_zone(network={"fqdns": hosts}))
    rules = declared.of(f"{ML}:ManagedNetworkSettingsRule")
    assert len({made.name for made in rules}) == len({made.inputs["ruleName"] for made in rules}) == len(hosts)
