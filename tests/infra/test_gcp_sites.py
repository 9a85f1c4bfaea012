"""Places and providers on Google Cloud: names that fit, one project per provider, an emulator on loopback."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra import config, naming
from infra.gcp import idle, site
from infra.gcp.place import LONGEST, Place
from tests.infra.gcp_parts import PLACE
from tests.infra.stacks import gcp_zone, stack

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "http://127.0.0.1:5000/_gcp"
ZONE_NAMES = st.from_regex(r"\A[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,7}){0,2}\Z")
KINDS = {kind for kind in LONGEST if kind != "pool"}


class Recorded:
    """Stands where the provider class is and keeps what it was given."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.name, self.settings = name, {key: value for key, value in settings.items() if value is not None}


def provider(url: str | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a provider as it would be registered."""
    monkeypatch.setattr("pulumi_gcp.Provider", Recorded)
    return cast(Recorded, site.provider("p", PLACE, {"owner": "ML Platform <ml@acme.com>"}, url)).settings


def test_a_provider_is_pinned_and_pays_for_its_calls_with_its_own_project(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider(None, monkeypatch) == {
        "project": "acme-ml-eu",
        "region": "europe-west4",
        "default_labels": {"owner": "ml-platform-ml-acme-com"},
        "add_pulumi_attribution_label": False,
        "user_project_override": True,
        "billing_project": "acme-ml-eu",
    }


def test_an_emulated_provider_calls_every_service_at_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = provider(URL, monkeypatch)
    endpoints = {key: value for key, value in settings.items() if key.endswith("_custom_endpoint")}
    assert len(endpoints) == len(site.EMULATED)
    assert all(value.startswith(f"{URL}/") and value.endswith("/") for value in endpoints.values())
    assert endpoints["storage_custom_endpoint"] == f"{URL}/storage/storage/v1/"
    assert settings["access_token"] == "testing"


def test_every_emulated_endpoint_is_a_setting_of_the_real_provider() -> None:
    import inspect

    import pulumi_gcp

    known = inspect.signature(pulumi_gcp.Provider._internal_init).parameters
    assert {f"{service}_custom_endpoint" for service in site.EMULATED} <= set(known)


@pytest.mark.parametrize("url", ["https://storage.googleapis.com", "http://10.0.0.1/_gcp", "file:///tmp", ""])
def test_an_emulator_anywhere_else_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_GCP_ENDPOINT", url)
    environment = config.read(stack(gcp_zone(), emulator=True), "eu")
    with pytest.raises(Exception, match="localcloud run"):
        site.emulated(environment)


def test_without_the_switch_no_emulator_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_GCP_ENDPOINT", URL)
    assert site.emulated(config.read(stack(gcp_zone()), "eu")) is None


@given(ZONE_NAMES, st.sampled_from(sorted(KINDS)), st.sampled_from(["execution", "agent", "checkpoints", "audit"]))
def test_names_fit_whatever_the_zone_is_called(name: str, kind: str, use: str) -> None:
    made = replace(PLACE, name=name).physical(kind, use)
    assert len(made) <= LONGEST[kind]
    assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", made)


def test_zones_that_begin_alike_have_accounts_of_their_own() -> None:
    names = ["gcp-europe-west1", "gcp-europe-west4"]
    made = {replace(PLACE, name=name).service_account("execution") for name in names}
    assert len(made) == 2
    assert all(len(email.partition("@")[0]) <= 30 for email in made)


def test_the_names_of_a_projects_own_things_fit_for_the_longest_project() -> None:
    place = Place(f"gcp-{'a' * 30}", "a" * 30, "northamerica-northeast1", "1a2b3c4d", False)
    for kind in KINDS:
        assert len(place.physical(kind, "audit")) <= LONGEST[kind]


@given(st.text(min_size=1, max_size=128))
@example("a" * 64)
def test_whatever_an_owner_is_called_it_is_a_label(owner: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", naming.labels({"owner": owner})["owner"])


def idle_text(**changes: object) -> str:
    [one] = config.read(stack(gcp_zone(**changes)), "eu").zones
    return idle.PRICES.text(one.name, idle.lines(one))  # type: ignore[arg-type]  # the only zone is on this cloud


def test_idle_cost_counts_keys_endpoints_and_addresses() -> None:
    told = idle_text(network={"egress": "nat"})
    assert "3 x active versions of keys: 0.18 (list price https://cloud.google.com/kms/pricing" in told
    assert "1 x public addresses of Cloud NAT: 3.65" in told
    assert "1 x private endpoints of Google's APIs: unknown, see https://cloud.google.com/vpc/pricing" in told
    assert "together 3.83 and what is unknown" in told


def test_what_is_not_built_costs_nothing() -> None:
    assert "endpoints" not in idle_text(network={"endpoint": "none"})
    assert "endpoints" not in idle_text(network={"mode": "public"})


def test_every_price_names_its_source_and_date() -> None:
    for facts in idle.PRICES.data["prices"].values():
        assert facts["as_of"]
        assert facts["check"].startswith("https://cloud.google.com/")
        for figure in facts["figures"]:
            assert figure["source"].startswith("https://")
            assert figure["basis"] in ("vendor", "second-hand")
            assert figure["price"] > 0
