"""Refusals in the forms of Azure: Resource Manager's and Key Vault's JSON, Storage's XML, the identity
endpoint's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from localcloud.server.wire import Answer


class AzureError(Exception):
    """An error answer: HTTP's `status`, Azure's `code`, words, and what else the form has room for."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str = "",
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = [dict(detail) for detail in details]
        self.headers = dict(headers or {})
        self.inner = ""
        """A more particular code, which Key Vault gives."""

    @property
    def document(self) -> dict[str, Any]:
        """The `error` object of Resource Manager (ErrorDetail)."""
        return {
            "code": self.code,
            "message": self.message,
            **({"target": self.target} if self.target else {}),
            **({"details": self.details} if self.details else {}),
            **({"innererror": {"code": self.inner}} if self.inner else {}),
        }


def in_json(error: AzureError) -> Answer:
    """As Resource Manager, Azure ML and Key Vault write it."""
    return _with(Answer.json({"error": error.document}, error.status, "application/json; charset=utf-8"), error)


def in_xml(error: AzureError) -> Answer:
    """As Storage writes it."""
    text = (
        '\ufeff<?xml version="1.0" encoding="utf-8"?><Error>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
    )
    kind = ("Content-Type", "application/xml")
    return _with(Answer(error.status, (kind, ("x-ms-error-code", error.code)), text.encode()), error)


def in_words(error: AzureError) -> Answer:
    """As the managed identity endpoint of App Service writes it."""
    body = {"statusCode": error.status, "message": error.message, "correlationId": str(uuid.uuid4())}
    return _with(Answer.json(body, error.status), error)


def _with(answer: Answer, error: AzureError) -> Answer:
    return Answer(answer.status, (*answer.headers, *error.headers.items()), answer.body)


def missing(id: str) -> AzureError:
    """There is no such resource; the text is Resource Manager's."""
    words = id.strip("/").split("/")
    group = words[3] if len(words) > 3 and words[2].lower() == "resourcegroups" else ""
    kind = "/".join(words[words.index("providers") + 1 :]) if "providers" in words else "/".join(words[-2:])
    return AzureError(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}' under resource group '{group or '<null>'}' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def bad(message: str, code: str = "BadRequest", target: str = "") -> AzureError:
    """The request breaks a rule of the service."""
    return AzureError(400, code, message, target=target)


def conflict(message: str, code: str = "Conflict") -> AzureError:
    return AzureError(409, code, message)


def unauthenticated(code: str, message: str, realm: str = "") -> AzureError:
    """The refusal of a call without credentials, or with wrong or old ones; `realm` is the tenant's authority."""
    challenge = f'Bearer authorization_uri="{realm}", error="invalid_token", error_description="{message}"'
    return AzureError(401, code, message, headers={"WWW-Authenticate": challenge})
