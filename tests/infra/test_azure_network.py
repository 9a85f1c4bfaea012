"""The network on Azure lets through what its table says and nothing else, in both directions."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
import yaml

from infra.azure import network
from tests.infra.azure_parts import CIDR, PLACE, zone
from tests.infra.recorded import Record, each

GUARD, SUBNET = "network:NetworkSecurityGroup", "network:Subnet"
NAT, ADDRESS = "network:NatGateway", "network:PublicIPAddress"


def guards(**choices: Any) -> dict[str, list[dict[str, Any]]]:
    """The rules of each subnet, by its use."""
    return {
        made.name.removeprefix("azure-weu-network-"): made.inputs["securityRules"]
        for made in zone(**choices).of(GUARD)
    }


def out(rules: list[dict[str, Any]]) -> set[str]:
    """Where connections may go."""
    return {
        rule["destinationAddressPrefix"]
        for rule in rules
        if rule["direction"] == "Outbound" and rule["access"] == "Allow"
    }


@pytest.mark.parametrize("use", network.SUBNETS)
def test_what_no_rule_lets_through_is_refused_in_both_directions(use: str) -> None:
    rules = guards(jobs=True, nat=True, internet=True)[use]
    for way in ("Inbound", "Outbound"):
        *let, last = [rule for rule in rules if rule["direction"] == way]
        assert (last["access"], last["priority"], last["protocol"]) == ("Deny", 4096, "*")
        assert last["sourceAddressPrefix"] == last["destinationAddressPrefix"] == "*"
        assert last["destinationPortRange"] == "*"
        priorities = [rule["priority"] for rule in let]
        assert priorities == sorted(set(priorities))
        assert all(100 <= priority < 4096 for priority in priorities)


def test_nothing_comes_in_from_outside_of_the_network() -> None:
    for rules in guards(jobs=True, nat=True, internet=True).values():
        comes = [rule for rule in rules if rule["direction"] == "Inbound" and rule["access"] == "Allow"]
        assert {rule["sourceAddressPrefix"] for rule in comes} <= {"VirtualNetwork"}


def test_endpoints_answer_and_never_call() -> None:
    rules = guards()["endpoints"]
    assert out(rules) == set()
    ports = {port for rule in rules if rule["access"] == "Allow" for port in rule["destinationPortRanges"]}
    assert "443" in ports
    assert "*" not in ports


def test_an_agent_reaches_endpoints_sign_in_and_resource_manager_and_nothing_else() -> None:
    wanted = {"VirtualNetwork", "AzureActiveDirectory", "AzureResourceManager"}
    assert out(guards()["agents"]) == out(guards(nat=True)["agents"]) == wanted
    assert out(guards(nat=True, internet=True)["agents"]) == wanted | {"Internet"}


def test_jobs_reach_what_azure_ml_needs_in_the_zone_s_own_region() -> None:
    found = out(guards(jobs=True, nat=True)["jobs"])
    assert {"BatchNodeManagement.westeurope", "Storage.westeurope", "AzureMachineLearning"} <= found
    assert {"AzureActiveDirectory", "AzureResourceManager", "AzureFrontDoor.FrontEnd"} <= found
    assert "Internet" not in found
    assert "Internet" in out(guards(jobs=True, nat=True, internet=True)["jobs"])
    there = out(guards(place=replace(PLACE, region="usgovvirginia"), jobs=True)["jobs"])
    assert "Storage.usgovvirginia" in there
    assert not [tag for tag in there if "{" in tag]


def test_there_is_a_subnet_for_jobs_only_where_they_run_there() -> None:
    assert set(guards()) == {"agents", "endpoints"}
    assert set(guards(jobs=True)) == {"agents", "endpoints", "jobs"}


def test_subnets_are_guarded_and_have_no_way_out_of_themselves() -> None:
    record = zone(jobs=True)
    subnets = record.of(SUBNET)
    assert set(each(subnets, "defaultOutboundAccess")) == {False}
    assert set(each(subnets, "privateEndpointNetworkPolicies")) == {"NetworkSecurityGroupEnabled"}
    for made in subnets:
        assert made.inputs["networkSecurityGroup"]["id"].endswith(f"-{made.inputs['subnetName']}-1a2b3c4d")
        assert "natGateway" not in made.inputs
    assert record.of(NAT) == record.of(ADDRESS) == []


def test_nat_is_the_only_way_out_and_endpoints_have_none() -> None:
    record = zone(jobs=True, nat=True)
    [gateway], [address] = record.of(NAT), record.of(ADDRESS)
    assert address.inputs["sku"]["name"] == gateway.inputs["sku"]["name"] == "Standard"
    assert address.inputs["publicIPAllocationMethod"] == "Static"
    assert [of["id"].rpartition("/")[2] for of in gateway.inputs["publicIpAddresses"]] == [
        "azure-weu-nat-1a2b3c4d"
    ]
    out = {made.inputs["subnetName"] for made in record.of(SUBNET) if "natGateway" in made.inputs}
    assert out == {"agents", "jobs"}


def test_subnets_are_made_one_after_the_other() -> None:
    record = zone(jobs=True, nat=True)
    made = record.of(SUBNET)
    urns = {one.urn for one in made}
    assert sorted(len(urns & record.awaited(one)) for one in made) == [0, 1, 2]


def test_ranges_lie_in_the_zone_s_own_and_apart_from_each_other() -> None:
    record: Record = zone(jobs=True)
    [vnet] = record.of("network:VirtualNetwork")
    assert vnet.inputs["addressSpace"]["addressPrefixes"] == [str(CIDR)]
    ranges = [ipaddress.IPv4Network(made.inputs["addressPrefix"]) for made in record.of(SUBNET)]
    assert all(one.subnet_of(CIDR) for one in ranges)
    assert not any(one.overlaps(other) for one in ranges for other in ranges if one is not other)


def test_the_table_says_where_it_is_from_and_names_known_subnets() -> None:
    data = yaml.safe_load((resources.files("infra.azure") / "data/traffic.yaml").read_text())
    assert data["source"]
    assert data["as_of"]
    assert tuple(data["subnets"]) == network.SUBNETS
    for ways in data["subnets"].values():
        for way, rules in ways.items():
            names = [rule["name"] for rule in rules]
            assert len(set(names)) == len(names)
            assert {key for rule in rules for key in rule} <= {
                "name",
                "protocol",
                "ports",
                "when",
                {"inbound": "from", "outbound": "to"}[way],
            }
