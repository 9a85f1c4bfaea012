"""The tables are what the provider and the SDK say, and every type in them is served."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from localcloud.plugin.derive import rules, sdk, table
from localcloud.plugin.gcp.derive import __main__ as derive
from localcloud.plugin.gcp.derive import facts, lookups
from localcloud.plugin.gcp.provider import GcpProvider
from localcloud.plugin.gcp.registry import REGISTRY
from localcloud.plugin.gcp.rest import table as stored
from localcloud.plugin.rules import RULES
from localcloud.plugin.sameness import KINDS
from tests.plugin.gcp.test_handlers import invokes


def test_the_stored_tables_are_what_the_derivation_makes_of_their_sources() -> None:
    assert derive.derived() == stored()
    assert lookups.derive(derive.load("types.json")["lookups"], stored()) == derive.load("lookups.json")


def test_every_type_has_a_handler_with_the_four_verbs() -> None:
    for token in stored():
        handler = REGISTRY.resource(token)
        verbs = (handler.create, handler.read, handler.update, handler.delete)
        assert all(callable(verb) for verb in verbs), token


def test_no_handler_serves_a_type_that_no_schema_covers() -> None:
    modules = {name for names in REGISTRY.modules.values() for name in names}
    served = [importlib.import_module(f"{REGISTRY.package}.{name}") for name in sorted(modules)]
    assert {token for module in served for token in getattr(module, "RESOURCES", {})} == set(stored())


def test_an_invoke_takes_exactly_the_arguments_that_the_sdk_sends() -> None:
    for token, call in invokes().items():
        assert call.arguments == sdk.arguments(token), token


def test_the_configuration_is_that_of_the_sdk() -> None:
    shapes = sdk.classes(sdk.root("gcp") / "provider.py")["ProviderArgs"]
    settings = GcpProvider().settings
    assert settings["properties"] == {name: shape.kind for name, shape in shapes.items()}
    assert {*settings["honoured"], *settings["no_effect"]["names"]} <= shapes.keys()


def test_every_rule_and_every_sameness_of_the_table_can_be_checked() -> None:
    assert {one["rule"] for one in holding("rule", stored())} <= {*RULES, "any"}
    special = {"empty_or", "once_true", "order"}
    assert {one["same"].partition(":")[0] for one in holding("same", stored())} <= {*KINDS, *special}


def holding(key: str, value: Any) -> list[dict[str, Any]]:
    """Every object in a table that has the key with a text."""
    if isinstance(value, dict):
        own = [value] if isinstance(value.get(key), str) else []
        return own + [found for inner in value.values() for found in holding(key, inner)]
    return [found for inner in value for found in holding(key, inner)] if isinstance(value, list) else []


def test_every_call_leads_to_a_setting_of_the_provider() -> None:
    known = GcpProvider().settings["honoured"]
    for name, one in derive.load("rest.json").items():
        assert table_name(one["endpoint"]) in known, name


def table_name(endpoint: str) -> str:
    words = endpoint.split("_")
    return words[0] + "".join(word.capitalize() for word in words[1:])


def test_a_schema_made_of_the_source_has_the_form_of_the_providers_own_answer() -> None:
    source = {
        "name": {"Type": "schema.TypeString", "Required": "true"},
        "token": {"Type": "schema.TypeString", "Optional": "true", "Sensitive": "true"},
        "networks": {"Type": "schema.TypeSet", "Optional": "true"},
        "networks.url": {"Type": "schema.TypeString", "Required": "true"},
        "ranges": {"Type": "schema.TypeList", "Required": "true"},
        "ranges[]": {"Type": "schema.TypeString"},
    }
    assert facts.block(source) == {
        "attributes": {
            "name": {"type": "string", "required": True},
            "ranges": {"type": ["list", "string"], "required": True},
            "token": {"type": "string", "optional": True, "sensitive": True},
        },
        "block_types": {
            "networks": {
                "nesting_mode": "set",
                "block": {"attributes": {"url": {"type": "string", "required": True}}},
            }
        },
    }


def test_a_validator_that_the_derivation_cannot_read_is_an_error() -> None:
    reader = rules.Reader("compute", derive.load("validators.json"), {})
    with pytest.raises(ValueError, match=r"cannot read validator 'verify\.ValidateBanana'"):
        reader.rules("verify.ValidateBanana")
    with pytest.raises(ValueError, match="cannot read DiffSuppressFunc 'bananaDiffSuppress'"):
        reader.same("bananaDiffSuppress")


def test_a_property_of_the_sdk_that_the_provider_lacks_is_an_error() -> None:
    names = derive.load("names.json") | {"not_upstream": {}}
    upstream, found, validators, _ = map(derive.load, derive.PARTS)
    with pytest.raises(ValueError, match="etag"):
        table.derive(derive.load("types.json")["types"], upstream, found, validators, names, derive.NO_ENUMS)


def test_nothing_in_the_data_is_without_a_source() -> None:
    for file in sorted(derive.DATA.glob("*.json")):
        document = json.loads(file.read_text())
        if file.name not in ("schema.json", "rules.json", "rest.json", "lookups.json"):  # made of the others
            assert document.get("source") or document.get("module"), file.name
