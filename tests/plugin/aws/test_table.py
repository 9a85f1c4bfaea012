"""The property table is what the provider and the SDK say, and every type in it is served."""

from __future__ import annotations

import importlib
import re
from typing import Any

import botocore.session
import pytest

from localcloud.plugin.aws.derive import __main__ as derive
from localcloud.plugin.aws.provider import settings
from localcloud.plugin.aws.provider import table as stored
from localcloud.plugin.aws.registry import REGISTRY
from localcloud.plugin.derive import rules, sdk, table
from localcloud.plugin.rules import RULES


def test_the_stored_table_is_what_the_derivation_makes_of_its_sources() -> None:
    assert derive.derived() == stored()


def test_every_type_has_a_handler_with_the_four_verbs() -> None:
    for token in stored():
        handler = REGISTRY.resource(token)
        assert all(callable(verb) for verb in (handler.create, handler.read, handler.update, handler.delete)), (
            token
        )


def test_no_handler_serves_a_type_that_no_schema_covers() -> None:
    modules = {name for names in REGISTRY.modules.values() for name in names}
    served = [importlib.import_module(f"{REGISTRY.package}.{name}") for name in sorted(modules)]
    assert {token for module in served for token in getattr(module, "RESOURCES", {})} == set(stored())


def test_an_invoke_takes_exactly_the_arguments_that_the_sdk_sends() -> None:
    modules = {name for names in REGISTRY.modules.values() for name in names}
    for name in sorted(modules):
        for token, call in getattr(importlib.import_module(f"{REGISTRY.package}.{name}"), "INVOKES", {}).items():
            sent = set(re.findall(r"__args__\['(\w+)'\]", invoke_source(token)))
            assert call.arguments == sent, token


def invoke_source(token: str) -> str:
    module, name = token.split(":")[1].split("/")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    folder = sdk.root("aws") if module == "index" else sdk.root("aws") / module
    return (folder / f"{snake}.py").read_text()


def test_the_configuration_is_that_of_the_sdk() -> None:
    shapes = sdk.classes(sdk.root("aws") / "provider.py")["ProviderArgs"]
    assert settings()["properties"] == {name: shape.kind for name, shape in shapes.items()}
    assert {*settings()["honoured"], *settings()["no_effect"]["names"]} <= shapes.keys()


def test_every_rule_of_the_table_can_be_checked() -> None:
    assert {rule["rule"] for rule in found_rules(stored())} <= {*RULES, "any"}


def found_rules(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if isinstance(value.get("rule"), str) else []
        return own + [rule for inner in value.values() for rule in found_rules(inner)]
    return [rule for inner in value for rule in found_rules(inner)] if isinstance(value, list) else []


@pytest.mark.oracle
@pytest.mark.parametrize(
    "service", ["budgets", "cloudtrail", "ec2", "ecr", "iam", "kms", "logs", "s3", "secretsmanager"]
)
def test_the_vendors_model_knows_every_value_of_an_enumeration(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    known = {value for name in model.shape_names for value in getattr(model.shape_for(name), "enum", [])}
    ours = derive.load("enums.json")["services"][service]
    assert {value for constants in ours.values() for value in constants.values()} <= known


def test_a_validator_that_the_derivation_cannot_read_is_an_error() -> None:
    reader = rules.Reader("s3", derive.load("validators.json"), {})
    with pytest.raises(ValueError, match=r"cannot read validator .validation\.StringIsBanana."):
        reader.rules("validation.StringIsBanana")


def test_a_property_of_the_sdk_that_the_provider_lacks_is_an_error() -> None:
    names = derive.load("names.json") | {"not_upstream": {}}
    parts = [derive.load(name) for name in ("upstream.json", "rules.json", "validators.json")]
    with pytest.raises(ValueError, match="tagFieldSpecifications"):
        table.derive(derive.load("types.json")["types"], *parts, names, derive.load("enums.json"))
