"""Refusals with the codes and words of the real service."""

from __future__ import annotations


class ServiceError(Exception):
    """An error answer: `code` is what `ClientError.response["Error"]["Code"]` shows, `status` is HTTP's."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> ServiceError:
    """The request breaks a rule of the service."""
    return ServiceError("ValidationException", message)


def unsupported(what: str) -> ServiceError:
    """The real service can do it, localcloud cannot: better said than pretended."""
    return ServiceError("UnsupportedOperation", f"localcloud does not emulate {what}", 501)
