"""How things are called, whatever the cloud: logical names, the suffix of physical ones, labels out of tags."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

LABEL = 63  # characters in the key and the value of a Google Cloud label


def stable_suffix(project: str, stack: str, account: str) -> str:
    """Eight hexadecimal digits that tell this stack's names from those of another stack or account.

    Stable for the life of a stack and derived, not stored: down and up again finds the same names, and the
    names are known at preview (docs/decisions/0002-names-of-aws-resources.md).
    """
    return digest(f"{project}/{stack}/{account}")


def digest(text: str) -> str:
    """Eight hexadecimal digits of SHA-256 over `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def logical(*parts: str) -> str:
    """The logical name `<zone>-<concern>-<use>`, without the parts that are empty."""
    return "-".join(filter(None, parts))


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as labels, whose values are lower-case letters, digits, `_` and `-` only, and 63 characters at most.

    What a label cannot hold becomes `-`: `ML Platform <ml@acme.com>` is `ml-platform-ml-acme-com`.
    """
    return {key: re.sub(r"[^a-z0-9_-]+", "-", value.lower()).strip("-")[:LABEL] for key, value in tags.items()}
