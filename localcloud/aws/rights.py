"""Whether an assumed role may read a secret: its signature, its own policies, and those of a key.

moto gives a secret to whoever asks. Here a call of a role that was assumed is judged: its signature is right, some
identity-based policy allows the action on the very secret, and a customer-managed key of it is open to it. Calls
with the credentials `testing` are the person's, who may all. Resource-based policies are not looked at.
Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from localcloud.aws.moto_app import Moto
from localcloud.aws.sagemaker.errors import ServiceError
from localcloud.place import ACCOUNT
from localcloud.server.seen import Seen
from localcloud.server.wire import Call

READS = {("secretsmanager", "GetSecretValue"): "SecretId", ("ssm", "GetParameter"): "Name"}
"""The operations that are judged, and which member of the request names the secret."""

Statement = Mapping[str, Any]


def require(moto: Moto, call: Call, seen: Seen) -> None:
    """Raises ServiceError when an assumed role may not read what it asks for."""
    if (seen.service, seen.operation) not in READS:
        return
    with moto.lock:
        role = moto.backend("sts", "aws").get_assumed_role_from_access_key(call.credential[0])
        if role is None:
            return
        _require_signature(call, seen)
        found = _Reader(moto, role, seen)
        action = f"{seen.service}:{seen.operation}"
        name = str(seen.parameters.get(READS[seen.service, seen.operation], ""))
        found.require(action, found.resource(name), name)
        if key := found.key(name):
            found.require_key(key)


def _require_signature(call: Call, seen: Seen) -> None:
    """botocore itself signs the request again, with the secret key that was given out."""
    from moto.iam.access_control import IAMRequest
    from werkzeug.exceptions import HTTPException

    headers = {"-".join(map(str.capitalize, name.split("-"))): value for name, value in call.headers}
    try:
        request = IAMRequest(ACCOUNT, call.method, call.target, {}, call.body, headers, seen.operation)
        request.check_signature()
    except (HTTPException, KeyError) as error:
        raise ServiceError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
            400,
        ) from error


class _Reader:
    """An assumed role that reads a secret, and what moto knows of both. Hold moto's lock."""

    def __init__(self, moto: Moto, role: Any, seen: Seen) -> None:
        self._moto, self._seen = moto, seen
        self._name = str(role.role_arn).rpartition("/")[2]
        self._arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{self._name}/{role.session_name}"
        self._statements = list(self._policies())

    def _policies(self) -> Iterator[Statement]:
        backend = self._moto.backend("iam", "aws")
        documents = [
            backend.get_role_policy(self._name, name)[1] for name in backend.list_role_policies(self._name)
        ]
        documents = [one["policy_document"] if isinstance(one, dict) else one for one in documents]
        for attached in backend.list_attached_role_policies(self._name)[0]:
            documents.append(backend.get_policy(attached.arn).default_version.document)
        for document in documents:
            whole = json.loads(document if document.lstrip().startswith("{") else unquote(document))
            yield from _many(whole["Statement"])

    def _secret(self, name: str) -> Any:
        return self._moto.backend("secretsmanager", self._seen.region).secrets.get(name)

    def resource(self, name: str) -> str:
        """The ARN; of a secret that is not there one as it would have, so that a denial tells nothing of it."""
        here = f"arn:aws:{self._seen.service}:{self._seen.region}:{ACCOUNT}"
        if self._seen.service == "ssm":
            return f"{here}:parameter/{name.lstrip('/')}"
        found = self._secret(name)
        return (
            str(found.arn) if found is not None else name if name[:4] == "arn:" else f"{here}:secret:{name}-AbCdEf"
        )

    def key(self, name: str) -> str:
        """The ARN of the customer-managed key that a secret is encrypted with; empty for AWS's own."""
        found = self._secret(name) if self._seen.service == "secretsmanager" else None
        key = str(getattr(found, "kms_key_id", None) or "")
        if not key or key.endswith("alias/aws/secretsmanager"):
            return ""
        kms = self._moto.backend("kms", self._seen.region)
        aliased = str(kms.get_key_id_from_alias(key) or "") if "alias/" in key else key
        held = kms.keys.get(aliased.rpartition("/")[2])
        return str(held.arn) if held is not None else key

    def require(self, action: str, resource: str, name: str) -> None:
        if not self._allowed(action, resource):
            raise ServiceError(
                "AccessDeniedException",
                f"User: {self._arn} is not authorized to perform: {action} on resource: {name} because no "
                f"identity-based policy allows the {action} action",
                400,
            )

    def require_key(self, key: str) -> None:
        if not self._allowed("kms:Decrypt", key):
            raise ServiceError("AccessDeniedException", "Access to KMS is not allowed", 400)

    def _allowed(self, action: str, resource: str) -> bool:
        """An explicit Deny wins over any Allow."""
        context = {
            "kms:ViaService": f"{self._seen.service}.{self._seen.region}.amazonaws.com",
            "aws:PrincipalAccount": ACCOUNT,
        }
        applying = {one["Effect"] for one in self._statements if _applies(one, action, resource, context)}
        return applying == {"Allow"}


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a statement is about an action on a resource, and what it asks of the context holds."""
    named = (
        _matches(statement["Action"], action, re.IGNORECASE)
        if "Action" in statement
        else not _matches(statement["NotAction"], action, re.IGNORECASE)
    )
    on = (
        _matches(statement["Resource"], resource)
        if "Resource" in statement
        else not _matches(statement.get("NotResource", "*"), resource)
    )
    return named and on and all(
        _holds(operator, _many(values), context.get(key, ""))
        for operator, asked in (statement.get("Condition") or {}).items()
        for key, values in asked.items()
    )  # fmt: skip


def _holds(operator: str, values: list[Any], actual: str) -> bool:
    """A condition on text; any other operator does not hold, as for a key that the request does not carry."""
    if operator in ("StringEquals", "ArnEquals"):
        return actual in values
    return operator in ("StringLike", "ArnLike") and bool(actual) and _matches(values, actual)


def _matches(patterns: Any, text: str, flags: int = 0) -> bool:
    """Whether one of the patterns, in which `*` and `?` are wild, is the text."""
    escaped = (re.escape(str(one)).replace(r"\*", ".*").replace(r"\?", ".") for one in _many(patterns))
    return any(re.fullmatch(one, text, flags) for one in escaped)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
