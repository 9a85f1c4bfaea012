"""Roles on Google Cloud are exact: no wildcard, nothing predefined for our own accounts, nothing left over."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import yaml

from infra.gcp import roles
from tests.infra.gcp_parts import NUMBER, PLACE, PROJECT, zone
from tests.infra.recorded import Record

# pulumi_gcp warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# The operations of the Vertex backend, and the permissions that Google asks for each (REST reference of the APIs).
OPERATIONS = {
    "CreateCustomJob": {"aiplatform.customJobs.create", "iam.serviceAccounts.actAs"},
    "CancelCustomJob": {"aiplatform.customJobs.cancel"},
    "ListCustomJobs": {"aiplatform.customJobs.list"},
    "ListLogEntries": {"logging.logEntries.list"},
    "ListObjects": {"storage.objects.list"},
    "GetObject": {"storage.objects.get"},
    "InsertObject": {"storage.objects.create"},
}
# For whoever acts as the agent with Google's own clients, which look at one job by its name; and for the registry,
# which is asked about a job's image over its own API.
BY_HAND = {"aiplatform.customJobs.get", "artifactregistry.repositories.downloadArtifacts"}
EVERYTHING = ("imagePush", "attachment")


def bindings(record: Record) -> set[tuple[str, str, str]]:
    """(role without its generation, what it is bound on, member) of every binding of a zone."""
    found = set()
    for made in record.custom():
        if not made.type.lower().endswith("iammember"):
            continue
        on = next(
            (
                made.inputs[key]
                for key in ("bucket", "repository", "serviceAccountId", "cryptoKeyId")
                if key in made.inputs
            ),
            "project",
        )
        role = re.sub(r"_[0-9a-f]{8}$", "", made.inputs["role"].rpartition("/")[2])
        found.add((role, on.rpartition("/")[2], made.inputs["member"].partition("@")[0]))
    return found


def test_every_permission_is_exact_and_says_what_it_is_for() -> None:
    data = yaml.safe_load((resources.files("infra.gcp") / "data/roles.yaml").read_text())
    for role in data["roles"].values():
        for permission, purpose in role["permissions"].items():
            assert re.fullmatch(r"[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+", permission)
            assert purpose
    assert data["source"]
    assert data["as_of"]


def operations() -> set[str]:
    """The operations that the Vertex backend names when it makes a call, read from its source."""
    package = Path(__file__).parents[2] / "dispatcher/backends/vertex"
    named: set[str] = set()
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                calls = node.func.attr in ("call", "_call", "answer")
                if calls and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    named.add(first.value)
    return named


def test_the_agent_may_do_what_the_dispatcher_calls_and_nothing_more() -> None:
    called = {permission for operation in operations() for permission in OPERATIONS[operation]}
    assert set(OPERATIONS) == operations()
    assert set(roles.permissions("agent")) == called | BY_HAND


def test_pushing_images_adds_only_what_a_push_needs() -> None:
    extra = set(roles.permissions("agent", ["imagePush"])) - set(roles.permissions("agent"))
    assert {permission.partition(".")[0] for permission in extra} == {"artifactregistry"}
    assert not [permission for permission in extra if permission.endswith((".delete", ".setIamPolicy"))]


def test_a_job_may_not_submit_jobs_or_become_anybody() -> None:
    may = roles.permissions("execution", EVERYTHING)
    assert {permission.partition(".")[0] for permission in may} == {"logging", "secretmanager", "storage"}
    assert [permission for permission in may if "setIam" in permission or "Policy" in permission] == []


@pytest.mark.parametrize("holder", ["execution", "agent", "principals", "vertex"])
def test_nobody_may_change_who_may_do_what(holder: roles.Holder) -> None:
    for permission in roles.permissions(holder, EVERYTHING):
        assert not re.search(r"(setIamPolicy|roles\.|Keys\.|signBlob|signJwt|implicitDelegation)", permission)


def test_bindings_are_as_narrow_as_what_they_are_for() -> None:
    found = {(role, on, who.partition(":")[2]) for role, on, who in bindings(zone(image_push=True))}
    agent, execution = "gcp-euw4-agent-1a2b3c4d", "gcp-euw4-execution-1a2b3c4d"
    mail = f"{{}}@{PROJECT}.iam.gserviceaccount.com".format
    ours = {binding for binding in found if binding[0].startswith("gcp_euw4_")}
    assert ours == {
        ("gcp_euw4_execution", "project", execution),
        ("gcp_euw4_secrets", "project", execution),
        ("gcp_euw4_reader", "gcp-euw4-data-1a2b3c4d", execution),
        ("gcp_euw4_writer", "gcp-euw4-output-1a2b3c4d", execution),
        ("gcp_euw4_writer", "gcp-euw4-checkpoints-1a2b3c4d", execution),
        ("gcp_euw4_writer", "gcp-euw4-staging-1a2b3c4d", execution),
        ("gcp_euw4_agent", "project", agent),
        ("gcp_euw4_reader", "gcp-euw4-output-1a2b3c4d", agent),
        ("gcp_euw4_reader", "gcp-euw4-checkpoints-1a2b3c4d", agent),
        ("gcp_euw4_stager", "gcp-euw4-data-1a2b3c4d", agent),
        ("gcp_euw4_submitter", mail(execution), agent),
        ("gcp_euw4_viewer", "gcp-euw4-images-1a2b3c4d", agent),
        ("gcp_euw4_pusher", "gcp-euw4-images-1a2b3c4d", agent),
        ("gcp_euw4_impersonator", mail(agent), "ml-platform"),
        ("gcp_euw4_attacher", "project", f"service-{NUMBER}"),
    }


def test_predefined_roles_go_to_google_s_own_agents_only() -> None:
    found = {(role, who) for role, _, who in bindings(zone()) if not role.startswith("gcp_euw4_")}
    assert {role for role, _ in found} == {
        "cloudkms.cryptoKeyEncrypterDecrypter",
        "artifactregistry.reader",
        "aiplatform.serviceAgent",
        "artifactregistry.serviceAgent",
    }
    assert {who.partition("-")[0] for _, who in found} <= {"serviceAccount:service", "serviceAccount:cmek"}


def test_the_job_reads_only_secrets_named_after_its_zone() -> None:
    made = zone().named("projects/iAMMember:IAMMember", "gcp-euw4-identity-secrets-secrets-execution")
    expression = made.inputs["condition"]["expression"]
    assert expression == f'resource.name.startsWith("projects/{NUMBER}/secrets/gcp-euw4-")'


def test_the_agent_puts_code_into_its_folder_of_the_data_bucket_and_nothing_beside_it() -> None:
    made = zone().named("storage/bucketIAMMember:BucketIAMMember", "gcp-euw4-identity-stager-code-agent")
    folder = "projects/_/buckets/gcp-euw4-data-1a2b3c4d/objects/code/"
    assert made.inputs["condition"]["expression"] == f'resource.name.startsWith("{folder}")'


def test_no_other_binding_on_the_project_is_conditional_and_none_gives_a_basic_role() -> None:
    for made in zone().of("projects/iAMMember:IAMMember"):
        assert made.inputs["role"] not in ("roles/owner", "roles/editor", "roles/viewer")
        assert ("condition" in made.inputs) == made.name.endswith("-secrets-secrets-execution")


def test_nobody_named_means_that_the_deployer_may_act_as_the_agent() -> None:
    made = zone(principals=()).named(
        "serviceaccount/iAMMember:IAMMember", "gcp-euw4-identity-impersonator-agent-deployer"
    )
    assert made.inputs["member"] == "user:ada@example.com"


def test_no_account_ever_gets_a_key() -> None:
    assert [made for made in zone(image_push=True).custom() if "key:Key" in made.type] == []


def test_role_ids_have_no_hyphen_and_are_new_with_every_new_account() -> None:
    first, second = (roles.role_id(PLACE, "writer", roles.generation(unique)) for unique in ("1" * 21, "2" * 21))
    assert first != second
    assert re.fullmatch(r"[a-z0-9_]{3,64}", first)


def test_a_role_id_that_is_too_long_is_told() -> None:
    longest = replace(PLACE, name="z" * 24)
    for role in roles.table():
        roles.role_id(longest, role, "0" * 8)
    with pytest.raises(ValueError, match="64"):
        roles.role_id(longest, "r" * 40, "0" * 8)
