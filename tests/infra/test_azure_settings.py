"""What a zone on Azure may say, and how every mistake in it is told: with path, rule and remedy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import SpecError
from infra import config
from infra.azure import regions
from infra.azure.dns import dns_zones
from infra.azure.settings import Zone
from tests.infra.stacks import SUBSCRIPTION, azure_zone, stack

OTHER = "66666666-2222-4333-8444-555555555555"
THEIRS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers"
ELSEWHERE = f"/subscriptions/{OTHER}/resourceGroups/shared/providers"
VNET = f"{THEIRS}/Microsoft.Network/virtualNetworks/hub"
ACCOUNT = f"{THEIRS}/Microsoft.Storage/storageAccounts/acme"
WORKSPACE = f"{THEIRS}/Microsoft.MachineLearningServices/workspaces/acme"
WHOLE = {
    "workspace": WORKSPACE,
    "storage": ACCOUNT,
    "vault": f"{THEIRS}/Microsoft.KeyVault/vaults/acme",
    "registry": f"{THEIRS}/Microsoft.ContainerRegistry/registries/acme",
}
GROUP = "33333333-2222-4333-8444-555555555555"
KEY = "Microsoft.KeyVault/vaults/acme/keys/data"
ADOPTED = {"mode": "existing", "vnet": VNET, "endpointsSubnet": f"{VNET}/subnets/endpoints"}
CI = {"issuer": "token.actions.githubusercontent.com", "subjects": ["repo:acme/train:ref:refs/heads/main"]}
API = "privatelink.api.azureml.ms"


def dns(name: str, at: str = ELSEWHERE) -> str:
    return f"{at}/Microsoft.Network/privateDnsZones/{name}"


def read(*zones: dict[str, Any], **more: Any) -> tuple[Zone, ...]:
    """The zones of a stack that is right."""
    found = config.read(stack(*zones, **more), "eu").zones
    assert all(isinstance(one, Zone) for one in found)
    return found  # type: ignore[return-value]  # as the line before says


def problems(*zones: dict[str, Any], **more: Any) -> dict[str, str]:
    """Each problem's path with its rule and remedy."""
    with pytest.raises(SpecError) as error:
        config.read(stack(*zones, **more), "eu")
    return {
        problem.path.removeprefix("launchway:"): f"{problem.rule} ({problem.remedy})"
        for problem in error.value.problems
    }


def test_a_zone_needs_only_a_name_a_cloud_a_region_and_a_subscription() -> None:
    [made] = read(azure_zone())
    assert (made.account, made.lifetime, made.environment) == (SUBSCRIPTION, "durable", "public")
    assert (made.network.mode, made.private, made.managed, made.egress) == ("private", True, True, "none")
    assert not made.gateway


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"region": "westeurop"},
        "region",
        "'westeurop' is not a region of Azure (public) (did you mean westeurope?)",
    ),
    ({"region": "zz"}, "region", "one of australiacentral"),
    ({"region": "West Europe"}, "region", "did you mean westeurope?"),
    ({"region": "usgovvirginia"}, "environment", "usgovvirginia is a region of usgovernment, not public"),
    ({"environment": "usgovernment"}, "environment", "westeurope is a region of public"),
    ({"environment": "china"}, "environment", "it is 'china'"),
    ({"subscription": None}, "subscription", "subscription: 1111"),
    ({"subscription": "ACME"}, "subscription", "'ACME' is not the id of a subscription"),
    ({"account": "123456789012"}, "account", "an azure zone says subscription"),
    ({"project": "acme"}, "project", "an azure zone says subscription"),
    ({"submitters": ["ml-platform"]}, "submitters[0]", "the object id of an Entra group"),
    ({"principals": ["group:a@b.c"]}, "principals", "an azure zone says submitters"),
    ({"retentionDays": 7}, "retentionDays", "30"),
    ({"maxRuntimeHours": 600}, "maxRuntimeHours", "Azure ML ends a job after 504 hours"),
    ({"networkIsolation": True}, "networkIsolation", "has no switch"),
    # networks
    ({"network": {"cidr": "10.0.0.0/25"}}, "network.cidr", "too small"),
    ({"network": {"cidr": "8.8.0.0/16"}}, "network.cidr", "not a private range"),
    ({"network": {"vnet": VNET}}, "network.vnet", "set mode: existing"),
    ({"network": {"egres": "nat"}}, "network.egres", "did you mean egress"),
    ({"network": {"mode": "existing"}}, "network.vnet", "needs the id of the network"),
    ({"network": {"mode": "existing", "vnet": VNET}}, "network.endpointsSubnet", "the subnet for endpoints"),
    ({"network": {**ADOPTED, "vnet": "hub"}}, "network.vnet", "'hub' is not the resource id of a virtual network"),
    ({"network": {**ADOPTED, "vnet": ACCOUNT}}, "network.vnet", "the resource id of a virtual network"),
    ({"network": {**ADOPTED, "jobsSubnet": f"{VNET}2/subnets/x"}}, "network.jobsSubnet", "is not a subnet of"),
    ({"network": {**ADOPTED, "cidr": "10.0.0.0/16"}}, "network.cidr", "builds no network"),
    ({"network": {**ADOPTED, "agents": True}}, "network.agents", "builds no network"),
    ({"network": ADOPTED, "managedNetwork": False}, "network.jobsSubnet", "needs a subnet that jobs run in"),
    (
        {"network": {**ADOPTED, "jobsSubnet": f"{VNET}/subnets/jobs"}, "managedNetwork": True},
        "network.jobsSubnet",
        "jobs run in the workspace's managed network",
    ),
    (
        {"network": {**ADOPTED, "vnet": f"{ELSEWHERE}/Microsoft.Network/virtualNetworks/hub"}},
        "network.vnet",
        f"hub is in subscription {OTHER}",
    ),
    ({"network": {"mode": "public", "egress": "none"}}, "network.egress", "off the internet"),
    ({"network": {"mode": "public", "vnet": VNET}}, "network.vnet", "attaches jobs to no network"),
    ({"network": {"mode": "public", "fqdns": ["pypi.org"]}}, "network.fqdns", "attaches jobs to no network"),
    ({"network": {"mode": "public"}, "managedNetwork": True}, "managedNetwork", "without private networking"),
    ({"network": {"fqdns": ["https://pypi.org"]}}, "network.fqdns[0]", "such as pypi.org"),
    ({"network": {"fqdns": ["pypi.org"], "egress": "nat"}}, "network.fqdns", "reaches every host already"),
    ({"network": {"fqdns": ["pypi.org"]}, "managedNetwork": False}, "network.fqdns", "addresses, not hosts"),
    ({"network": {"dnsZones": {"privatelink.api.azureml.com": dns(API)}}}, "network.dnsZones", f"mean {API}?"),
    ({"network": {"dnsZones": {API: dns("privatelink.azurecr.io")}}}, "network.dnsZones", "is the zone"),
    ({"network": {"dnsZones": {API: "central"}}}, "network.dnsZones", "the resource id of a private DNS zone"),
    # clusters
    ({"compute": [{"name": "g1", "instance": "Standard_D4s_v3"}]}, "compute[0].name", "3 to 24 letters"),
    ({"compute": [{"name": "gpu-1", "instance": "Standard_D4s_v3"}]}, "compute[0].name", "no number last"),
    ({"compute": [{"name": "g" * 25, "instance": "Standard_D4s_v3"}]}, "compute[0].name", "24"),
    (
        {"compute": [{"name": "gpu", "instance": "Standard_D4s_v3", "tier": "spot"}]},
        "compute[0].tier",
        "ended on 2026-03-31, and vmPriority knows no Spot",
    ),
    ({"compute": [{"name": "gpu", "instance": "ml.g5.xlarge"}]}, "compute[0].instance", "is not a VM size"),
    ({"instanceTypes": ["Standard_D4sv3"]}, "instanceTypes[0]", "did you mean Standard_D"),
    ({"instanceTypes": ["Standard_NC24s_v3"]}, "instanceTypes[0]", "Standard_NC24s_v3 is retired"),
    (
        {"network": {"mode": "public"}, "compute": [{"name": "cpu", "instance": "Standard_D4s_v3", "min": 1}]},
        "compute[0].min",
        "jobs run serverless",
    ),
    # what is adopted
    ({"existing": {"storage": "acme"}}, "existing.storage", "the resource id of a storage account"),
    (
        {"existing": {"storage": f"{ELSEWHERE}/Microsoft.Storage/storageAccounts/acme"}},
        "existing.storage",
        "own subscription",
    ),
    ({"existing": {"keys": {"data": f"{ELSEWHERE}/{KEY}"}}}, "existing.keys.data", "own subscription"),
    ({"existing": {"keys": {"data": f"{THEIRS}/{KEY}/versions/{'a' * 32}"}}}, "existing.keys.data", "not the"),
    ({"existing": {"keys": {"logs": f"{THEIRS}/{KEY}"}}}, "existing.keys.logs", "does not follow a rotation"),
    ({"existing": {"keys": {"logs": f"{THEIRS}/{KEY}/versions/1"}}}, "existing.keys.logs", "key with its version"),
    ({"existing": WHOLE, "cosmosPrincipal": GROUP}, "cosmosPrincipal", "the key of an adopted workspace"),
    ({"cosmosPrincipal": "cosmos"}, "cosmosPrincipal", "the object id of a service principal"),
    ({"existing": {"buckets": {"data": "train"}}}, "existing.buckets.data", "name the account"),
    ({"existing": {"storage": ACCOUNT, "buckets": {"data": "output"}}}, "existing.buckets", "for two uses"),
    ({"existing": {"storage": ACCOUNT, "buckets": {"data": "Train"}}}, "existing.buckets.data", "3 to 63"),
    ({"existing": {"workspace": WORKSPACE}, "managedNetwork": True}, "managedNetwork", "keeps the network it has"),
    (
        {"existing": {"workspace": WORKSPACE}, "network": {"fqdns": ["pypi.org"]}},
        "network.fqdns",
        "keeps the network it has",
    ),
    ({"existing": {**WHOLE}, "network": {"mode": "public"}}, "existing.workspace", "serverless jobs"),
    ({"existing": {**WHOLE, "storage": None}}, "existing.storage", "name the workspace's own storage"),
    ({"existing": {**WHOLE, "vault": None}}, "existing.vault", "name the workspace's own vault"),
    ({"existing": {**WHOLE, "registry": None}}, "existing.registry", "name the workspace's own registry"),
    # what is named twice would be made twice
    ({"submitters": [GROUP, OTHER, GROUP]}, "submitters[2]", "is named twice"),
    ({"network": {"fqdns": ["pypi.org", "pypi.org"]}}, "network.fqdns[1]", "'pypi.org' is named twice"),
    ({"federation": {**CI, "subjects": ["repo:a/b", "repo:a/b"]}}, "federation.subjects[1]", "is named twice"),
    # CI, W&B, what the subscription has once
    ({"federation": {**CI, "subjects": ["repo:acme/train:*"]}}, "federation.subjects[0]", "no wildcards"),
    ({"federation": {**CI, "subjects": [f"s{n}" for n in range(21)]}}, "federation.subjects", "takes 20"),
    ({"federation": {**CI, "issuer": "https://a.b"}}, "federation.issuer", "without https://"),
    (
        {"wandb": {"mode": "online", "host": "api.wandb.ai", "route": "nat"}},
        "wandb.route",
        "network.fqdns: [api.wandb.ai]",
    ),
    ({"accountScope": "existing", "audit": "own"}, "audit", "builds no audit log"),
    (
        {"accountScope": "existing", "budget": {"monthlyUsd": 5, "emails": ["a@b.c"]}},
        "budget",
        "nothing of the account",
    ),
]


@pytest.mark.parametrize(("changes", "path", "words"), MISTAKES)
def test_a_mistake_is_told_by_its_path_with_what_to_do(changes: dict[str, Any], path: str, words: str) -> None:
    found = problems(azure_zone(**changes))
    told = [text for where, text in found.items() if where.startswith(f"zones[0].{path}")]
    assert any(words in text for text in told), found


RIGHT: list[dict[str, Any]] = [
    {"environment": "usgovernment", "region": "usgovvirginia"},
    {"network": ADOPTED},
    {"network": {**ADOPTED, "jobsSubnet": f"{VNET}/subnets/jobs"}},
    {"network": {"mode": "public"}, "compute": [{"name": "g1", "instance": "Standard_D4s_v3", "tier": "spot"}]},
    {"network": {"dnsZones": {API: dns(API)}}},
    {"network": {"fqdns": ["pypi.org", "*.pythonhosted.org"]}},
    {"network": {"egress": "nat"}, "wandb": {"mode": "online", "host": "api.wandb.ai", "route": "nat"}},
    {"network": {"fqdns": ["api.wandb.ai"]}, "wandb": {"mode": "online", "host": "api.wandb.ai", "route": "nat"}},
    {"network": {"mode": "public"}, "wandb": {"mode": "online", "host": "api.wandb.ai", "route": "nat"}},
    {"federation": CI, "accountScope": "existing"},
    {"existing": {"storage": ACCOUNT, "buckets": {"data": "train-data"}}},
    {"existing": {"keys": {"data": f"{THEIRS}/{KEY}"}, **WHOLE}},
    # Its clusters are in a network that reaches what the zone builds.
    {"existing": {"workspace": WORKSPACE}, "network": {**ADOPTED, "jobsSubnet": f"{VNET}/subnets/jobs"}},
    {"retentionDays": 2192},
    {"managedNetwork": False},
]


@pytest.mark.parametrize("changes", RIGHT)
def test_what_can_be_built_is_accepted(changes: dict[str, Any]) -> None:
    assert read(azure_zone(**changes))


@pytest.mark.parametrize(
    ("changes", "managed", "gateway", "egress"),
    [
        ({}, True, False, "none"),
        ({"managedNetwork": False}, False, True, "none"),
        ({"network": {"agents": True}}, True, True, "none"),
        ({"network": {"egress": "nat"}}, True, True, "nat"),
        ({"network": {"mode": "public"}}, False, False, "nat"),
        ({"network": ADOPTED}, True, False, "none"),
        ({"network": {**ADOPTED, "jobsSubnet": f"{VNET}/subnets/jobs"}}, False, False, "none"),
    ],
)
def test_where_jobs_run_follows_from_what_the_zone_names(
    changes: dict[str, Any], managed: bool, gateway: bool, egress: str
) -> None:
    [made] = read(azure_zone(**changes))
    assert (made.managed, made.gateway, made.egress) == (managed, gateway, egress)


def test_zones_of_a_subscription_say_what_it_has_once_in_the_same_words() -> None:
    budget = {"monthlyUsd": 500, "emails": ["a@b.c"]}
    other = azure_zone(
        name="azure-neu",
        region="northeurope",
        network={"cidr": "10.129.0.0/16"},
        budget={**budget, "monthlyUsd": 5},
    )
    found = problems(azure_zone(budget=budget), other)
    assert "zones[0] says something else" in found["zones[1].budget"]


def pair(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two zones that say the same."""
    return azure_zone(**changes), azure_zone(name="azure-too", **changes)


def test_a_network_takes_one_dns_zone_of_each_name() -> None:
    found = problems(*pair(network=ADOPTED))
    assert set(found) == {"zones[1].network.dnsZones"}
    assert "zones[0] builds " in found["zones[1].network.dnsZones"]
    assert API in found["zones[1].network.dnsZones"]
    every = {name: dns(name) for names in dns_zones("public").values() for name in names}
    one, too = pair(network={**ADOPTED, "dnsZones": every})
    assert read(one, too)
    assert read(azure_zone(network=ADOPTED), too)
    del every[API]
    one, too = pair(network={**ADOPTED, "dnsZones": every})
    assert f"zones[0] builds {API} in" in problems(one, too)["zones[1].network.dnsZones"]


def test_a_workspace_is_one_zones() -> None:
    network = {"mode": "existing", "vnet": VNET, "endpointsSubnet": f"{VNET}/subnets/endpoints"}
    names = {name: dns(name) for all in dns_zones("public").values() for name in all}
    both = pair(existing=WHOLE, network={**network, "dnsZones": names})
    assert "zones[0]" in problems(*both)["zones[1].existing.workspace"]


def test_submitters_are_given_a_role_on_an_adopted_container_once() -> None:
    def zones(first: list[str], second: list[str], **buckets: str) -> tuple[dict[str, Any], ...]:
        cidr = {"cidr": "10.129.0.0/16"}
        adopted = {"storage": ACCOUNT, "buckets": buckets}
        return (
            azure_zone(existing={"storage": ACCOUNT}, submitters=first),
            azure_zone(name="azure-too", existing=adopted, submitters=second, network=cidr),
        )

    for first, second in (([], []), ([GROUP], [OTHER, GROUP])):
        found = problems(*zones(first, second))
        assert set(found) == {"zones[1].existing.storage"}
        assert "containers checkpoints, output of one account" in found["zones[1].existing.storage"]
    assert read(*zones([GROUP], [OTHER]))
    assert read(*zones([GROUP], []))
    assert read(*zones([], [], output="other-output", checkpoints="other-checkpoints"))


def test_each_zone_trusts_a_provider_of_tokens_of_its_own() -> None:
    other = azure_zone(
        name="azure-neu",
        region="northeurope",
        network={"cidr": "10.129.0.0/16"},
        federation={**CI, "issuer": "gitlab.example.com"},
    )
    assert len(read(azure_zone(federation=CI), other)) == 2


def test_both_clouds_of_azure_have_regions_and_names_of_endpoints() -> None:
    assert set(regions.table()) == {"public", "usgovernment"}
    assert not set(regions.table()["public"]) & set(regions.table()["usgovernment"])
    assert "privatelink.api.ml.azure.us" in dns_zones("usgovernment")["amlworkspace"]


@given(st.sampled_from(regions.table()["public"]))
def test_every_region_of_the_public_cloud_is_a_place_for_a_zone(region: str) -> None:
    assert read(azure_zone(region=region))[0].region == region
