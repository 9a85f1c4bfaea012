"""Secret references: the forms a job may use to name a secret without holding it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

Store = Literal["aws-sm", "ssm", "gcp-sm", "azure-kv", "env"]


class Reference(NamedTuple):
    """A parsed reference: the store, the name in it, and the JSON key or version when one is given."""

    store: Store
    name: str
    detail: str | None = None


_FORMS: Mapping[Store, tuple[str, str]] = {
    # Secrets Manager names: ASCII letters, digits and /_+=.@- (CreateSecret, Name); or a whole ARN.
    "aws-sm": (
        r"(?P<name>arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}|[\w/+=.@-]{1,512})"
        r"(?:#(?P<detail>[\w.-]{1,128}))?",
        "aws-sm://NAME, aws-sm://NAME#JSON_KEY or aws-sm://ARN",
    ),
    # Parameter Store names: letters, digits and .-_/ (PutParameter, Name).
    "ssm": (r"(?P<name>[\w./-]{1,1011})(?P<detail>)?", "ssm://NAME or ssm:///path/NAME"),
    # Secret ids: letters, digits, - and _, up to 255 (Secret Manager API, CreateSecret).
    "gcp-sm": (
        r"(?P<name>(?:[a-z][a-z0-9-]{4,28}[a-z0-9]/)?[\w-]{1,255})(?:@(?P<detail>latest|\d{1,9}))?",
        "gcp-sm://NAME, gcp-sm://PROJECT/NAME or gcp-sm://NAME@VERSION",
    ),
    # Secret names: letters, digits and -, up to 127 (Key Vault object identifiers).
    "azure-kv": (
        r"(?P<name>(?:[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]/)?[A-Za-z0-9-]{1,127})(?:@(?P<detail>[0-9a-f]{32}))?",
        "azure-kv://NAME, azure-kv://VAULT/NAME or azure-kv://NAME@VERSION",
    ),
    "env": (r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<detail>)?", "env://VARIABLE"),
}


def parse(text: str) -> Reference:
    """Parse a reference. Raises ValueError with the forms that are taken; the text itself is never repeated."""
    scheme, found, rest = text.partition("://")
    store = cast(Store, scheme)
    if not found or store not in _FORMS:
        forms = ", ".join(f"{known}://" for known in _FORMS)
        raise ValueError(f"is not a reference to a secret ({forms})")
    form, example = _FORMS[store]
    match = re.fullmatch(form, rest, re.ASCII)
    if match is None:
        raise ValueError(f"is not of the form {example}")
    return Reference(store, match["name"], match["detail"] or None)
