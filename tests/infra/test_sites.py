"""Providers and options: pinned to one account, aimed at this machine only when told, protective of data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pulumi
import pytest

from infra import emulator
from infra.aws import site
from infra.aws.site import Site
from tests.infra.documents import PLACE


def made(disposable: bool = False) -> Site:
    """A site without an engine: its provider is only handed on."""
    provider = cast(Any, object())
    return Site(replace(PLACE, disposable=disposable), provider)


def test_what_holds_data_is_protected_in_a_durable_zone_only() -> None:
    parent = cast(pulumi.Resource, object())
    assert made().child(parent, keep=True).protect is True
    assert made(disposable=True).child(parent, keep=True).protect is False
    assert made().child(parent).protect is False


def test_every_resource_gets_the_parent_and_the_explicit_provider() -> None:
    parent = cast(pulumi.Resource, object())
    here = made()
    options = here.child(parent)
    assert options.parent is parent
    assert options.provider is here.provider


def test_a_renamed_resource_carries_its_earlier_names() -> None:
    options = made().child(cast(pulumi.Resource, object()), renamed_from=["aws-euc1-storage-inputs"])
    [alias] = cast(list[pulumi.Alias], options.aliases)
    assert alias.name == "aws-euc1-storage-inputs"


def test_logical_names_are_zone_concern_and_use() -> None:
    assert made().name("storage", "data") == "aws-euc1-storage-data"
    assert made().name("storage") == "aws-euc1-storage"


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "http://localhost:5000", "http://[::1]:5000"])
def test_an_emulator_on_this_machine_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert emulator.url("AWS_ENDPOINT_URL") == url


@pytest.mark.parametrize(
    "url", ["https://sts.amazonaws.com", "http://10.0.0.1:5000", "http://127.0.0.1.example.com", ""]
)
def test_an_emulator_anywhere_else_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(pulumi.RunError, match="localcloud run"):
        emulator.url("AWS_ENDPOINT_URL")


class Recorded:
    """Stands where the provider class is and keeps what it was given."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.name, self.settings = name, {key: value for key, value in settings.items() if value is not None}


def provider(emulator: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a provider as it would be registered."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    monkeypatch.setattr(site.aws, "Provider", Recorded)
    return cast(Recorded, site.provider("p", PLACE, {"owner": "me"}, emulator)).settings


def test_a_real_provider_is_pinned_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider(False, monkeypatch) == {
        "region": "eu-central-1",
        "allowed_account_ids": [PLACE.account],
        "default_tags": {"tags": {"owner": "me"}},
    }


def test_an_emulated_provider_calls_every_service_at_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = provider(True, monkeypatch)
    [endpoints] = settings["endpoints"]
    assert {getattr(endpoints, service) for service in site.EMULATED} == {"http://127.0.0.1:5000"}
    assert settings["allowed_account_ids"] == [PLACE.account]
