"""Places and providers on Azure: names that fit, a pinned subscription, an emulator on loopback, idle cost."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pulumi_azure_native import machinelearningservices as ml

from dispatcher.backends.azureml.place import clouds
from infra import config
from infra.azure import idle, site
from infra.azure.place import LONGEST, PLAIN, Place
from infra.azure.rest import Rest
from tests.infra.azure_parts import PLACE, S
from tests.infra.stacks import azure_zone, stack

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "http://127.0.0.1:5000/_azure"
ZONE_NAMES = st.from_regex(r"\A[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,7}){0,2}\Z")
# What the ARM types and the naming rules of Azure take.
PATTERNS = {
    "storage": r"[a-z0-9]{3,24}",
    "vault": r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "registry": r"[a-zA-Z0-9]{5,50}",
    "workspace": r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
    "log-analytics": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
}


class Recorded:
    """Stands where the provider class is and keeps what it was given."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.name, self.settings = name, {key: value for key, value in settings.items() if value is not None}


def provider(url: str | None, monkeypatch: pytest.MonkeyPatch, place: Place = PLACE) -> dict[str, Any]:
    """The settings of a provider as it would be registered."""
    monkeypatch.setattr("pulumi_azure_native.Provider", Recorded)
    return cast(Recorded, site.provider("p", place, url)).settings


def test_a_provider_is_pinned_to_subscription_region_and_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider(None, monkeypatch) == {
        "subscription_id": S,
        "location": "westeurope",
        "environment": "public",
        "disable_pulumi_partner_id": True,
    }
    government = replace(PLACE, region="usgovvirginia", environment="usgovernment")
    assert provider(None, monkeypatch, government)["environment"] == "usgovernment"


def test_an_emulated_provider_cannot_reach_an_azure_that_nobody_means(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider(URL, monkeypatch)["metadata_host"] == "127.0.0.1:5000"


@pytest.mark.parametrize("url", ["https://management.azure.com", "http://10.0.0.1/_azure", "file:///tmp", ""])
def test_an_emulator_anywhere_else_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_AZURE_ENDPOINT", url)
    environment = config.read(stack(azure_zone(), emulator=True), "eu")
    with pytest.raises(Exception, match="localcloud run"):
        site.emulated(environment)


def test_without_the_switch_no_emulator_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_AZURE_ENDPOINT", URL)
    assert site.emulated(config.read(stack(azure_zone()), "eu")) is None


@pytest.mark.parametrize(
    ("environment", "emulator", "endpoint"),
    [
        ("public", None, "https://management.azure.com"),
        ("usgovernment", None, "https://management.usgovcloudapi.net"),
        ("public", URL, f"{URL}/arm"),
    ],
)
def test_azure_is_asked_in_its_own_cloud_or_at_the_emulator(
    environment: str, emulator: str | None, endpoint: str
) -> None:
    place = replace(PLACE, environment=environment)
    signed_in = site.Deployer("tenant", "object", "User", "a-token")
    asked = site.Site(place, cast(Any, None), deployer=signed_in, emulator=emulator).rest
    assert asked == Rest(endpoint, "a-token")


def test_a_token_is_never_shown() -> None:
    assert "a-token" not in repr(Rest("https://management.azure.com", "a-token"))
    assert "a-token" not in repr(site.Deployer("tenant", "object", "User", "a-token"))


class Answered:
    """Stands where the library for HTTP is."""

    def __init__(self, status: int, text: str) -> None:
        self.status_code, self.text = status, text
        self.sent: dict[str, Any] = {}

    def request(self, verb: str, url: str, **sent: Any) -> Answered:
        self.sent = {"verb": verb, "url": url, **sent}
        return self

    def json(self) -> Any:
        return json.loads(self.text)


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (200, '{"value": []}', ""),
        (403, '{"error": {"code": "AuthorizationFailed", "message": "no"}}', "AuthorizationFailed"),
        (502, "<html>", ""),
        (200, "[]", ""),
        (400, '{"error": "odd"}', ""),
    ],
)
def test_whatever_azure_answers_is_a_status_and_a_code(
    status: int, text: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Answered(status, text)
    monkeypatch.setattr("requests.request", cloud.request)
    answer = Rest("https://management.azure.com", "a-token").ask("/subscriptions/s", "2021-04-01", **{"$top": "1"})
    assert (answer.status, answer.code) == (status, code)
    assert cloud.sent["url"] == "https://management.azure.com/subscriptions/s"
    assert cloud.sent["params"] == {"api-version": "2021-04-01", "$top": "1"}
    assert cloud.sent["headers"] == {"Authorization": "Bearer a-token"}
    assert cloud.sent["timeout"] > 0


def token(**claims: str) -> str:
    """A token that says so; nobody looks at its signature."""
    payload = base64.urlsafe_b64encode(json.dumps({"aud": "arm", **claims}).encode()).decode().rstrip("=")
    return f"e30.{payload}.signature"


POWERSHELL, PIPELINE = "1950a258-227b-4e31-a9cf-717495945fc2", "11111111-aaaa-4bbb-8ccc-222222222222"


@pytest.mark.parametrize(
    ("client", "signed", "kind"),
    [
        (site.AZURE_CLI, token(idtyp="user"), "User"),
        (POWERSHELL, token(idtyp="user"), "User"),  # whom `az login` has no part in
        (POWERSHELL, token(scp="user_impersonation"), "User"),
        (PIPELINE, token(idtyp="app"), "ServicePrincipal"),
        (PIPELINE, token(), "ServicePrincipal"),
        (site.AZURE_CLI, "testing", "User"),
        (PIPELINE, "testing", "ServicePrincipal"),
        (PIPELINE, "not.json.really", "ServicePrincipal"),
        (PIPELINE, "e30.W10.x", "ServicePrincipal"),
    ],
)
def test_a_person_is_known_by_the_token_whatever_signed_them_in(client: str, signed: str, kind: str) -> None:
    assert site.kind(client, signed) == kind


def test_jobs_are_submitted_in_the_words_that_their_workspace_was_declared_in() -> None:
    """The provider has one version of each type; for Azure Government nobody knows, and the docs say so."""
    source = Path(ml.__file__).with_name("workspace.py").read_text(encoding="utf-8")
    declared = re.search(r"Uses Azure REST API version ([0-9-]+)\.", source)
    assert declared
    assert clouds()["public"].api_version == declared[1]
    docs = (Path(site.__file__).parents[2] / "docs" / "azure-zone.md").read_text().partition("## Not in this")[2]
    assert declared[1] in docs
    assert clouds()["usgovernment"].api_version in docs


@given(ZONE_NAMES, st.sampled_from(sorted(LONGEST)), st.sampled_from(["", "keys", "secrets", "checkpoints"]))
@example("a" * 24, "vault", "secrets")
def test_names_fit_whatever_the_zone_is_called(name: str, kind: str, use: str) -> None:
    made = replace(PLACE, name=name).physical(kind, use)
    assert len(made) <= LONGEST[kind]
    assert re.fullmatch(PATTERNS.get(kind, r"[a-z]([a-z0-9-]*[a-z0-9])?"), made)


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_zones_that_look_alike_without_hyphens_have_names_of_their_own(kind: str) -> None:
    names = ["azure-weu", "azureweu", "azure-we-u", "azure-westeurope-one", "azure-westeurope-two"]
    assert len({replace(PLACE, name=name).physical(kind, "") for name in names}) == len(names)


def test_zones_that_begin_alike_have_vaults_of_their_own() -> None:
    names = ["azure-westeurope1", "azure-westeurope2"]
    assert len({replace(PLACE, name=name).physical("vault", "secrets") for name in names}) == 2


def test_the_names_of_a_subscriptions_own_things_fit() -> None:
    place = Place(f"azure-{S}", S, "australiasoutheast", "1a2b3c4d", False)
    for kind in LONGEST:
        assert len(place.physical(kind, "audit")) <= LONGEST[kind]


def test_a_suffix_of_a_new_life_makes_another_name() -> None:
    assert PLACE.physical("workspace", suffix="9f8e7d6c") == "azure-weu-9f8e7d6c"
    assert PLACE.physical("vault", "keys", "9f8e7d6c") != PLACE.physical("vault", "keys", "00000000")


def idle_text(**changes: object) -> str:
    [one] = config.read(stack(azure_zone(**changes)), "eu").zones
    return idle.PRICES.text(one.name, idle.lines(one))  # type: ignore[arg-type]  # the only zone is on this cloud


def test_the_pages_name_everything_that_the_idle_cost_of_a_default_zone_lists() -> None:
    told, counts = idle_text(), ("five", "four")
    root = Path(__file__).parents[2]
    page = (root / "docs" / "azure-zone.md").read_text().split("## What it costs idle")[1].split("\n## ")[0]
    readme = (root / "README.md").read_text().split("**What a zone costs idle.**")[1].split("\n\n")[0]
    assert "5 x private endpoints:" in told
    assert "4 x private endpoints of the managed network" in told
    assert "6 x private DNS zones" in told
    assert "six on Azure" in readme
    for text in (page, readme):
        assert all(
            word in " ".join(text.split())
            for word in ("Azure AI Search", "Cosmos DB", "DNS zones", "registry", *counts)
        )
    assert "Clusters and workspace cost nothing" not in page


def test_idle_cost_counts_endpoints_zones_registry_and_kept_nodes() -> None:
    told = idle_text(compute=[{"name": "cpu", "instance": "Standard_D4s_v3", "min": 2, "max": 4}])
    assert "5 x private endpoints: 36.50 (SECOND-HAND figure" in told
    assert "4 x private endpoints of the managed network: 29.20" in told
    assert "1 x Azure AI Search of the workspace's records: unknown" in told
    assert "1 x Azure Cosmos DB of the workspace's records: unknown" in told
    assert "6 x private DNS zones: unknown, see https://azure.microsoft.com/pricing/details/dns/" in told
    assert "1 x container registry (Premium): unknown" in told
    assert "2 x nodes that clusters keep: unknown" in told
    assert "NAT" not in told
    assert "Firewall" not in told


def test_hosts_announce_the_firewall_they_buy() -> None:
    told = idle_text(network={"fqdns": ["pypi.org"]})
    assert "1 x Azure Firewall (Basic) of the managed network, which network.fqdns buys" in told


def test_a_way_out_is_a_gateway_and_an_address() -> None:
    told = idle_text(network={"egress": "nat"})
    assert "1 x NAT gateways" in told
    assert "1 x public addresses" in told


def test_what_is_not_built_costs_nothing() -> None:
    told = idle_text(network={"mode": "public"}, compute=[{"name": "cpu", "instance": "Standard_D4s_v3"}])
    assert "endpoints" not in told
    assert "nodes" not in told
    registry = f"/subscriptions/{azure_zone()['subscription']}/resourceGroups/g/providers"
    adopted = {"registry": f"{registry}/Microsoft.ContainerRegistry/registries/acme"}
    assert "registry" not in idle_text(existing=adopted)


def test_every_price_names_its_source_and_date() -> None:
    for facts in idle.PRICES.data["prices"].values():
        assert facts["as_of"]
        assert facts["check"].startswith("https://azure.microsoft.com/pricing/")
        for figure in facts["figures"]:
            assert figure["source"].startswith("https://")
            assert figure["basis"] in ("vendor", "second-hand")
            assert figure["price"] > 0
