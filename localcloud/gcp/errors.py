"""Refusals in the form of Google's APIs: an HTTP status, a canonical code, words, and machine-readable details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.server.wire import Answer

# Canonical code: HTTP status, number (google/rpc/code.proto), reason in the older JSON form (Storage, Compute).
CODES: Mapping[str, tuple[int, int, str]] = {
    "INVALID_ARGUMENT": (400, 3, "invalid"),
    "FAILED_PRECONDITION": (400, 9, "failedPrecondition"),
    "OUT_OF_RANGE": (400, 11, "outOfRange"),
    "UNAUTHENTICATED": (401, 16, "authError"),
    "PERMISSION_DENIED": (403, 7, "forbidden"),
    "NOT_FOUND": (404, 5, "notFound"),
    "ALREADY_EXISTS": (409, 6, "conflict"),
    "ABORTED": (409, 10, "aborted"),
    "RESOURCE_EXHAUSTED": (429, 8, "rateLimitExceeded"),
    "CANCELLED": (499, 1, "cancelled"),
    "INTERNAL": (500, 13, "backendError"),
    "UNKNOWN": (500, 2, "unknown"),
    "UNIMPLEMENTED": (501, 12, "notImplemented"),
    "UNAVAILABLE": (503, 14, "backendError"),
    "DEADLINE_EXCEEDED": (504, 4, "deadlineExceeded"),
}
_OLDER = frozenset({"storage", "compute", "dns"})
"""Services whose errors carry `errors` with a reason instead of `status` and `details`."""


class GoogleError(Exception):
    """An error answer. `status` is HTTP's when it is not the one that belongs to the code."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        details: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        usual, self.number, usual_reason = CODES.get(code, (400, 2, "invalid"))
        self.status = status or usual
        self.reason = reason or usual_reason
        self.details = [dict(detail) for detail in details]

    def answer(self, service: str) -> Answer:
        """The refusal as a service writes it."""
        error: dict[str, Any] = {"code": self.status, "message": self.message}
        if service in _OLDER:
            error["errors"] = [{"message": self.message, "domain": "global", "reason": self.reason}]
        else:
            error["status"] = self.code
            if self.details:
                error["details"] = self.details
        headers = {"WWW_Authenticate": 'Bearer realm="https://accounts.google.com/"'} if self.status == 401 else {}
        return Answer.json({"error": error}, self.status, "application/json; charset=UTF-8", **headers)


def info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    """An ErrorInfo detail (google/rpc/error_details.proto)."""
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": domain, "metadata": metadata}


def invalid(message: str) -> GoogleError:
    """The request breaks a rule of the service."""
    return GoogleError("INVALID_ARGUMENT", message)


def not_found(message: str) -> GoogleError:
    return GoogleError("NOT_FOUND", message)


def exists(message: str) -> GoogleError:
    return GoogleError("ALREADY_EXISTS", message)


def precondition(message: str) -> GoogleError:
    """The request is right, and the thing is not in a state for it."""
    return GoogleError("FAILED_PRECONDITION", message)


def denied(message: str, permission: str = "", service: str = "") -> GoogleError:
    """Not allowed; with a permission the details name it as IAM does."""
    details = [info("IAM_PERMISSION_DENIED", f"{service}.googleapis.com", permission=permission)]
    return GoogleError("PERMISSION_DENIED", message, details=details if permission else ())


def unsupported(what: str) -> GoogleError:
    """The real service can do it, localcloud cannot: better said than pretended."""
    return GoogleError("UNIMPLEMENTED", f"localcloud does not emulate {what}")
