"""The clouds of a job's secrets without a network: what each address answers, and what was asked of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from dispatcher.redact import redact
from dispatcher.runtime.secrets import SecretError, resolved
from dispatcher.runtime.secrets.world import Answer, Call, Unreachable, World

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
