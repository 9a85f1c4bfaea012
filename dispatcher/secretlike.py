"""What looks like a secret: by its shape, by the name it goes under, or by being this process's own.

What only looks like one by its name (`MY_API_KEY`) is judged with its value: `TOKENIZERS_PARALLELISM=false`,
`PAD_TOKEN=[PAD]` and `MAX_TOKENS=512` are no secrets, and a reference such as `aws-sm://name` never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

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
SHAPE = re.compile("|".join(f"(?P<s{index}>{shape})" for index, shape in enumerate(_SHAPES.values())), re.DOTALL)
URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@'\"]*):([^\s/@'\"]+)@")

_SECRET_WORDS = frozenset({"password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "credentials"})
_KEY_OWNERS = frozenset({"api", "access", "secret", "private", "auth", "encryption", "signing", "ssh", "account"})
_NOT_THE_SECRET = frozenset(
    {"file", "path", "name", "arn", "url", "uri", "id", "type", "count", "dir", "length", "size"}
)
# A token of text, not of access: `--pad-token`, `EOS_TOKEN`.
_OF_A_TOKENIZER = frozenset(
    {
        "added",
        "bos",
        "class",
        "cls",
        "end",
        "eos",
        "fim",
        "first",
        "image",
        "last",
        "mask",
        "max",
        "min",
        "next",
        "num",
    }
    | {"pad", "per", "prefix", "sep", "special", "start", "stop", "suffix", "text", "unk", "vocab"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|<[^<>]*>|\[[A-Za-z]+\]|\$\{?\w+\}?|\*+|\[redacted\]|required|optional"
    r"|(?:s3|gs|azureml|abfss|wasbs|file)://[^\s?@]*",  # a place of data, which an input may call what it likes
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?[\d.,_]+(?:[eE][+-]?\d+)?")
_ALWAYS = frozenset({"password", "passwd", "passphrase", "pwd"})

SHORTEST = 12
"""Characters below which a value of the environment is taken for a word that may stand anywhere."""


def secret_name(name: str) -> bool:
    """True when a variable, key or flag of this name usually holds a secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _NOT_THE_SECRET:
        return False
    if words[-1] == "key" or words[-1] == "apikey":
        return words[-1] == "apikey" or (len(words) > 1 and words[-2] in _KEY_OWNERS)
    if words[-1] == "token" and len(words) > 1 and words[-2] in _OF_A_TOKENIZER:
        return False
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
    if match := SHAPE.search(value):
        return list(_SHAPES)[int(str(match.lastgroup)[1:])]
    if URL_PASSWORD.search(value):
        return "a password inside a URL"
    return None


def known_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Secret values of this process's own environment (cloud sign-ins), to be taken out wherever they appear.

    The longest comes first, so that no part of one is left where another is a part of it.
    """
    values = {form for name, value in environment.items() if _own(name, value) for form in _forms(value)}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def _own(name: str, value: str) -> bool:
    # A shell's PWD and OLDPWD are directories: taking them out would break every command that names one.
    long = len(value) >= SHORTEST and name not in ("PWD", "OLDPWD")
    return long and secret_name(name) and not _HARMLESS.fullmatch(value) and not REFERENCE.fullmatch(value)


def _forms(value: str) -> Iterator[str]:
    """A value as it is, as a URL or a JSON text has it, and line by line, as a log shows it."""
    yield value
    if not value.isalnum():
        import json
        from urllib.parse import quote

        yield quote(value, safe="")
        yield json.dumps(value)[1:-1]
    for line in value.splitlines()[1:] and map(str.strip, value.splitlines()):
        if len(line) >= SHORTEST:
            yield line
