"""What looks like a secret: by its shape, by the name it goes under, or by being this process's own.

What only looks like one by its name (`MY_API_KEY`) is judged with its value: `TOKENIZERS_PARALLELISM=false`,
`PAD_TOKEN=[PAD]` and `MAX_TOKENS=512` are no secrets, and a reference such as `aws-sm://name` never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

REFERENCE = re.compile(r"(?:aws-sm|ssm|gcp-sm|azure-kv|env)://\S+")
"""A secret reference: the name of a secret in a store, never the secret."""

_CURL_USER = r"(?:-[A-Za-z#]*[uU]|--(?:proxy-)?user)"
_VARIABLE = r"\$\{?[A-Z_][A-Z0-9_]*\}?"  # which holds the secret, and is none
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
    "an Authorization header": r"\b(?i:authorization[\"']?\s*[:=]\s*[\"']?(?:basic|token|bearer|digest|apikey))"
    r"\s+[^\s\"',]{8,}",
    "a password of curl": rf"\bcurl\b[^\n]{{0,200}}?\s{_CURL_USER}[ =]?[\"']?[^\s:\"'-][^\s:\"']*:"
    rf"(?!{_VARIABLE}(?:[\s\"']|$))[^\s\"']+",
    "an NVIDIA key": r"\bnvapi-[A-Za-z0-9_-]{20,}",
    "a Groq key": r"\bgsk_[A-Za-z0-9]{30,}",
    "a Replicate token": r"\br8_[A-Za-z0-9]{30,}",
    "a Databricks token": r"\bdapi[0-9a-f]{32}",
    "a client secret of Entra": r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,}",
    "a webhook of Slack": r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}",
}
_OF_CURL = re.compile(_CURL_USER)
_GIVEN_CURL = re.compile(rf"(?:{_CURL_USER}=?)?[^:-][^:]*:(?!{_VARIABLE}$).+", re.DOTALL)
"""A user and a password, alone or glued to the flag."""
CURL = "curl -u"
"""What an argument of curl goes under that may be somebody's name and password; no variable is called so."""
SHAPE = re.compile("|".join(f"(?P<s{index}>{shape})" for index, shape in enumerate(_SHAPES.values())), re.DOTALL)
URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@'\"]*):([^\s/@'\"]+)@")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECRET_WORDS = _words(
    """
    password passwd passphrase pwd contrasena secret secrete secreto secrets token credential credentials
    creds apikey
    """
)
_NOT_THE_SECRET = frozenset(
    {"file", "path", "name", "arn", "url", "uri", "id", "type", "count", "dir", "length", "size"}
)
_BEHIND = frozenset({"base", "value", "val", "config", "b64", "base64", "plain", "raw", "json", "str", "string"})
"""Words that say of what comes before them how it is written: SECRET_KEY_BASE, DOCKER_AUTH_CONFIG."""
_GLUED = re.compile(
    r".*(?:password|passwd|passphrase|pwd|secret|token|credentials?|apikey"
    r"|(?:access|account|app|application|auth|client|database|db|encryption|master|priv|private|secret|service|shared|signing|ssh"
    r"|storage)key)"
    r"|(?:database|db|ftp|git|key|mail|my|redis|root|smtp|ssh|sudo|user|vnc)pass"
)
"""One word made of two or more, as PGPASSWORD and APITOKEN are."""
# A token of text, not of access: `--pad-token`, `EOS_TOKEN`.
_OF_A_TOKENIZER = _words(
    """
    added bos class cls end eos fim first image last mask max min next num pad per prefix sep special
    start stop suffix text unk vocab
    """
)
_GLUED_OF_A_TOKENIZER = re.compile(rf"(?:{'|'.join(_OF_A_TOKENIZER)}|de|pre|sub|multi|un)token")
_KEYS_OF_ACCESS = frozenset(
    {"api", "access", "secret", "private", "auth", "encryption", "signing", "ssh", "account"}
)
# A key of data, of a cloud's own keys (which are named, not told) or of a keyboard.
_OTHER_KEYS = _words(
    """
    answer audio batch blob bucket cache caption check checkpoint class cluster cmk cmek column
    completion composite condition config content context customer data dataset default dict document
    encryptor episode eval event example experiment extra feature field file filter first foreign frame
    goal group hash hot idempotency image index info initial input item join json kms label last left
    lookup loss managed map mask merge message meta metadata metric model monitor name natural new next
    node object observation old option order output param parameter parent partition path plot policy
    pred prediction primary problem prompt property public query question range record ref reference
    reply response result return reward right root route routing row sample schema score search section
    segment shard shift sort source split state step sub surrogate tag target task template tensor text
    time title top trace train type unique user valid value vault video weight word yaml
    """
)
_PASSES = _words(
    """
    all backward band by compiler did each eval first forward high low max min multi n num one optimizer
    per second single test tests third train two
    """
)
_ACCESS_TOKENS = _words(
    """
    airtable azure bitbucket ci databricks devops docker gh git github gitlab personal repo snowflake
    """
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|<[^<>]*>|\[[A-Za-z]+\]|\*+|\[redacted\]"
    r"|required|optional|(?-i:\$[A-Z_][A-Z0-9_]*|\$\{[A-Z_][A-Z0-9_]*\})"
    r"|(?:s3|gs|azureml|abfss|wasbs|file)://[^\s?@]*"  # a place of data, which an input may call what it likes
    r"|arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:[\w/:.+=,-]+",  # the name of a thing, such as a key
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?[\d.,_]+(?:[eE][+-]?\d+)?")
_PASSWORD = re.compile(r"passw|passphrase|pwd|pass\d*$", re.IGNORECASE)
"""In a name whose value may be a number, as PINs are."""

_SHORTEST_KEY = 8
_PROSE = re.compile(r"[a-z]+(?:[ _./:-]+[a-z]+)*")
"""What a name that may be a secret's is often given: `image_type_key=image.png`, `PROXY_AUTH=basic`."""

SHORTEST = 12
"""Characters below which a value of the environment is taken for a word that may stand anywhere."""


def secret_name(name: str) -> bool:
    """True when a variable, key or flag of this name usually holds a secret."""
    return _certainty(name) is not None


def _certainty(name: str) -> bool | None:
    """Whether a name is that of a secret whatever the value (True), if the value could be one (False), or not."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():  # TOKEN1, API_KEY_2
        words.pop()
    while len(words) > 1 and words[-1] in _BEHIND:
        words.pop()
    if not words or words[-1] in _NOT_THE_SECRET or name == "OLDPWD":
        return None
    last, owner = words[-1], words[-2] if len(words) > 1 else ""
    if last == "key":
        if owner in _KEYS_OF_ACCESS:
            return True
        return None if not owner.isalpha() or len(owner) < 2 or owner in _OTHER_KEYS else False
    if (last == "token" and owner in _OF_A_TOKENIZER) or _GLUED_OF_A_TOKENIZER.fullmatch(last):
        return None
    if last in _SECRET_WORDS or "password" in words or _GLUED.fullmatch(last):
        return True
    if last == "pass":
        return None if not owner or owner in _PASSES else True
    if last == "pat":
        return True if owner in _ACCESS_TOKENS else None
    if (last == "auth" and owner) or last in ("authorization", "cookie", "cookies"):
        return False
    return False if name.lower().replace("_", "").replace("-", "").endswith("connectionstring") else None


def suspicion(name: str, value: str) -> str | None:
    """Why this value must not be written down, as words that follow "looks like"; None when it may.

    `name` is the variable, key or flag the value belongs to, or empty.
    """
    return shaped(value) or named(name, value)


def named(name: str, value: str) -> str | None:
    """The same by the name alone, whatever shape the value has."""
    if name == CURL:
        return "a password of curl" if _GIVEN_CURL.fullmatch(value) else None
    certain = _certainty(name) if name else None
    if certain is None or REFERENCE.fullmatch(value) or _HARMLESS.fullmatch(value):
        return None
    if not certain and (len(value) < _SHORTEST_KEY or _PROSE.fullmatch(value)):
        return None
    if _NUMBER.fullmatch(value) and not _PASSWORD.search(name):
        return None
    return "a secret by its name"


def of_curl(argument: str, before: str) -> bool:
    """Whether an argument of curl may be a user and a password: one behind such a flag, or with the flag in it."""
    return bool(_OF_CURL.fullmatch(before) or _OF_CURL.match(argument))


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
    # Places, not secrets: taking a shell's directory or a key's file out would spoil every message that names one.
    long = len(value) >= SHORTEST and name not in ("PWD", "OLDPWD", "GOOGLE_APPLICATION_CREDENTIALS")
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
