"""Secrets of real jobs on three local clouds: read as the job's identity, or a clear line why they are not."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.base import Observation, State
from localcloud import Cloud, running
from localcloud.place import PROJECT, SUBSCRIPTION
from tests.backends.azureml import landing as azureml
from tests.backends.conformance import until
from tests.backends.sagemaker import landing as sagemaker
from tests.backends.vertex import landing as vertex
from tests.localcloud.azure.inside import BODIES, IDENTITY, VAULT, resource

pytestmark = pytest.mark.wire
VALUE = "v4lue-of-a-s3cret"
PROGRAM = (
    "import hashlib, os",
    "for name in ('TOKEN', 'OTHER'): print(name, hashlib.sha256(os.environ[name].encode()).hexdigest())",
    "print([name for name in os.environ if name.startswith('DISPATCH_SECRET_')])",
)
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


@dataclass(frozen=True)
class Ground:
    """A zone with a secret `token` that its jobs may read, and one elsewhere that they may not.

    `held` are references that work, and their values; `denied` is one that is not the zone's. `services` are
    where credentials and secrets come from, `reason` is what the cloud says of a job that has none.
    """

    landing: Any
    held: dict[str, tuple[str, str]]
    missing: str
    denied: str
    remedies: tuple[str, str]
    services: tuple[str, str]
    reason: str

    def run(self, secrets: dict[str, str], *script: str) -> tuple[Observation, list[str]]:
        """Run a job to its end: how it ended, and its lines."""
        backend = self.landing.backend()
        request = self.landing.request(
            backend, *script, job=lambda job: dataclasses.replace(job, runtime=True, secrets=secrets)
        )
        assert VALUE not in json.dumps([operation.body for operation in request.operations])
        backend.submit(request)
        ended = until(backend, request.name)
        return ended, [line.text for line in backend.logs(request.name)]


def on_aws(root: Path, cloud: Cloud) -> Ground:
    landing = sagemaker.land(root, cloud)
    store = landing.zone.secrets.store
    statement = {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": f"arn:aws:secretsmanager:{sagemaker.REGION}:{sagemaker.ACCOUNT}:secret:{store}/*",
    }
    cloud.client("iam", sagemaker.REGION).put_role_policy(
        RoleName="execution",
        PolicyName="secrets",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    secrets = landing.client("secretsmanager")
    secrets.create_secret(Name=f"{store}/token", SecretString=VALUE)
    secrets.create_secret(Name=f"{store}/pair", SecretString=json.dumps({"user": "ada"}))
    secrets.create_secret(Name="elsewhere/token", SecretString=VALUE)
    secrets.create_secret(Name=f"{store}/empty")
    held = {"TOKEN": ("aws-sm://token", VALUE), "OTHER": ("aws-sm://pair#user", "ada")}
    remedies = (f"put-secret-value --secret-id {store}/empty", "secretsmanager:GetSecretValue")
    return Ground(
        landing,
        held,
        "aws-sm://empty",
        "aws-sm://elsewhere/token",
        remedies,
        ("credentials", "secretsmanager"),
        "secret GONE (aws-sm://",
    )


def on_gcp(root: Path, cloud: Cloud) -> Ground:
    landing = vertex.land(root, cloud)
    services = f"serviceusage/v1/projects/{PROJECT}/services"
    cloud.google("POST", f"{services}/secretmanager.googleapis.com:enable", {})
    store = landing.zone.secrets.store
    for name in (f"{store}-token", "elsewhere-token", f"{store}-empty"):
        at = f"secretmanager/v1/projects/{PROJECT}/secrets"
        cloud.google("POST", f"{at}?secretId={name}", {"replication": {"automatic": {}}})
        data = base64.b64encode(VALUE.encode()).decode()
        if not name.endswith("empty"):
            cloud.google("POST", f"{at}/{name}:addVersion", {"payload": {"data": data}})
        if name.startswith(store):
            member = f"serviceAccount:{landing.zone.identities.execution}"
            binding = {"role": "roles/secretmanager.secretAccessor", "members": [member]}
            cloud.google("POST", f"{at}/{name}:setIamPolicy", {"policy": {"bindings": [binding]}})
    held = {"TOKEN": ("gcp-sm://token", VALUE), "OTHER": ("gcp-sm://token@1", VALUE)}
    remedies = ("gcloud secrets versions add", "secretmanager.versions.access")
    return Ground(
        landing,
        held,
        "gcp-sm://empty",
        f"gcp-sm://{PROJECT}/elsewhere-token",
        remedies,
        ("metadata", "secretmanager"),
        "status of 125",
    )


def on_azure(root: Path, cloud: Cloud) -> Ground:
    landing = azureml.land(root, cloud)
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{SECRETS_USER}"
    who = landing.stage.ask("GET", IDENTITY)["properties"]["principalId"]
    landing.stage.ask(
        "PUT",
        f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}",
        {"properties": {"roleDefinitionId": role, "principalId": who, "principalType": "ServicePrincipal"}},
    )
    elsewhere = resource("KeyVault/vaults", "elsewhere")
    landing.stage.ask("PUT", elsewhere, BODIES[VAULT])
    for vault in (VAULT, elsewhere):
        landing.stage.ask("PUT", f"{vault}/secrets/token", {"properties": {"value": VALUE}})
    held = {"TOKEN": ("azure-kv://token", VALUE), "OTHER": ("azure-kv://vault/token", VALUE)}
    remedies = ("az keyvault secret set", "Key Vault Secrets User")
    return Ground(
        landing,
        held,
        "azure-kv://missing",
        "azure-kv://elsewhere/token",
        remedies,
        ("identity", "vault"),
        "status code 125",
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("secrets") / "cloud") as cloud:
        cloud.settings(stop_seconds=1)
        yield cloud


@pytest.fixture(scope="module", params=[on_aws, on_gcp, on_azure], ids=["aws", "gcp", "azure"])
def grounds(request: pytest.FixtureRequest, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    make: Callable[[Path, Cloud], Ground] = request.param
    return make(tmp_path_factory.mktemp("zone"), cloud)


@pytest.fixture
def ground(grounds: Ground, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """The zone, with this process signed in at the cloud it is on."""
    for name, value in cloud.environment.items():
        if name.startswith(("AWS_", *vertex.OURS, *azureml.OURS)):
            monkeypatch.setenv(name, value)
    return grounds


def test_a_job_finds_its_secrets_though_endpoint_and_store_stumble_once(ground: Ground, cloud: Cloud) -> None:
    for service in ground.services:
        cloud.fault("5xx", service=service, times=1)
    ended, lines = ground.run({name: reference for name, (reference, _) in ground.held.items()}, *PROGRAM)
    assert ended.state is State.SUCCEEDED, (ended.reason, lines)
    digests = {name: hashlib.sha256(value.encode()).hexdigest() for name, (_, value) in ground.held.items()}
    assert lines == [*(f"{name} {digest}" for name, digest in digests.items()), "[]"]
    assert cloud.faults() == [], "both were met"


def test_secrets_that_cannot_be_had_end_the_job_with_a_line_each(ground: Ground) -> None:
    ended, lines = ground.run({"GONE": ground.missing, "SHUT": ground.denied}, "print('never')")
    assert ended.state is State.FAILED
    told = [line for line in lines if line.startswith("dispatch-run: secret ")]
    assert [line.split()[2] for line in told] == ["GONE", "SHUT"]
    for line, remedy in zip(told, ground.remedies, strict=True):
        assert remedy in line
    assert "denied" in told[1]
    assert "never" not in lines
    assert ground.reason in str(ended.reason)
    assert VALUE not in "\n".join(lines) + str(ended.reason)
