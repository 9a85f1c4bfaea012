"""AWS: Secrets Manager and Parameter Store, read as the role that the job runs with.

Sources: docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html,
/systems-manager/latest/APIReference/API_GetParameter.html (JSON 1.1 over POST, errors in `__type`).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NamedTuple

from . import endpoints
from .aws_identity import credentials
from .reference import Reference
from .sigv4 import Request, Scope, sign
from .world import Answer, Call, Refused, World, said

_THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})


class _Service(NamedTuple):
    """A store: the first label of its host, its signing name too; the call that reads; what that needs."""

    name: str
    target: str
    action: str
    noun: str
    missing: frozenset[str]


_SERVICES = {
    "aws-sm": _Service(
        "secretsmanager",
        "secretsmanager.GetSecretValue",
        "secretsmanager:GetSecretValue",
        "secret",
        frozenset({"ResourceNotFoundException"}),
    ),
    "ssm": _Service(
        "ssm",
        "AmazonSSM.GetParameter",
        "ssm:GetParameter",
        "parameter",
        frozenset({"ParameterNotFound", "ParameterVersionNotFound"}),
    ),
}


class _Reader:
    """Reads one store."""

    def __init__(self, service: _Service, world: World) -> None:
        self._service, self._world = service, world

    def __call__(self, reference: Reference) -> str:
        if self._service.name == "ssm":
            return str(
                self._call(reference, {"Name": reference.name, "WithDecryption": True})["Parameter"]["Value"]
            )
        document = self._call(reference, {"SecretId": reference.name})
        value = document.get("SecretString")
        text = str(value) if value is not None else _text(str(document.get("SecretBinary", "")))
        return _field(text, reference.detail) if reference.detail else text

    def _call(self, reference: Reference, asked: dict[str, Any]) -> dict[str, Any]:
        world, service = self._world, self._service
        holder = world.once("aws", lambda: credentials(world))
        region = self._region(reference)
        suffix = endpoints.by_region(endpoints.of("aws")["suffixes"], region)
        url = world.local("AWS_ENDPOINT_URL") or f"https://{service.name}.{region}.{suffix}"
        body = json.dumps(asked).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": service.target}

        def call() -> Call:
            scope = Scope(world.now(), region, service.name)
            return Call("POST", f"{url}/", sign(Request("POST", f"{url}/", headers, body), scope, holder), body)

        answer = world.ask(call, lambda answer: _code(answer) in _THROTTLED)
        if answer.status == 200:
            return answer.document()
        raise self._refusal(answer, reference.name)

    def _region(self, reference: Reference) -> str:
        """The region that a whole ARN names, else the job's."""
        if reference.name.startswith("arn:"):
            return reference.name.split(":")[3]
        environment = self._world.environment
        region = next(
            (environment[name] for name in ("DISPATCH_REGION", "AWS_REGION") if environment.get(name)), ""
        )
        if not region:
            raise Refused("nothing says which region it is in", "set AWS_REGION, or name the secret by its ARN")
        return region

    def _refusal(self, answer: Answer, name: str) -> Refused:
        service, code = self._service, _code(answer)
        document = answer.document()
        words = said(code or answer.status, document.get("message") or document.get("Message"))
        if code in service.missing and "staging label" in words:
            command = f"aws secretsmanager put-secret-value --secret-id {name} --secret-string file://FILE"
            return Refused(f"the secret has no value yet ({words})", command)
        if code in service.missing:
            return Refused(f"there is no such {service.noun} ({words})", "create it, or name one that is there")
        if "AccessDenied" in code or "DecryptionFailure" in code:
            remedy = f"the job's role needs {service.action} on it, and kms:Decrypt where it has a key of its own"
            return Refused(f"denied ({words})", remedy)
        return Refused(f"the store refused ({words})")


def reader(scheme: str, world: World) -> _Reader:
    """Return what reads the secrets of `aws-sm` or `ssm`."""
    return _Reader(_SERVICES[scheme], world)


def _code(answer: Answer) -> str:
    """The error's code: some services put a namespace in front of it."""
    return str(answer.document().get("__type", "")).rpartition("#")[2]


def _text(encoded: str) -> str:
    """A binary secret, which has to be text to be a variable's value."""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("its value is binary and no UTF-8 text", "store it as text, such as base64") from error


def _field(text: str, key: str) -> str:
    """One field of a secret that is a JSON object."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Refused("its value is no JSON", f"drop #{key} from the reference") from error
    if not isinstance(found, dict) or key not in found:
        raise Refused(f"its value has no field {key}", "name a field that is there: #FIELD")
    value = found[key]
    return value if isinstance(value, str) else json.dumps(value)
