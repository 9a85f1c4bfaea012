"""Private endpoints on Azure: one for every service, and the names of both clouds that lead there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest

from infra.azure import clouds, endpoints
from infra.azure.dns import dns_zones
from infra.azure.resource_id import parse
from tests.infra.azure_parts import ASKED, AT, EVERYTHING, GOVERNMENT, PLACE, WORKSPACE, zone
from tests.infra.recorded import Record, each

VAULT = "keyvault:Vault"


@pytest.fixture(scope="module")
def whole() -> Record:
    """A zone with every part switched on; only read."""
    return zone(**EVERYTHING)


@pytest.mark.parametrize(
    ("place", "api", "notebooks", "suffix"),
    [
        (PLACE, "api.azureml.ms", "notebooks.azure.net", "core.windows.net"),
        (GOVERNMENT, "api.ml.azure.us", "notebooks.usgovcloudapi.net", "core.usgovcloudapi.net"),
    ],
)
def test_each_endpoint_has_the_names_of_its_cloud(place: Any, api: str, notebooks: str, suffix: str) -> None:
    record = zone(place=place)
    zones = set(each(record.of("privatedns:PrivateZone"), "privateZoneName"))
    assert zones == {name for names in dns_zones(place.environment).values() for name in names}
    assert {f"privatelink.{one}" for one in (api, notebooks, f"blob.{suffix}", f"file.{suffix}")} <= zones
    assert clouds.of(place.environment).storage == suffix
    links = record.of("privatedns:VirtualNetworkLink")
    assert set(each(links, "privateZoneName")) == zones
    assert set(each(links, "registrationEnabled")) == {False}


def test_both_clouds_have_zones_for_the_same_endpoints() -> None:
    assert set(dns_zones("public")) == set(dns_zones("usgovernment"))


def test_every_service_has_an_endpoint_whose_names_are_kept(whole: Record) -> None:
    endpoints = whole.of("network:PrivateEndpoint")
    joined = {made.inputs["privateLinkServiceConnections"][0]["groupIds"][0]: made for made in endpoints}
    assert set(joined) == {"amlworkspace", "blob", "file", "registry", "vault"}
    for group, made in joined.items():
        [names] = [
            of
            for of in whole.of("network:PrivateDnsZoneGroup")
            if of.inputs["privateEndpointName"] == made.inputs["privateEndpointName"]
        ]
        kept = {of["privateDnsZoneId"].rpartition("/")[2] for of in names.inputs["privateDnsZoneConfigs"]}
        assert kept == set(dns_zones("public")[group])
    assert joined["amlworkspace"].inputs["privateLinkServiceConnections"][0]["privateLinkServiceId"] == WORKSPACE


def test_the_endpoint_of_the_vault_leads_to_secrets_and_not_to_keys(whole: Record) -> None:
    made = whole.named("network:PrivateEndpoint", "azure-weu-endpoints-vault")
    [joined] = made.inputs["privateLinkServiceConnections"]
    assert (
        parse(joined["privateLinkServiceId"]).name
        == whole.named(VAULT, "azure-weu-keys-secrets").inputs["vaultName"]
    )


def test_endpoints_are_made_one_after_the_other(whole: Record) -> None:
    made = whole.of("network:PrivateEndpoint")
    urns = {one.urn for one in made}
    assert sorted(len(urns & whole.awaited(one)) for one in made) == [0, 1, 2, 3, 4]


def test_a_central_zone_is_used_and_neither_built_nor_linked() -> None:
    central = f"{AT.replace('/zone/', '/hub/')}/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
    record = zone(dns_zones=(("privatelink.vaultcore.azure.net", central),))
    zones = set(each(record.of("privatedns:PrivateZone"), "privateZoneName"))
    assert "privatelink.vaultcore.azure.net" not in zones
    assert len(zones) == 5
    assert set(each(record.of("privatedns:VirtualNetworkLink"), "privateZoneName")) == zones
    names = record.named("network:PrivateDnsZoneGroup", "azure-weu-endpoints-vault")
    assert [of["privateDnsZoneId"] for of in names.inputs["privateDnsZoneConfigs"]] == [central]


def test_a_network_that_has_the_name_already_is_told_which_setting_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    hooks: list[Any] = []
    monkeypatch.setattr("pulumi.log.warn", told.append)
    monkeypatch.setattr("pulumi.ErrorHook", lambda name, callback: hooks.append(callback))
    site = cast(Any, SimpleNamespace(setting=lambda path: f"launchway:zones[0].{path}"))
    endpoints.explained(site, "azure-weu-endpoints-azurecr-io", "privatelink.azurecr.io")
    refused = "A virtual network cannot be linked to multiple zones with overlapping namespaces."
    assert hooks[0](SimpleNamespace(errors=[refused])) is False
    assert hooks[0](SimpleNamespace(errors=["Code=AuthorizationFailed"])) is False
    [message] = told
    assert "privatelink.azurecr.io already" in message
    assert "launchway:zones[0].network.dnsZones" in message


def test_every_link_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def explained(site: Any, name: str, zone: str) -> pulumi.ResourceHookBinding:
        asked.append(zone)
        return pulumi.ResourceHookBinding()

    monkeypatch.setattr(endpoints, "explained", explained)
    links = zone(ASKED).of("privatedns:VirtualNetworkLink")  # declared anew
    assert sorted(asked) == sorted(each(links, "privateZoneName"))
