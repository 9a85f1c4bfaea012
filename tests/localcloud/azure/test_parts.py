"""The pure parts of the local Azure: ids, types, durations, layouts, tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.azure import faulty, types
from localcloud.azure.arm import authorization, ids, kinds, registration
from localcloud.azure.errors import AzureError
from localcloud.azure.ml.layout import Data
from localcloud.azure.ml.record import CommandJob, seconds
from localcloud.azure.state import State
from localcloud.azure.tokens import Tokens
from localcloud.place import PERSON, Place
from localcloud.server.seen import Seen
from tests.localcloud.azure.inside import ACCOUNT, GROUP, LOGS, SUBSCRIPTION_ID, WORKSPACE, Clock

ML = "Microsoft.MachineLearningServices/workspaces"
SETTING = f"{ACCOUNT}/providers/Microsoft.Insights/diagnosticSettings/x"


class TestIds:
    @pytest.mark.parametrize(
        ("path", "kind", "parent", "name", "action", "noun"),
        [
            (SUBSCRIPTION_ID, ids.SUBSCRIPTIONS, "", SUBSCRIPTION_ID[15:], "", "Subscription"),
            (f"{SUBSCRIPTION_ID}/resourceGroups", ids.GROUPS, SUBSCRIPTION_ID, "", "", "ResourceGroup"),
            (GROUP, ids.GROUPS, SUBSCRIPTION_ID, "group", "", "ResourceGroup"),
            (ACCOUNT, "Microsoft.Storage/storageAccounts", GROUP, "acct", "", "StorageAccount"),
            (f"{WORKSPACE}/jobs", f"{ML}/jobs", WORKSPACE, "", "", "Job"),
            (f"{WORKSPACE}/jobs/a%20b", f"{ML}/jobs", WORKSPACE, "a b", "", "Job"),
            (f"{WORKSPACE}/jobs/j/cancel", f"{ML}/jobs", WORKSPACE, "j", "cancel", "Job"),
            (f"{WORKSPACE}/environments/e/versions/v", f"{ML}/environments/versions",
             f"{WORKSPACE}/environments/e", "v", "", "EnvironmentVersion"),
            (SETTING, "Microsoft.Insights/diagnosticSettings", ACCOUNT, "x", "", "DiagnosticSetting"),
            (f"{ACCOUNT}/managementPolicies/default", "Microsoft.Storage/storageAccounts/managementPolicies",
             ACCOUNT, "default", "", "ManagementPolicy"),
        ],
    )  # fmt: skip
    def test_a_path_is_taken_apart(
        self, path: str, kind: str, parent: str, name: str, action: str, noun: str
    ) -> None:
        target = ids.understand(path)
        assert target is not None
        assert (target.kind, target.parent, target.name, target.action) == (kind, parent, name, action)
        assert target.operation == noun

    @pytest.mark.parametrize("path", ["", "/", "/tenants", "/a/b/c", f"{GROUP}/x/y/z"])
    def test_what_is_no_path_of_a_resource_is_none(self, path: str) -> None:
        assert ids.understand(path) is None

    @given(st.text(alphabet="abcXYZ019-_./%", max_size=60))
    def test_no_path_breaks_it(self, text: str) -> None:
        target = ids.understand(f"{GROUP}/providers/{text}")
        assert target is None or target.kind

    def test_the_letter_case_of_an_id_does_not_matter(self) -> None:
        first, second = ids.understand(LOGS), ids.understand(LOGS.upper())
        assert first is not None
        assert second is not None
        assert (first.key, first.kind) == (second.key, second.kind)


class TestTypes:
    @pytest.mark.parametrize("name", types.names())
    def test_every_type_can_be_read_and_has_a_version(self, name: str) -> None:
        found = types.find(name.upper())
        assert found is not None
        assert found.name == name
        assert found.version[:2] == "20"
        assert found.check({}) is not None

    def test_the_index_says_where_the_types_are_from(self) -> None:
        index = json.loads((Path(types.__file__).parent / "data" / "index.json").read_text())
        assert "bicep-types-az" in index["source"]
        assert any("MIT License" in line for line in index["license"])
        files = {file.name for file in (Path(types.__file__).parent / "data").glob("*.json")} - {"index.json"}
        assert files == set(index["types"].values()) | set(index["written"]["types"].values())

    @pytest.mark.parametrize(
        ("properties", "problem"),
        [
            ({"jobType": "Command", "command": "x"}, "properties.environmentId: it is required"),
            ({"jobType": "Magic"}, "properties.jobType: 'Magic' is not one of"),
            ({"jobType": "Command", "command": "-", "environmentId": "x"}, "properties.command: '-' does not"),
            ({"jobType": "Command", "command": "x", "environmentId": "x", "priority": 1},
             "properties.priority: there is no such property"),
            ({"jobType": "Command", "command": "x", "environmentId": "x", "resources": {"instanceCount": "2"}},
             "properties.resources.instanceCount: '2' is not a number"),
            ({"jobType": "Command", "command": "x", "environmentId": "x", "resources": {"instanceCount": 1.5}},
             "properties.resources.instanceCount: 1.5 is not a whole number"),
            ({"jobType": "Command", "command": "x", "environmentId": "x", "tags": ["a"]},
             "properties.tags: ['a'] is not an object"),
        ],
    )  # fmt: skip
    def test_a_job_is_held_to_its_type(self, properties: dict[str, Any], problem: str) -> None:
        found = types.find(f"{ML}/jobs")
        assert found is not None
        assert str(found.check({"properties": properties})[0]).startswith(problem)

    def test_an_open_enumeration_takes_any_word_and_a_closed_one_does_not(self) -> None:
        account, job = types.find("Microsoft.Storage/storageAccounts"), types.find(f"{ML}/jobs")
        assert account is not None
        assert job is not None
        body = {"location": "x", "kind": "StorageV9", "sku": {"name": "New"}, "properties": {}}
        assert account.check(body) == []
        assert not account.check_name("acct")
        assert account.check_name("Acct")

    def test_what_only_the_service_says_is_taken_out(self) -> None:
        network = types.find("Microsoft.Network/virtualNetworks")
        assert network is not None
        subnet = {
            "id": "x",
            "name": "s",
            "etag": "y",
            "properties": {"provisioningState": "Succeeded", "addressPrefix": "p"},
        }
        kept = network.settable({"id": "i", "etag": "e", "location": "l", "properties": {"subnets": [subnet]}})
        assert kept == {
            "location": "l",
            "properties": {"subnets": [{"id": "x", "name": "s", "properties": {"addressPrefix": "p"}}]},
        }
        assert network.has("properties", "provisioningState")
        assert not network.has("properties", "colour")


def test_every_hook_is_of_a_type_that_there_is() -> None:
    for module in kinds.MODULES:
        of = [name for name in types.names() if name.lower().startswith(f"{module}/")]
        assert of or module == "microsoft.resources"
        for name in of:
            assert isinstance(kinds.find(name), kinds.Kind)


def test_every_namespace_of_a_type_can_be_registered() -> None:
    assert {name.partition("/")[0] for name in types.names()} <= set(registration.namespaces())


def test_built_in_roles_have_one_guid_each() -> None:
    assert len(set(authorization.built_in().values())) == len(authorization.built_in())


@pytest.mark.parametrize(
    ("text", "length"),
    [("PT1H", 3600), ("PT90S", 90), ("P1DT30M", 88_200), ("PT0.5S", 0.5), ("P", None), ("1h", None), ("PT", None)],
)
def test_a_duration_is_in_seconds(text: str, length: float | None) -> None:
    assert seconds(text) == length


class TestRecord:
    def job(self, **properties: Any) -> CommandJob:
        return CommandJob("id", "name", WORKSPACE, "westeurope", properties, 1.0)

    def test_a_job_that_has_ended_stays_so(self) -> None:
        job = self.job()
        assert job.enter("Running", 2.0)
        assert job.enter("Failed", 3.0, ("UserError", "x"))
        assert not job.enter("Completed", 4.0)
        assert (job.state, job.started, job.ended, job.error) == ("Failed", 2.0, 3.0, ("UserError", "x"))

    def test_a_job_that_is_being_cancelled_does_not_run_again(self) -> None:
        job = self.job()
        job.enter("CancelRequested", 2.0)
        assert not job.enter("Running", 3.0)
        assert job.enter("Canceled", 4.0)


def test_a_command_gets_the_places_of_its_data_and_keeps_its_other_words() -> None:
    filled = Data({"a": "/in"}, {"b_c": "/out"}, {})
    assert filled.fill("x ${{inputs.a}}/f ${{ outputs.b_c }} $HOME ${X}") == "x /in/f /out $HOME ${X}"
    assert filled.variables == {"AZURE_ML_INPUT_a": "/in", "AZURE_ML_OUTPUT_b_c": "/out"}


class TestTokens:
    @pytest.fixture
    def tokens(self, tmp_path: Path) -> Tokens:
        return Tokens(State(Place(tmp_path), "http://127.0.0.1:1", Clock()))

    AUDIENCE = "https://storage.azure.com"

    def test_a_token_says_who_acts_until_its_time_is_over(self, tokens: Tokens) -> None:
        text, _ = tokens.issue(PERSON, "client", f"{self.AUDIENCE}/", 60)
        assert tokens.holder(f"Bearer {text}", [self.AUDIENCE]) == PERSON
        clock = tokens.state.clock
        assert isinstance(clock, Clock)
        clock.now += 61
        with pytest.raises(AzureError, match="ExpiredAuthenticationToken"):
            tokens.holder(f"Bearer {text}", [self.AUDIENCE])

    def test_a_changed_token_is_none(self, tokens: Tokens) -> None:
        text, _ = tokens.issue(PERSON, "client", self.AUDIENCE)
        head, claims, signature = text.split(".")
        for wrong in (f"{head}.{claims[:-2]}.{signature}", f"{head}.{claims}.{signature[:-2]}", "x.y", "é"):
            with pytest.raises(AzureError, match="InvalidAuthenticationToken"):
                tokens.holder(f"Bearer {wrong}", [self.AUDIENCE])

    def test_a_token_of_another_server_is_none(self, tokens: Tokens, tmp_path: Path) -> None:
        other = Tokens(State(Place(tmp_path), "http://127.0.0.1:2", Clock()))
        text, _ = other.issue(PERSON, "client", self.AUDIENCE)
        with pytest.raises(AzureError, match="InvalidAuthenticationToken"):
            tokens.holder(f"Bearer {text}", [self.AUDIENCE])


@pytest.mark.parametrize(
    ("operation", "id", "action"),
    [
        ("PutJob", f"{WORKSPACE}/jobs/j", f"{ML}/jobs/write"),
        ("GetWorkspace", WORKSPACE, f"{ML}/read"),
        ("CancelJob", f"{WORKSPACE}/jobs/j", f"{ML}/jobs/cancel/action"),
        ("DeleteStorageAccount", ACCOUNT, "Microsoft.Storage/storageAccounts/delete"),
    ],
)
def test_a_denial_names_the_action_of_a_role(operation: str, id: str, action: str) -> None:
    assert faulty.action(Seen("machinelearningservices", operation, "", {"id": id})) == action
