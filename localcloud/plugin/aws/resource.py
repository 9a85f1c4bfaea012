"""What the handlers over boto3 share: errors told in the provider's words, tags, documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Turns a client's error into the provider's words: `creating S3 Bucket (x): operation error S3: ...`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        told, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        raise ProviderError(
            f"{doing}: operation error {error.operation_name}: https response error "
            f"StatusCode: {meta.get('HTTPStatusCode', 0)}, RequestID: {meta.get('RequestId', '')}, "
            f"api error {told.get('Code', '')}: {told.get('Message', '')}"
        ) from error
    except BotoCoreError as error:
        raise ProviderError(f"{doing}: {error}") from error


def missing(error: Exception, *codes: str) -> bool:
    """Whether a client's error is one of the codes; a code ending in `*` matches by its beginning."""
    response: dict[str, Any] = getattr(error, "response", {})
    found = str(response.get("Error", {}).get("Code", ""))
    return any(found == code or (code.endswith("*") and found.startswith(code[:-1])) for code in codes)


def asked(call: Callable[[], Any], *codes: str) -> Any:
    """The answer of a call, None when it fails with one of the codes (the thing is not there)."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if missing(error, *codes):
            return None
        raise


def pairs(tags: Properties | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as most services want them."""
    return [{key: name, value: text} for name, text in sorted((tags or {}).items())]


def tags(listed: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags as the provider shows them: the service's own (`aws:`) left out."""
    return {tag[key]: tag.get(value, "") for tag in listed or [] if not tag[key].startswith("aws:")}


def tag_changes(old: Properties, new: Properties) -> tuple[list[str], Properties]:
    """(keys to remove, tags to set) to come from the state's tags to the inputs'."""
    before, after = old.get("tagsAll") or old.get("tags") or {}, new.get("tags") or {}
    return sorted(before.keys() - after.keys()), {
        key: value for key, value in after.items() if before.get(key) != value
    }


def document(text: str | None) -> str | None:
    """A JSON document in the form the provider keeps: keys sorted, no spaces."""
    if not text:
        return text
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def given(**arguments: Any) -> dict[str, Any]:
    """Only the arguments that say something: None and empty text or lists are left out."""
    return {name: value for name, value in arguments.items() if value is not None and value != "" and value != []}
