"""A job's own identity on a local Azure: which tokens its programs are given, and which secrets those open."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from localcloud.azure.identity import lent
from localcloud.azure.tokens import Tokens
from tests.localcloud.azure import inside
from tests.localcloud.azure.inside import IDENTITY, SUBSCRIPTION_ID, VAULT, Json, Local
from tests.localcloud.azure.stage import Stage

USER = "4633458b-17de-408a-b874-0445c86b69e6"  # Key Vault Secrets User
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CUSTOM = "0ff5e7a1-0000-4000-8000-00000000000c"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    made = inside.furnished(tmp_path_factory.mktemp("azure"))
    for name in ("token", "other"):
        made.made(f"{VAULT}/secrets/{name}", {"properties": {"value": "s3cret"}})
    return made


def definition(role: str) -> str:
    return f"{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def principal(local: Local) -> str:
    return str(local.got(IDENTITY)["properties"]["principalId"])


def assign(local: Local, role: str, scope: str) -> str:
    id = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    properties = {"roleDefinitionId": definition(role), "principalId": principal(local)}
    local.made(id, {"properties": properties | {"principalType": "ServicePrincipal"}})
    return id


def read(local: Local, name: str = "token", vault: str = "vault") -> str:
    """What the identity reads of a secret, or the code of why it does not."""
    text, _ = local.state.store(Tokens).issue(principal(local), "client", "https://vault.azure.net")
    path = f"/vault/{vault}/secrets/{name}?api-version=7.4"
    document = json.loads(local.call("GET", path, authorization=f"Bearer {text}").body)
    error: Json = document.get("error", {})
    return str(document["value"] if not error else error.get("innererror", error)["code"])


def test_an_identity_reads_where_a_role_for_data_was_assigned(local: Local) -> None:
    assert read(local) == "ForbiddenByRbac"
    useless = assign(local, READER, VAULT)
    assert read(local) == "ForbiddenByRbac", "a role for management reads no secret"
    local.ask("DELETE", useless)
    whole = assign(local, USER, VAULT)
    assert (read(local), read(local, "missing")) == ("s3cret", "SecretNotFound")
    local.ask("DELETE", whole)
    one = assign(local, USER, f"{VAULT}/secrets/other")
    assert (read(local), read(local, "other")) == ("ForbiddenByRbac", "s3cret")
    local.ask("DELETE", one)


def test_a_role_of_ones_own_counts_by_its_data_actions(local: Local) -> None:
    permissions: Json = {"actions": ["*"]}
    properties = {"roleName": "reads", "assignableScopes": [SUBSCRIPTION_ID], "permissions": [permissions]}
    local.made(definition(CUSTOM), {"properties": properties})
    assigned = assign(local, CUSTOM, VAULT)
    assert read(local) == "ForbiddenByRbac", "whoever may manage a vault reads nothing in it"
    permissions["dataActions"] = ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]
    local.made(definition(CUSTOM), {"properties": properties})
    assert read(local) == "s3cret"
    local.ask("DELETE", assigned)


def test_a_vault_with_access_policies_goes_by_those(tmp_path: Path) -> None:
    local = inside.furnished(tmp_path)
    older, body = inside.resource("KeyVault/vaults", "older"), inside.BODIES[VAULT]
    policies: list[Json] = []
    properties = {**body["properties"], "enableRbacAuthorization": False, "accessPolicies": policies}
    local.made(older, {**body, "properties": properties})
    local.made(f"{older}/secrets/token", {"properties": {"value": "s3cret"}})
    assert read(local, vault="older") == "AccessDenied"
    tenant = properties["tenantId"]
    policies.append({"tenantId": tenant, "objectId": principal(local), "permissions": {"secrets": ["Get"]}})
    local.made(older, {**body, "properties": properties})
    assert read(local, vault="older") == "s3cret"


def test_a_job_is_given_tokens_of_its_own_identity_only(local: Local) -> None:
    client = local.got(IDENTITY)["properties"]["clientId"]
    own = lent(local.state, client)
    at = "/identity/job?api-version=2017-09-01&resource=https://vault.azure.net"

    def ask(address: str, secret: str = own["MSI_SECRET"]) -> int:
        return local.call("GET", address, secret=secret).status

    assert own["MSI_ENDPOINT"].endswith("/_azure/identity/job")
    assert ask(f"{at}&clientid={client}") == 200
    assert ask(at) == 400, "there is no system-assigned identity"
    assert ask(f"{at}&clientid=another") == 400
    assert ask(f"{at}&clientid={client}", "guessed") == 403
    assert ask(f"{at.replace('2017-09-01', '2019-08-01')}&clientid={client}") == 400
    assert lent(local.state, "") == {}


@pytest.mark.wire
def test_azures_own_client_finds_the_jobs_identity_and_nobody_elses(stage: Stage) -> None:
    name = stage.run(
        "import os",
        "from azure.identity import ManagedIdentityCredential as Identity",
        "print(len(Identity(client_id=os.environ['AZURE_CLIENT_ID']).get_token('https://a/.default').token) > 9)",
        "print('IDENTITY_ENDPOINT' in os.environ)",
        "try: Identity(client_id='another').get_token('https://a/.default')",
        "except Exception as refused: print('No managed identity found' in str(refused))",
    )
    printed = [line for line in stage.lines(name) if line in ("True", "False")]
    assert printed == ["True", "False", "True"], "between them is what the client logs"
