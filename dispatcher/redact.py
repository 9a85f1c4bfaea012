"""What looks like a secret, and the one redactor for all that is stored, printed or logged.

Two questions, one set of rules: `suspicion` says why a value may not be written in a job or queue file, and
`redact` takes the same things out of texts on their way to the ledger, the terminal or an error message. What
only looks like a secret by its name (`MY_API_KEY`) is judged with its value: `TOKENIZERS_PARALLELISM=false`
and `MAX_TOKENS=512` are no secrets, a reference such as `aws-sm://name` never is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "[redacted]"

REFERENCE = re.compile(r"(?:aws-sm|ssm|gcp-sm|azure-kv|env)://\S+")
"""A secret reference: the name of a secret in a store, never the secret."""

_SHAPES = {
    "an AWS access key id": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "an OpenAI or Anthropic key": r"\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "a Google OAuth token": r"\bya29\.[A-Za-z0-9_-]{20,}",
    "a W&B API key": r"\bwandb_v1_[A-Za-z0-9_]{20,}",
    "a PyPI token": r"\bpypi-[A-Za-z0-9_-]{30,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}",
    "a Stripe key": r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "a Pulumi token": r"\bpul-[0-9a-f]{40}",
    "a SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)",
    "an Azure storage key": r"\bAccountKey=[A-Za-z0-9+/=]{20,}",
    "a signed URL": r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=[A-Za-z0-9%+/=_-]{16,}",
    "a bearer token": r"\b[Bb]earer [A-Za-z0-9._~+/-]{16,}=*",
}
_SHAPE = re.compile("|".join(f"(?P<s{index}>{shape})" for index, shape in enumerate(_SHAPES.values())), re.DOTALL)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@'\"]*):([^\s/@'\"]+)@")

_SECRET_WORDS = frozenset({"password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "credentials"})
_KEY_OWNERS = frozenset({"api", "access", "secret", "private", "auth", "encryption", "signing", "ssh", "account"})
_NOT_THE_SECRET = frozenset(
    {"file", "path", "name", "arn", "url", "uri", "id", "type", "count", "dir", "length", "size"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|<[^<>]*>|\[[A-Za-z]+\]|\$\{?\w+\}?|\*+|\[redacted\]|required|optional",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?[\d.,_]+(?:[eE][+-]?\d+)?")
_ALWAYS = frozenset({"password", "passwd", "passphrase", "pwd"})
# `name=value`, `name: value`, `"name": "value"`, `--name value`: the value ends at a quote, blank or separator.
_ASSIGNED = re.compile(
    r"(?P<name>(?<![\w-])-{0,2}[A-Za-z_][\w.-]{1,80})(?P<between>[\"']?\s*[=:]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"'{[(][^\s\"']*)"
    r"|(?P<flag>(?<![\w-])--[A-Za-z][\w-]{1,80})(?P<gap>\s+)(?P<next>[^\s\"'-][^\s\"']*)"
)


def secret_name(name: str) -> bool:
    """True when a variable, key or flag of this name usually holds a secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _NOT_THE_SECRET:
        return False
    if words[-1] == "key" or words[-1] == "apikey":
        return words[-1] == "apikey" or (len(words) > 1 and words[-2] in _KEY_OWNERS)
    return words[-1] in _SECRET_WORDS or ("password" in words)


def suspicion(name: str, value: str) -> str | None:
    """Why this value must not be written down, as words that follow "looks like"; None when it may.

    `name` is the variable, key or flag the value belongs to, or empty.
    """
    if REFERENCE.fullmatch(value):
        return None
    if shape := shaped(value):
        return shape
    if not name or not secret_name(name) or _HARMLESS.fullmatch(value):
        return None
    if _NUMBER.fullmatch(value) and not _ALWAYS.intersection(map(str.lower, _WORD.findall(name))):
        return None
    return "a secret by its name"


def shaped(value: str) -> str | None:
    """The kind of secret that some part of the text has the shape of."""
    if match := _SHAPE.search(value):
        return list(_SHAPES)[int(str(match.lastgroup)[1:])]
    if _URL_PASSWORD.search(value):
        return "a password inside a URL"
    return None


def redact(text: str, known: tuple[str, ...] = ()) -> str:
    """The text without anything that looks like a secret, and without the `known` secret values."""
    for value in known:
        text = text.replace(value, MASK)
    text = _SHAPE.sub(MASK, text)
    text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    return _ASSIGNED.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    if match["flag"]:
        name, between, value = match["flag"], match["gap"], match["next"]
    else:
        name, between, value = match["name"], match["between"], match["value"]
    bare = value[1:-1] if value[:1] in "\"'" and value[-1:] == value[:1] else value
    if not bare or not suspicion(name, bare) or MASK in bare:
        return match[0]
    quote = value[: (len(value) - len(bare)) // 2]
    return f"{name}{between}{quote}{MASK}{quote}"


def redact_document(document: Any, known: tuple[str, ...] = (), name: str = "") -> Any:
    """The same for a JSON document: texts are cleaned, and values under secret-like keys are masked."""
    if isinstance(document, Mapping):
        pair = document.get("Name", document.get("name", document.get("Key")))
        owner = pair if isinstance(pair, str) else ""
        return {
            key: redact_document(inner, known, owner if key.lower() == "value" and owner else str(key))
            for key, inner in document.items()
        }
    if isinstance(document, list | tuple):
        return [redact_document(inner, known, name) for inner in document]
    if isinstance(document, str):
        return MASK if name and suspicion(name, document) else redact(document, known)
    return document


def known_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Secret values of this process's own environment (cloud sign-ins), to be taken out wherever they appear."""
    values = {
        value
        for name, value in environment.items()
        # A shell's PWD and OLDPWD are directories: taking them out would break every command that names one.
        if len(value) >= 12
        and name not in ("PWD", "OLDPWD")
        and secret_name(name)
        and not _HARMLESS.fullmatch(value)
    }
    return tuple(sorted(values, key=len, reverse=True))
