"""Whether somebody may read a secret: their signature, their policies, the secret's own policy, and its key.

Whoever gives a secret a key has to be able to use that key, too, as Secrets Manager tries it out.

moto gives a secret to whoever asks. Here a role that was assumed reads what its policies or the secret's own
allow and none of them denies, with a signature that is right, and a customer-managed key is open to it. Calls with
the credentials `testing` are the person's, whom only a secret's own policy keeps out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from localcloud.aws import evaluation
from localcloud.aws.evaluation import ANYTHING, Statement, many
from localcloud.aws.moto_app import Moto
from localcloud.aws.sagemaker.errors import ServiceError
from localcloud.place import ACCOUNT
from localcloud.server.seen import Seen
from localcloud.server.wire import Call

READS = {("secretsmanager", "GetSecretValue"): "SecretId", ("ssm", "GetParameter"): "Name"}
"""The operations that are judged, and which member of the request names the secret."""
KEYED = frozenset({("secretsmanager", "CreateSecret"), ("secretsmanager", "UpdateSecret")})
"""The operations that establish or change the key of a secret."""
_PROOF = {"kms:EncryptionContext:SecretVersionId": "RequestToValidateKeyAccess"}
"""The encryption context of trying a key out (Secrets Manager user guide, "Validating access to the KMS key")."""


def require(moto: Moto, call: Call, seen: Seen) -> None:
    """Raises ServiceError when whoever calls may not read what they ask for, or use the key that they name."""
    if (seen.service, seen.operation) in KEYED and seen.parameters.get("KmsKeyId"):
        with moto.lock:
            role = moto.backend("sts", "aws").get_assumed_role_from_access_key(call.credential[0])
            if role is not None:
                _Reader(moto, role, seen).require_key(str(seen.parameters["KmsKeyId"]))
    if (seen.service, seen.operation) not in READS:
        return
    with moto.lock:
        role = moto.backend("sts", "aws").get_assumed_role_from_access_key(call.credential[0])
        if role is not None:
            _require_signature(call, seen)
        _Reader(moto, role, seen).require()


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
    """Who reads which secret, and what moto knows of both. `role` is an assumed one, None the person's.

    Hold moto's lock.
    """

    def __init__(self, moto: Moto, role: Any, seen: Seen) -> None:
        self._moto, self._seen = moto, seen
        self._action = f"{seen.service}:{seen.operation}"
        self._asked = str(seen.parameters.get(READS.get((seen.service, seen.operation), ""), ""))
        self._person = role is None
        self._principal = f"arn:aws:iam::{ACCOUNT}:user/testing"
        self._arn, self._own = self._principal, [ANYTHING]
        if role is not None:
            name, self._principal = str(role.role_arn).rpartition("/")[2], str(role.role_arn)
            self._arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{role.session_name}"
            self._own = list(self._policies(name))
        secrets = moto.backend("secretsmanager", seen.region).secrets
        self._secret = secrets.get(self._asked) if seen.service == "secretsmanager" else None

    def require(self) -> None:
        """Raises ServiceError."""
        if not self._may(self._action, self._resource(), [*self._own, *self._resource_policy()]):
            raise ServiceError(
                "AccessDeniedException",
                f"User: {self._arn} is not authorized to perform: {self._action} on resource: {self._asked}",
                400,
            )
        if not self._person and (key := self._key()) and not self._may("kms:Decrypt", key, self._own):
            raise ServiceError("AccessDeniedException", "Access to KMS is not allowed", 400)

    def require_key(self, named: str) -> None:
        """Raises ServiceError when they may not use a key that a secret is to have."""
        key = self._held(named)
        tried = ("kms:GenerateDataKey", "kms:Decrypt")
        if key and not all(self._may(action, key, self._own, _PROOF) for action in tried):
            raise ServiceError("AccessDeniedException", "Access to KMS is not allowed", 400)

    def _may(
        self, action: str, resource: str, statements: list[Statement], more: Mapping[str, str] | None = None
    ) -> bool:
        context = {
            **(more or {}),
            "kms:ViaService": f"{self._seen.service}.{self._seen.region}.amazonaws.com",
            "aws:PrincipalAccount": ACCOUNT,
            "aws:PrincipalArn": self._principal,
        }
        return evaluation.allowed(statements, action, resource, context)

    def _policies(self, role: str) -> Iterator[Statement]:
        backend = self._moto.backend("iam", "aws")
        documents = [backend.get_role_policy(role, name)[1] for name in backend.list_role_policies(role)]
        documents = [one["policy_document"] if isinstance(one, dict) else one for one in documents]
        for attached in backend.list_attached_role_policies(role)[0]:
            versions = backend.get_policy(attached.arn).versions
            documents.append(next(one.document for one in versions if one.is_default))
        for document in documents:
            whole = json.loads(document if document.lstrip().startswith("{") else unquote(document))
            yield from many(whole["Statement"])

    def _resource_policy(self) -> list[Statement]:
        """What the secret's own policy says to whoever reads."""
        policy = getattr(self._secret, "policy", None)
        statements = many(json.loads(policy)["Statement"]) if policy else []
        return [one for one in statements if evaluation.names(one, self._principal, ACCOUNT)]

    def _resource(self) -> str:
        """The ARN; of a secret that is not there one as it would have, so that a denial tells nothing of it."""
        here = f"arn:aws:{self._seen.service}:{self._seen.region}:{ACCOUNT}"
        if self._seen.service == "ssm":
            return f"{here}:parameter/{self._asked.lstrip('/')}"
        if self._secret is not None:
            return str(self._secret.arn)
        return self._asked if self._asked.startswith("arn:") else f"{here}:secret:{self._asked}-AbCdEf"

    def _key(self) -> str:
        """The ARN of the customer-managed key that a secret is encrypted with; empty for AWS's own."""
        return self._held(str(getattr(self._secret, "kms_key_id", None) or ""))

    def _held(self, key: str) -> str:
        if not key or key.endswith("alias/aws/secretsmanager"):
            return ""
        kms = self._moto.backend("kms", self._seen.region)
        aliased = str(kms.get_key_id_from_alias(key) or "") if "alias/" in key else key
        held = kms.keys.get(aliased.rpartition("/")[2])
        return str(held.arn) if held is not None else key
