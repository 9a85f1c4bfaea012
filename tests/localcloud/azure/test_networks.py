"""Networks, private endpoints and DNS, and where logs go: what each type does of its own."""

from __future__ import annotations

import pytest

from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    HERE,
    INSIGHTS,
    LOGS,
    NETWORK,
    SUBSCRIPTION_ID,
    VAULT,
    WORKSPACE,
    Json,
    Local,
    resource,
)

DAY = 86_400


class TestNetworks:
    SUBNET = f"{NETWORK}/subnets/endpoints"
    ENDPOINT = resource("Network/privateEndpoints", "blob")
    ZONE = resource("Network/privateDnsZones", "privatelink.blob.core.windows.net")

    def subnet(self, azure: Local, prefix: str = "10.0.1.0/24") -> None:
        azure.made(self.SUBNET, {"properties": {"addressPrefix": prefix}})

    def endpoint(self, part: str = "blob", target: str = ACCOUNT) -> Json:
        connection = {"name": "it", "properties": {"privateLinkServiceId": target, "groupIds": [part]}}
        return HERE | {
            "properties": {"subnet": {"id": self.SUBNET}, "privateLinkServiceConnections": [connection]}
        }

    def test_a_network_shows_its_subnets_however_they_were_made(self, rich: Local) -> None:
        self.subnet(rich)
        rich.ask("PUT", NETWORK, rich.got(NETWORK))
        found = rich.got(NETWORK)["properties"]["subnets"]
        assert [(one["id"], one["properties"]["addressPrefix"]) for one in found] == [(self.SUBNET, "10.0.1.0/24")]
        body = {**BODIES[NETWORK]}
        body["properties"] = body["properties"] | {
            "subnets": [{"name": "agents", "properties": {"addressPrefix": "10.0.2.0/24"}}]
        }
        assert [one["name"] for one in rich.made(NETWORK, body)["properties"]["subnets"]] == ["agents"]
        assert rich.refused("GET", self.SUBNET)["status"] == 404

    @pytest.mark.parametrize(
        ("prefix", "code"),
        [
            ("10.1.0.0/24", "NetcfgInvalidSubnet"),
            ("10.0.1.128/25", "NetcfgSubnetRangesOverlap"),
            ("ten", "InvalidCIDRNotation"),
        ],
    )
    def test_a_subnet_has_a_range_of_its_own_in_the_network(self, rich: Local, prefix: str, code: str) -> None:
        self.subnet(rich)
        body = {"properties": {"addressPrefix": prefix}}
        assert rich.refused("PUT", f"{NETWORK}/subnets/other", body)["code"] == code

    def test_a_subnet_needs_what_it_refers_to_and_keeps_it(self, rich: Local) -> None:
        rules = resource("Network/networkSecurityGroups", "rules")
        body = {"properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": rules}}}
        assert rich.refused("PUT", self.SUBNET, body)["code"] == "InvalidResourceReference"
        rich.made(rules, HERE)
        rich.made(self.SUBNET, body)
        assert "in use" in rich.refused("DELETE", rules)["message"]

    def test_an_endpoint_is_approved_and_keeps_its_subnet(self, rich: Local) -> None:
        assert rich.refused("PUT", self.ENDPOINT, self.endpoint())["code"] == "InvalidResourceReference"
        self.subnet(rich)
        made = rich.made(self.ENDPOINT, self.endpoint())["properties"]
        state = made["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceConnectionState"]
        assert state["status"] == "Approved"
        assert rich.refused("DELETE", self.SUBNET)["code"] == "InUseSubnetCannotBeDeleted"
        assert rich.got(self.SUBNET)["properties"]["privateEndpoints"] == [{"id": self.ENDPOINT}]

    @pytest.mark.parametrize(
        ("part", "target", "code"),
        [
            ("vault", ACCOUNT, "GroupIdNotFound"),
            ("blob", f"{ACCOUNT}x", "InvalidResourceReference"),
            ("amlworkspace", WORKSPACE, ""),
        ],
    )
    def test_an_endpoint_leads_to_a_part_that_there_is(
        self, rich: Local, part: str, target: str, code: str
    ) -> None:
        self.subnet(rich)
        status, document = rich.ask("PUT", self.ENDPOINT, self.endpoint(part, target))
        assert (status, document.get("error", {}).get("code", "")) == (400 if code else 201, code)

    def test_a_dns_zone_is_global_and_goes_after_its_links(self, rich: Local) -> None:
        assert rich.refused("PUT", self.ZONE, HERE)["code"] == "LocationNotAvailableForResourceType"
        rich.made(self.ZONE, {"location": "global"})
        link = f"{self.ZONE}/virtualNetworkLinks/network"
        body = {
            "location": "global",
            "properties": {"virtualNetwork": {"id": NETWORK}, "registrationEnabled": False},
        }
        rich.made(link, body)
        assert rich.refused("PUT", f"{link}2", body)["status"] == 400
        assert rich.refused("DELETE", self.ZONE)["code"] == "CannotDeleteResource"
        rich.ask("DELETE", link)
        assert rich.ask("DELETE", self.ZONE)[0] == 202

    def test_a_network_resolves_a_name_in_one_dns_zone_wherever_that_is(self, rich: Local) -> None:
        """Two resource groups may each have a zone of a name, but not for one network."""
        group = f"{SUBSCRIPTION_ID}/resourceGroups/other"
        rich.ask("PUT", group, HERE)
        elsewhere = f"{group}/providers/Microsoft.Network/privateDnsZones"
        here, there = self.ZONE, f"{elsewhere}/Privatelink.blob.core.windows.net"
        body = {
            "location": "global",
            "properties": {"virtualNetwork": {"id": NETWORK}, "registrationEnabled": False},
        }
        for zone in (here, there, f"{elsewhere}/privatelink.azurecr.io"):
            rich.made(zone, {"location": "global"})
        rich.made(f"{here}/virtualNetworkLinks/network", body)
        refused = rich.refused("PUT", f"{there}/virtualNetworkLinks/network", body)
        assert (refused["status"], refused["code"]) == (400, "BadRequest")
        assert refused["message"].startswith(
            "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link"
        )
        rich.made(f"{elsewhere}/privatelink.azurecr.io/virtualNetworkLinks/network", body)

    def test_a_gateway_and_its_address_are_known_by_their_ids(self, rich: Local) -> None:
        address = resource("Network/publicIPAddresses", "nat")
        body = HERE | {"sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
        assert rich.made(address, body)["properties"]["ipAddress"].startswith("203.0.113.")
        gateway = resource("Network/natGateways", "nat")
        rich.made(
            gateway, HERE | {"sku": {"name": "Standard"}, "properties": {"publicIpAddresses": [{"id": address}]}}
        )
        rich.made(self.SUBNET, {"properties": {"addressPrefix": "10.0.1.0/24", "natGateway": {"id": gateway}}})
        assert rich.refused("DELETE", gateway)["code"] == "InUseCannotBeDeleted"


class TestMonitoring:
    def test_a_deleted_log_workspace_is_recovered_for_14_days(self, rich: Local) -> None:
        first = rich.got(LOGS)["properties"]["customerId"]
        rich.ask("DELETE", LOGS)
        assert rich.refused("PUT", LOGS, {"location": "eastus", "properties": {}})["status"] == 409
        assert rich.made(LOGS, BODIES[LOGS])["properties"]["customerId"] == first
        rich.ask("DELETE", LOGS)
        rich.clock.now += 15 * DAY
        assert rich.made(LOGS, BODIES[LOGS])["properties"]["customerId"] != first

    def test_insights_need_a_workspace_that_is_there(self, rich: Local) -> None:
        assert rich.got(INSIGHTS)["properties"]["ConnectionString"].startswith("InstrumentationKey=")
        body = BODIES[INSIGHTS] | {"properties": {"Application_Type": "web", "WorkspaceResourceId": f"{LOGS}x"}}
        assert rich.refused("PUT", INSIGHTS, body)["code"] == "ResourceNotFound"

    def test_a_setting_needs_a_place_that_no_other_of_the_resource_has(self, rich: Local) -> None:
        setting = f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/logs"
        logs = [{"categoryGroup": "allLogs", "enabled": True}]
        assert rich.refused("PUT", setting, {"properties": {"logs": logs}})["status"] == 400
        body = {"properties": {"logs": logs, "workspaceId": LOGS}}
        rich.made(setting, body)
        rich.made(setting, body)
        assert rich.refused("PUT", f"{setting}2", body)["status"] == 409
        rich.made(f"{ACCOUNT}/providers/Microsoft.Insights/diagnosticSettings/logs", body)
        for service in ("blob", "file", "queue", "table"):  # an account has all of them from the start
            at = f"{ACCOUNT}/{service}Services/default"
            rich.made(f"{at}/providers/Microsoft.Insights/diagnosticSettings/logs", body)
