"""Every stack of stacks/, from its first preview to its last destroy, on the real engine."""

from __future__ import annotations

import pytest

from localcloud.place import SUBSCRIPTION
from localcloud.plugin.azure import table
from tests.engine import golden
from tests.engine.life import Life
from tests.engine.security import CHECKS

pytestmark = pytest.mark.engine


def test_the_first_preview_plans_what_up_then_makes(life: Life) -> None:
    assert life.step("preview").changes == life.step("up").changes
    assert set(life.step("up").changes.values()) == {"create"}


def test_a_preview_after_up_is_empty(life: Life) -> None:
    assert life.step("preview again").changes == {}


def test_a_refresh_after_up_finds_nothing_new(life: Life) -> None:
    assert life.step("refresh").changes == {}


def test_an_update_of_tags_and_rights_replaces_nothing_and_leaves_an_empty_plan(life: Life) -> None:
    assert set(life.step("update").changes.values()) == {"update"}
    assert life.step("preview updated").changes == {}


def test_destroy_leaves_nothing_on_the_cloud(life: Life) -> None:
    life.step("destroy")
    assert life.left == {}


def test_up_works_again_after_a_destroy(life: Life) -> None:
    assert life.step("up again").names("create") == life.step("up").names("create")
    life.step("destroy again")


def test_no_resource_uses_a_default_provider(life: Life) -> None:
    life.step("up")
    custom = [found for found in life.state.values() if found.type.startswith(("aws:", "azure-native:", "gcp:"))]
    assert {found.type.partition(":")[0] for found in custom} == {"aws", "azure-native", "gcp"}
    assert [found.name for found in custom if "default" in found.provider] == []
    assert [found.name for found in life.state.values() if found.name.startswith("default")] == []


def test_every_provider_is_pinned_to_its_account_and_region(life: Life) -> None:
    life.step("up")
    providers = [found for found in life.state.values() if found.type == "pulumi:providers:aws"]
    assert providers
    for provider in providers:
        assert "123456789012" in provider.inputs["allowedAccountIds"]
        assert provider.inputs["region"]
    azure = [found for found in life.state.values() if found.type == "pulumi:providers:azure-native"]
    assert azure
    for provider in azure:
        assert provider.inputs["subscriptionId"] == SUBSCRIPTION
        assert provider.inputs["location"]


def test_everything_that_takes_tags_has_the_required_ones(life: Life) -> None:
    life.step("up")
    taggable = [found for found in life.state.values() if "tagsAll" in found.outputs]
    assert len(taggable) > 10
    required = {"owner", "environment", "data-class", "managed-by"}
    assert {found.name: required - set(found.outputs["tagsAll"]) for found in taggable} == {
        found.name: set() for found in taggable
    }


def test_everything_of_azure_that_takes_tags_has_the_required_ones(life: Life) -> None:
    """Its provider has no default tags: who forgets them at one resource has none there."""
    life.step("up")
    ours = [found for found in life.state.values() if found.type.startswith("azure-native:")]
    taggable = [found for found in ours if "tags" in table.resource(found.type)["inputs"]]
    assert len(taggable) > 10
    required = {"owner", "environment", "data-class", "managed-by"}
    bare = {found.name: required - set(found.inputs.get("tags") or {}) for found in taggable}
    assert {name: missing for name, missing in bare.items() if missing} == {}


@pytest.mark.parametrize("check", CHECKS)
def test_the_zone_on_the_cloud_is_secure(life: Life, check: str) -> None:
    life.step("up")
    assert life.complaints[check] == []


def test_the_stack_is_the_one_that_was_reviewed(life: Life) -> None:
    life.step("up")
    suffixes = golden.suffixes(life.outputs)
    found = golden.text(golden.inventory(life.state, suffixes), life.stack)
    assert found == golden.path(life.stack).read_text(), f"not the golden inventory: {golden.REGENERATE}"
