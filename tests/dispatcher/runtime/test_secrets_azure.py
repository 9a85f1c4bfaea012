"""Key Vault without a network: each place's own way to a token, and every refusal in a line."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from dispatcher.backends.azureml import place
from dispatcher.runtime.secrets import endpoints
from tests.dispatcher.runtime.clouds import MSI, VALUE, VAULT, azure, job, net, said

APP_SERVICE = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi", "IDENTITY_HEADER": "proof", "AZURE_CLIENT_ID": "c"}
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"


@pytest.mark.parametrize(
    ("environment", "url", "headers", "asked"),
    [
        (MSI, MSI["MSI_ENDPOINT"], {"secret": "header"}, {"api-version": "2017-09-01", "clientid": "client"}),
        (
            {**APP_SERVICE, **MSI, "AZURE_CLIENT_ID": "c"},
            APP_SERVICE["IDENTITY_ENDPOINT"],
            {"X-IDENTITY-HEADER": "proof"},
            {"api-version": "2019-08-01", "client_id": "c"},
        ),
        (
            {"DEFAULT_IDENTITY_CLIENT_ID": "own"},
            IMDS,
            {"Metadata": "true"},
            {"api-version": "2018-02-01", "client_id": "own"},
        ),
    ],
    ids=["Azure ML", "App Service", "the instance"],
)
def test_each_place_of_azure_is_asked_in_its_own_form(
    environment: dict[str, str], url: str, headers: dict[str, str], asked: dict[str, str]
) -> None:
    there = net({url: said(200, {"access_token": "jwt"}), VAULT: said(200, {"value": VALUE})})
    assert there.get(job("azure-kv://vault/hf", environment))["HF"] == VALUE
    token, secret = there.calls
    assert dict(token.headers) == headers
    assert dict(parse_qsl(token.url.partition("?")[2])) == {"resource": "https://vault.azure.net", **asked}
    assert (token.direct, secret.headers) == (True, {"Authorization": "Bearer jwt"})
    assert secret.url.endswith("?api-version=7.4")


def test_a_version_of_a_secret_is_part_of_its_address() -> None:
    there = azure(said(200, {"value": VALUE}), url=f"{VAULT}/{'0' * 32}")
    assert there.get(job(f"azure-kv://vault/hf@{'0' * 32}", MSI))["HF"] == VALUE


def test_a_vault_of_another_azure_has_that_ones_address() -> None:
    government = {**MSI, "DISPATCH_REGION": "usgovvirginia"}
    there = azure(said(200, {"value": VALUE}), url="https://vault.vault.usgovcloudapi.net/secrets/hf")
    assert there.get(job("azure-kv://vault/hf", government))["HF"] == VALUE
    assert "resource=https%3A%2F%2Fvault.usgovcloudapi.net" in there.calls[0].url


def test_the_vaults_addresses_are_those_the_backend_knows() -> None:
    known = {cloud.vault for cloud in place.clouds().values()}
    assert known <= set(endpoints.of("azure")["vaults"].values())


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (404, {"code": "SecretNotFound", "message": "was not found"}, "az keyvault secret set --vault-name vault"),
        (
            403,
            {
                "code": "Forbidden",
                "message": "Caller is not authorized",
                "innererror": {"code": "ForbiddenByRbac"},
            },
            "denied (ForbiddenByRbac Caller is not authorized): the job's identity needs Key Vault Secrets User",
        ),
        (
            403,
            {"code": "Forbidden", "message": "Public", "innererror": {"code": "ForbiddenByConnection"}},
            "it needs a private endpoint there",
        ),
    ],
)
def test_what_azure_refuses_is_one_line_with_a_remedy(status: int, error: object, told: str) -> None:
    assert told in azure(said(status, {"error": error})).refuse(job("azure-kv://vault/hf", MSI))


def test_an_identity_that_is_just_being_attached_is_waited_for() -> None:
    there = net({IMDS: [said(404, b""), said(410, b""), said(200, {"access_token": "jwt"})],
                 VAULT: said(200, {"value": VALUE})})  # fmt: skip
    assert there.get(job("azure-kv://vault/hf"))["HF"] == VALUE
    assert len(there.naps) == 2
    gone = net({MSI["MSI_ENDPOINT"]: said(400, {"message": "No identity"})})
    assert "answered 400 No identity" in gone.refuse(job("azure-kv://vault/hf", MSI))
    assert gone.naps == []
    assert "names no vault" in azure(said(200, {})).refuse(job("azure-kv://hf", MSI))
