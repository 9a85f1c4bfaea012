"""Secrets of a job, without a network: who is asked as whom, and what each refusal becomes in the job's log."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest

from dispatcher.backends.azureml import place
from dispatcher.redact import redact
from dispatcher.runtime.secrets import SecretError, endpoints, references, resolved
from dispatcher.runtime.secrets.world import WAITS, Answer, Call, Unreachable, World

VALUE = "v4lue-of-a-s3cret"
ROLE = {"AccessKeyId": "ASIAJOB", "SecretAccessKey": "k", "Token": "session", "Expiration": "2027-01-01T00:00:00Z"}
AWS = {"DISPATCH_REGION": "eu-central-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/job"}
MSI = {"MSI_ENDPOINT": "http://10.0.0.4:46808/token", "MSI_SECRET": "header", "AZURE_CLIENT_ID": "client"}
CONTAINER = "http://169.254.170.2/v2/credentials/job"
INSTANCE = "http://169.254.169.254/latest/"
SECRETS = "https://secretsmanager.eu-central-1.amazonaws.com/"
PARAMETERS = "https://ssm.eu-central-1.amazonaws.com/"
GOOGLE = "http://metadata.google.internal/computeMetadata/v1/"
GOOGLE_TOKEN = f"{GOOGLE}instance/service-accounts/default/token"
GOOGLE_SECRET = "https://secretmanager.googleapis.com/v1/projects/acme-ml/secrets/zone-hf/versions/"
VAULT = "https://vault.vault.azure.net/secrets/hf"


def said(status: int, document: object, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def held(value: str = VALUE) -> Answer:
    return said(200, {"SecretString": value, "Name": "zone/hf"})


def payload(data: bytes) -> Answer:
    return said(200, {"payload": {"data": base64.b64encode(data).decode()}})


@dataclass
class Net:
    """Answers by the address before `?`, the last of several again and again; nobody answers elsewhere."""

    answers: dict[str, list[Answer]]
    calls: list[Call] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)

    def send(self, call: Call) -> Answer:
        self.calls.append(call)
        waiting = self.answers.get(call.url.partition("?")[0])
        if not waiting:
            raise Unreachable(f"{call.url.split('/')[2]} cannot be reached: no route to host")
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def get(self, environment: Mapping[str, str]) -> dict[str, str]:
        return resolved(environment, World(environment, self.send, self.naps.append, lambda: 1_800_000_000.0))

    def refuse(self, environment: Mapping[str, str]) -> str:
        """The one line that a job with one secret ends with."""
        with pytest.raises(SecretError) as caught:
            self.get(environment)
        (line,) = caught.value.lines
        assert "\n" not in line
        assert VALUE not in line
        assert redact(line) == line, "`dispatch logs` shows it as it is"
        return line

    def asked(self, url: str) -> list[Call]:
        return [call for call in self.calls if call.url.partition("?")[0] == url]


def net(answers: Mapping[str, Answer | Sequence[Answer]]) -> Net:
    return Net({url: [found] if isinstance(found, Answer) else list(found) for url, found in answers.items()})


def aws(*answers: Answer, url: str = SECRETS) -> Net:
    return net({CONTAINER: said(200, ROLE), url: answers})


def gcp(*answers: Answer, url: str = f"{GOOGLE_SECRET}latest:access") -> Net:
    return net({GOOGLE_TOKEN: said(200, {"access_token": "ya29"}, metadata_flavor="Google"), url: answers})


def azure(*answers: Answer, url: str = VAULT) -> Net:
    return net({MSI["MSI_ENDPOINT"]: said(200, {"access_token": "jwt"}), url: answers})


def job(reference: str, *more: Mapping[str, str]) -> dict[str, str]:
    environment = {"DISPATCH_SECRET_HF": reference}
    for one in more:
        environment |= one
    return environment


# What the command finds


def test_the_command_finds_values_and_no_references() -> None:
    found = aws(held()).get(job("aws-sm://zone/hf", AWS, {"LOG_LEVEL": "info"}))
    assert found == {**AWS, "LOG_LEVEL": "info", "HF": VALUE}


@pytest.mark.process
def test_a_job_without_secrets_asks_nobody_and_loads_nothing() -> None:
    assert net({}).get({"A": "b"}) == {"A": "b"}
    script = (
        "import sys; before = set(sys.modules); from dispatcher.runtime import secrets; secrets.resolved({}); "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"json", "re", "ssl", "urllib.request", "http.client", "dataclasses"} & set(done.stdout.split())


def test_references_are_shown_by_the_name_of_their_value() -> None:
    assert references(job("aws-sm://zone/hf", {"PATH": "/bin"})) == {"HF": "aws-sm://zone/hf"}


def test_a_value_that_the_submitters_machine_gave_is_taken_as_it_is() -> None:
    assert net({}).get(job("env://MY_TOKEN", {"HF": "given"}))["HF"] == "given"
    assert net({}).get(job("env://MY_TOKEN", {"MY_TOKEN": "mine"}))["HF"] == "mine"


def test_every_secret_that_cannot_be_had_is_told_in_a_line_of_its_own() -> None:
    with pytest.raises(SecretError) as caught:
        net({}).get({"DISPATCH_SECRET_A": "vault://x", "DISPATCH_SECRET_B": "env://NOT_SET"})
    first, second = caught.value.lines
    assert first.startswith("secret A (vault://x): is not a reference to a secret")
    assert second == "secret B (env://NOT_SET): NOT_SET is not set where the job was started: export it there"


# AWS


def test_a_secret_is_asked_for_with_a_signature_of_the_jobs_role() -> None:
    there = aws(held())
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "x"}
    there.get(job("aws-sm://zone/hf", AWS, keys))
    (call,) = there.asked(SECRETS)
    assert call.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIAJOB/20270115/eu-central-1/")
    assert call.headers["X-Amz-Security-Token"] == "session"
    assert call.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert json.loads(call.body or b"") == {"SecretId": "zone/hf"}
    assert not call.direct, "the store may be behind a proxy"
    assert there.calls[0].direct, "metadata never is"


def test_credentials_are_asked_for_once_whatever_the_number_of_secrets() -> None:
    there = aws(held())
    there.get({**AWS, **{f"DISPATCH_SECRET_{name}": f"aws-sm://zone/{name}" for name in ("a", "b", "c")}})
    assert len(there.asked(CONTAINER)) == 1


def test_a_field_of_a_secret_is_text_as_it_stands_there() -> None:
    document = json.dumps({"user": "ada", "port": 5432, "on": True})
    assert aws(held(document)).get(job("aws-sm://zone/db#user", AWS))["HF"] == "ada"
    assert aws(held(document)).get(job("aws-sm://zone/db#port", AWS))["HF"] == "5432"
    line = aws(held(json.dumps({"user": VALUE}))).refuse(job("aws-sm://zone/db#pass", AWS))
    assert "its value has no field pass" in line
    assert "no JSON" in aws(held()).refuse(job("aws-sm://zone/db#pass", AWS))


def test_a_whole_arn_is_read_in_its_own_region() -> None:
    arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:zone/hf-AbCdEf"
    there = aws(held(), url="https://secretsmanager.cn-north-1.amazonaws.com.cn/")
    assert there.get(job(f"aws-sm://{arn}", AWS))["HF"] == VALUE
    assert "/cn-north-1/secretsmanager/" in there.calls[-1].headers["Authorization"]


def test_a_parameter_is_decrypted_by_the_store() -> None:
    there = aws(said(200, {"Parameter": {"Value": VALUE}}), url=PARAMETERS)
    assert there.get(job("ssm:///prod/hf", AWS))["HF"] == VALUE
    assert json.loads(there.calls[-1].body or b"") == {"Name": "/prod/hf", "WithDecryption": True}


def test_binary_secrets_are_text_or_refused() -> None:
    text = said(200, {"SecretBinary": base64.b64encode(VALUE.encode()).decode()})
    assert aws(text).get(job("aws-sm://zone/hf", AWS))["HF"] == VALUE
    noise = said(200, {"SecretBinary": base64.b64encode(b"\xff\xfe").decode()})
    assert "is binary" in aws(noise).refuse(job("aws-sm://zone/hf", AWS))
    assert "zero byte" in aws(held("a\0b")).refuse(job("aws-sm://zone/hf", AWS))


DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/execution/SageMaker is not authorized to perform: "
    "secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-central-1:123456789012:secret:zone/hf-A"
)
AWS_REFUSALS = [
    ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", "there is no such secret"),
    (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        "no value yet .*: aws secretsmanager put-secret-value --secret-id zone/hf",
    ),
    (
        "AccessDeniedException",
        DENIED,
        "denied .*the job's role needs secretsmanager:GetSecret",
    ),
    ("InvalidRequestException", "it was marked for deletion", r"refused \(InvalidRequestException it was marked"),
]


@pytest.mark.parametrize(("code", "message", "told"), AWS_REFUSALS)
def test_what_aws_refuses_is_one_line_with_a_remedy(code: str, message: str, told: str) -> None:
    there = aws(said(400, {"__type": f"com.amazonaws#{code}", "Message": f"{message}\n\x1b[31m"}))
    line = there.refuse(job("aws-sm://zone/hf", AWS))
    assert line.startswith("secret HF (aws-sm://zone/hf): ")
    assert there.naps == [], "nothing passes by itself here: the job fails at once"
    assert re.search(told, line), line


def test_a_missing_parameter_is_called_one() -> None:
    there = aws(said(400, {"__type": "ParameterNotFound"}), url=PARAMETERS)
    assert "there is no such parameter" in there.refuse(job("ssm:///prod/hf", AWS))


def test_throttling_and_broken_servers_are_waited_for_and_then_told() -> None:
    busy = said(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    there = aws(busy, said(500, b""), held())
    assert there.get(job("aws-sm://zone/hf", AWS))["HF"] == VALUE
    assert there.naps == list(WAITS[:2])
    there = aws(busy)
    assert "ThrottlingException Rate exceeded" in there.refuse(job("aws-sm://zone/hf", AWS))
    assert there.naps == list(WAITS)


def test_a_store_that_the_network_does_not_reach_is_told_with_its_host() -> None:
    line = net({CONTAINER: said(200, ROLE)}).refuse(job("aws-sm://zone/hf", AWS))
    assert "secretsmanager.eu-central-1.amazonaws.com cannot be reached" in line
    assert line.endswith("a private endpoint or NAT")


def test_without_a_container_endpoint_the_instance_is_asked_for_its_role() -> None:
    there = net(
        {
            f"{INSTANCE}api/token": said(200, b"session-token"),
            f"{INSTANCE}meta-data/iam/security-credentials/": said(200, b"execution\n"),
            f"{INSTANCE}meta-data/iam/security-credentials/execution": said(200, ROLE),
            SECRETS: held(),
        }
    )
    assert there.get(job("aws-sm://zone/hf", {"AWS_REGION": "eu-central-1"}))["HF"] == VALUE
    first, *others = there.calls[:3]
    assert (first.method, dict(first.headers)) == ("PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "300"})
    assert all(call.headers == {"X-aws-ec2-metadata-token": "session-token"} for call in others)


def test_an_isolated_container_is_told_of_in_the_line() -> None:
    off = {"AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    assert "no credentials of AWS" in net({}).refuse(job("aws-sm://zone/hf", off))
    assert "isolated" in net({}).refuse(job("aws-sm://zone/hf", {"AWS_REGION": "eu-central-1"}))
    assert "which region" in aws(held()).refuse(job("aws-sm://a/b", {**AWS, "DISPATCH_REGION": ""}))


def test_the_token_of_a_container_endpoint_goes_nowhere_but_to_one() -> None:
    far = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://198.51.100.7/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"}
    there = net({})
    assert "no metadata endpoint" in there.refuse(job("aws-sm://zone/hf", far, {"AWS_REGION": "us-east-1"}))
    assert there.calls == []


def test_an_endpoint_of_the_jobs_own_does_not_see_what_is_asked_here() -> None:
    own = {"AWS_ENDPOINT_URL": "https://minio.example.org"}
    assert aws(held()).get(job("aws-sm://zone/hf", AWS, own))["HF"] == VALUE
    local = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}
    there = aws(held(), url="http://127.0.0.1:5000/")
    assert there.get(job("aws-sm://zone/hf", AWS, local))["HF"] == VALUE


# Google Cloud


def test_google_is_asked_with_the_token_of_the_jobs_account() -> None:
    there = gcp(payload(VALUE.encode()))
    assert there.get(job("gcp-sm://acme-ml/zone-hf"))["HF"] == VALUE
    assert there.calls[0].headers == {"Metadata-Flavor": "Google"}
    assert there.calls[1].headers == {"Authorization": "Bearer ya29"}
    seventh = gcp(payload(VALUE.encode()), url=f"{GOOGLE_SECRET}7:access")
    assert seventh.get(job("gcp-sm://acme-ml/zone-hf@7"))["HF"] == VALUE


def test_a_name_without_a_project_is_the_jobs_own() -> None:
    there = gcp(payload(VALUE.encode()))
    there.answers[f"{GOOGLE}project/project-id"] = [said(200, b"acme-ml", metadata_flavor="Google")]
    assert there.get(job("gcp-sm://zone-hf"))["HF"] == VALUE
    assert gcp(payload(b"x")).get(job("gcp-sm://zone-hf", {"GOOGLE_CLOUD_PROJECT": "acme-ml"}))["HF"] == "x"


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (
            404,
            {"status": "NOT_FOUND", "message": "no versions"},
            "gcloud secrets versions add zone-hf --project acme-ml",
        ),
        (403, {"status": "PERMISSION_DENIED", "message": "Permission"}, "secretmanager.versions.access"),
        (
            400,
            {"status": "FAILED_PRECONDITION", "message": "in DISABLED state"},
            "FAILED_PRECONDITION in DISABLED",
        ),
    ],
)
def test_what_google_refuses_is_one_line_with_a_remedy(status: int, error: object, told: str) -> None:
    assert told in gcp(said(status, {"error": error})).refuse(job("gcp-sm://acme-ml/zone-hf"))


def test_something_else_than_a_metadata_server_is_not_believed() -> None:
    there = net({GOOGLE_TOKEN: said(200, {"access_token": "x"})})
    assert "is no metadata server" in there.refuse(job("gcp-sm://acme-ml/zone-hf"))
    missing = net({GOOGLE_TOKEN: said(404, b"", metadata_flavor="Google")})
    assert "give the job a service account" in missing.refuse(job("gcp-sm://acme-ml/zone-hf"))
    assert "no credentials of Google Cloud" in net({}).refuse(job("gcp-sm://acme-ml/zone-hf"))


# Azure

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
