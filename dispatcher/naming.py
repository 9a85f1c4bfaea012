"""Ids, slugs and digests: what a submission is called here and on the cloud."""

from __future__ import annotations

import json
import re
from typing import Any

from dispatcher import limits
from dispatcher.backends.base import Request, Submission
from dispatcher.job import Job

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
ID_LENGTH = 8


def new_id() -> str:
    """A fresh submission id: 40 random bits in lower-case base32, so that no two machines have to agree."""
    import secrets

    return "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH))


def derived(sweep: str, trial: int, again: int = 0) -> str:
    """The id of a sweep's trial, of its first submission or of a later one: the same whoever records it."""
    import base64
    import hashlib

    digest = hashlib.sha256(f"{sweep}/{trial}/{again}".encode()).digest()
    return base64.b32encode(digest)[:ID_LENGTH].decode().lower()


def slug(job: Job) -> str:
    """The readable part of a job's cloud name: its own name, else its type, else its image's last word."""
    text = job.name or job.job_type or job.image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[0]
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[: limits.SLUG_MAX].strip("-") or "job"


def placeholder(job: Job) -> Submission:
    """What a dry run is rendered with: a name of the right shape that no real submission gets."""
    return Submission(id="0" * ID_LENGTH, attempt=1, slug=slug(job))


_NAME = re.compile(rf"(?P<slug>[a-z0-9][a-z0-9-]*)-(?P<id>[a-z0-9]{{{ID_LENGTH}}})-(?P<attempt>[1-9][0-9]{{0,5}})")


def parsed(name: str) -> Submission | None:
    """The attempt that a cloud name is of; None for a name that no dispatcher gives."""
    found = _NAME.fullmatch(name)
    return Submission(found["id"], int(found["attempt"]), found["slug"]) if found else None


def digest(document: Any) -> str:
    """SHA-256 of a JSON document, independent of the order of its keys."""
    import hashlib

    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=dict)
    return hashlib.sha256(canonical.encode()).hexdigest()


def request_digest(request: Request) -> str:
    """SHA-256 of everything a request sends."""
    named = [[one.operation, one.body, *filter(None, [one.path])] for one in request.operations]
    return digest(named)
