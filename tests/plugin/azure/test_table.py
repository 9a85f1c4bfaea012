"""The tables are what the SDK and the ARM types say, and nothing in them is without a source."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from localcloud.plugin.azure import table as stored
from localcloud.plugin.azure.derive import __main__ as derive
from localcloud.plugin.azure.derive import package, table
from localcloud.plugin.azure.provider import AzureProvider
from localcloud.plugin.derive import sdk


def test_the_stored_table_is_what_the_derivation_makes_of_its_sources() -> None:
    assert derive.text(derive.derived()) == (derive.DATA / "schema.json").read_text()


def test_every_type_that_a_property_names_is_there() -> None:
    schema = stored.schema()
    named: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            named.update([value["ref"]] if isinstance(value.get("ref"), str) else [])
            named.update(value["options"] if isinstance(value.get("options"), list) else [])
            for inner in value.values():
                walk(inner)

    walk(schema)
    assert named == schema["types"].keys()


def test_every_part_of_an_id_is_an_input_that_replaces() -> None:
    for token, one in stored.schema()["resources"].items():
        names = set(re.findall(r"\{(\w+)\}", one["path"])) - {"subscriptionId"}
        assert {name for name, prop in one["inputs"].items() if prop.get("in") == "path"} == names, token
        assert all(one["inputs"][name]["replace"] for name in names), token
        assert names <= package.inputs(token).properties.keys(), token


def test_the_paths_end_in_the_arm_types_own_words() -> None:
    for token, one in stored.schema()["resources"].items():
        words = [word.lower() for word in one["arm"].split("/")[1:]]
        ids = iter(one["path"].lower().split("/"))
        assert all(word in ids for word in words), token


def test_every_pattern_can_be_matched() -> None:
    for properties in stored.schema()["types"].values():
        for prop in properties.values():
            re.compile(prop.get("pattern", ""))


def test_an_invoke_takes_exactly_the_arguments_that_the_sdk_sends() -> None:
    for token, one in stored.schema()["lookups"].items():
        assert set(one["arguments"]) == sdk.arguments(token), token
        assert one["version"] == stored.resource(one["of"])["version"], token


def test_the_configuration_is_that_of_the_sdk() -> None:
    shapes = sdk.classes(sdk.root("azure-native") / "provider.py")["ProviderArgs"]
    settings = AzureProvider().settings
    assert settings["properties"] == {name: shape.kind for name, shape in shapes.items()}
    assert {*settings["honoured"], *settings["no_effect"]["names"]} <= shapes.keys()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}", "random"),
        ("/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.KeyVault/vaults/{vaultName}", "random"),
        ("/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.KeyVault/vaults/{v}/keys/{keyName}", "copy"),
        ("/{scope}/providers/Microsoft.Authorization/locks/{lockName}", "random"),
        ("/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}", "uuid"),
    ],
)
def test_the_path_tells_what_kind_of_name_is_made_up(path: str, kind: str) -> None:
    assert table.autoname(path)["kind"] == kind


def test_the_apis_spelling_becomes_the_sdks() -> None:
    assert [
        table.camel(name) for name in ("Application_Type", "SamplingPercentage", "release_policy", "tags")
    ] == [
        "applicationType",
        "samplingPercentage",
        "releasePolicy",
        "tags",
    ]


def test_a_type_without_arm_types_that_nobody_listed_stops_the_derivation() -> None:
    names = derive.load("names.json")
    names["untyped"]["arm"] = []
    with pytest.raises(ValueError, match=r"NatGateway: no ARM types of Microsoft\.Network/natGateways"):
        table.derive(derive.load("types.json"), names)


def test_a_lookup_that_answers_what_its_type_has_not_stops_the_derivation() -> None:
    types = derive.load("types.json")
    types["lookups"] = {"azure-native:keyvault:getVault": "azure-native:resources:ResourceGroup"}
    with pytest.raises(ValueError, match=r"getVault answers \['systemData'\]"):
        table.derive(types, derive.load("names.json"))


def test_only_what_the_api_version_lacks_has_no_place() -> None:
    schema = stored.schema()
    sides = [*schema["types"].items(), *((token, one["inputs"]) for token, one in schema["resources"].items())]
    assert [(key, name) for key, side in sides for name, prop in side.items() if prop.get("unplaced")] == [
        ("network:Subnet", "serviceGateway")
    ]


def test_nothing_in_the_data_is_without_a_source() -> None:
    for file in sorted(derive.DATA.glob("*.json")):
        if file.name != "schema.json":  # made of the others
            assert json.loads(file.read_text())["source"], file.name
