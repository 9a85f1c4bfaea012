"""The one redactor: whatever is stored, printed or logged passes it, and it takes out what looks like a secret.

It is called in three places, and nothing is written around them: dispatcher.ledger.cleaning (every row),
dispatcher.cli.output (every word on stdout and stderr, tracebacks too) and `Dispatcher.logs` (every log line).
What a user allowed to be plain (`--allow-plain`, dispatcher.plain) passes as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from dispatcher.secretlike import CURL, SHAPE, URL_PASSWORD, known_secrets, named, of_curl, shaped, suspicion

MASK = "[redacted]"

# `name=value`, `name: value`, `"name": "value"`, `--name value`: the value ends at a quote, blank or separator.
_ASSIGNED = re.compile(
    r"(?P<name>(?<![\w-])-{0,2}[A-Za-z_][\w.-]{1,80})(?P<between>[\"']?\s*[=:]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"'{[(][^\s\"']*)"
    r"|(?P<flag>(?<![\w-])--[A-Za-z][\w-]{1,80})(?P<gap>\s+)(?P<next>[^\s\"'-][^\s\"']*)"
)
_GLUED = re.compile(r"-{0,2}[A-Za-z_][\w.-]*(?==)", re.ASCII)
_FLAG = re.compile(r"--?[A-Za-z][\w.-]*", re.ASCII)
_WORD_ENDS = (" ", "\t", "\n", '"', "'", "=")
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_KEY_LINES = 120
"""Lines after which a private key that does not end is taken to have ended: one of 8,192 bits has 100."""


class Leaf(NamedTuple):
    """One text or number of a document: its path (`env.A`, `command[2]`) and the name it goes under, if any.

    A key is one too: it may be what somebody pasted there, so that a `path` may hold a secret.
    """

    path: str
    name: str
    value: Any
    key: bool = False


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes secrets out of texts and of JSON documents.

    `known` are secret values that are masked wherever they appear. `allowed` are values that a user said are
    none: a match that is a part of one of them is left.
    """

    known: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Redactor:
        """A redactor that knows the secrets of an environment."""
        return cls(known_secrets(environment))

    def allowing(self, values: Iterable[str]) -> Redactor:
        """The same, with more values that may be seen."""
        return replace(self, allowed=(*self.allowed, *filter(None, values)))

    def __call__(self, value: Any) -> Any:
        """A text, or a JSON document, without anything that looks like a secret."""
        return self.text(value) if isinstance(value, str) else self.document(value)

    def text(self, text: str) -> str:
        """The text without anything that looks like a secret."""
        for value in self.known:
            if value in text and not self._allows(value):
                text = text.replace(value, MASK)
        text = SHAPE.sub(lambda match: match[0] if self._allows(match[0]) else MASK, text)
        text = URL_PASSWORD.sub(lambda match: f"{match[1]}:{match[2] if self._allows(match[2]) else MASK}@", text)
        if "=" in text or ":" in text or "--" in text:
            text = _ASSIGNED.sub(self._assigned, text)
        return text

    def document(self, document: Any, name: str = "") -> Any:
        """The same for a JSON document, keys included: values under secret-like names are masked too."""
        if isinstance(document, Mapping):
            return {
                self.text(key) if isinstance(key, str) else key: self.document(inner, owner)
                for key, owner, inner in _children(document, name)
            }
        if isinstance(document, list | tuple):
            return [self.document(inner, owner) for _, owner, inner in _children(document, name)]
        return self.leaf(Leaf("", name, document))

    def leaf(self, leaf: Leaf) -> Any:
        """One value of a document, cleaned."""
        value = leaf.value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        text = str(value)
        if leaf.name and named(leaf.name, text) and not self._allows(text):
            return MASK
        if leaf.name and shaped(text) and self.text(text) != text:
            return MASK
        return self.text(value) if isinstance(value, str) else value

    def _allows(self, found: str) -> bool:
        """True for a part of an allowed value, or for one with the words before it that give it away."""
        return any(found in value or self._ends_in(found, value) for value in self.allowed)

    def _ends_in(self, found: str, value: str) -> bool:
        before = found.removesuffix(value)
        return before != found and before[-1:] in _WORD_ENDS and not SHAPE.search(before)

    def _assigned(self, match: re.Match[str]) -> str:
        if match["flag"]:
            name, between, value = match["flag"], match["gap"], match["next"]
        else:
            name, between, value = match["name"], match["between"], match["value"]
        bare = value[1:-1] if value[:1] in "\"'" and value[-1:] == value[:1] else value
        if not bare or not suspicion(name, bare) or MASK in bare or self._allows(bare):
            return match[0]
        quote = value[: (len(value) - len(bare)) // 2]
        return f"{name}{between}{quote}{MASK}{quote}"


@dataclass(slots=True)
class Lines:
    """Cleans the lines of a log one after the other; a private key that spans lines is taken out whole."""

    redactor: Redactor
    _inside: dict[str, int] = field(default_factory=dict)

    def __call__(self, stream: str, text: str) -> str:
        """One line of a stream (`node` of a LogLine), cleaned."""
        left = self._inside.pop(stream, 0)
        if _KEY_BEGINS.search(text) and not _KEY_ENDS.search(text):
            self._inside[stream] = _KEY_LINES
        elif left and (ended := _KEY_ENDS.search(text)):
            text = MASK + text[ended.end() :]
        elif left > 1:
            self._inside[stream] = left - 1
            # A line of a key is one word; others may come between on the same stream.
            text = text if " " in text.strip() else MASK
        return self.redactor.text(text)


def leaves(document: Any, path: str = "", name: str = "") -> Iterator[Leaf]:
    """Every key and every innermost value of a JSON document, as `Redactor.document` sees it."""
    if isinstance(document, Mapping):
        for key, owner, inner in _children(document, name):
            inside = f"{path}.{key}" if path else str(key)
            yield Leaf(inside, "", key, key=True)
            yield from leaves(inner, inside, owner)
    elif isinstance(document, list | tuple):
        for index, owner, inner in _children(document, name):
            yield from leaves(inner, f"{path}[{index}]", owner)
    else:
        yield Leaf(path, name, document)


def _children(document: Any, name: str) -> Iterator[tuple[Any, str, Any]]:
    """Key or index, the name that the value goes under, and the value.

    `{name: A, value: B}` is a pair; an element after `--flag` is the flag's, as in an argv.
    """
    if isinstance(document, Mapping):
        pair = document.get("Name", document.get("name", document.get("Key")))
        owner = pair if isinstance(pair, str) else ""
        for key, inner in document.items():
            yield key, owner if str(key).lower() == "value" and owner else str(key), inner
        return
    before, curl = "", False
    for index, inner in enumerate(document):
        typed = inner if isinstance(inner, str) else ""
        glued = _GLUED.match(typed)
        own = before if before and not typed.startswith("-") else ""
        if curl and of_curl(typed, before):
            own = CURL
        yield index, own or name, inner
        before = typed if _FLAG.fullmatch(typed) and not glued else ""
        curl = curl or typed.rpartition("/")[2] == "curl"


def argument_name(leaf: Leaf) -> str:
    """The name that an argument carries itself (`--api-key=...`, `api_key=...`), else that it goes under."""
    glued = _GLUED.match(leaf.value) if isinstance(leaf.value, str) else None
    return glued[0] if glued else leaf.name


def redact(text: str, known: tuple[str, ...] = ()) -> str:
    """The text without anything that looks like a secret, and without the `known` secret values."""
    return Redactor(known).text(text)


def redact_document(document: Any, known: tuple[str, ...] = ()) -> Any:
    """The same for a JSON document."""
    return Redactor(known).document(document)
