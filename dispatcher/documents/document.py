"""YAML as places and values: every scalar stays the text that was typed, every problem knows its line.

The tree is built from the parser's events, not from loaded objects, because YAML 1.1 turns `on`, `12:30`,
`010` and `1e-3` into things nobody meant, and because PyYAML's own composer recurses in C: deep nesting would
end the process. Anchors, aliases, tags and merge keys are refused, so a document is as large as it looks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatcher.errors import Problem, SpecError

SIZE_MAX = 1024 * 1024
DEPTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as typed; `plain` is false when it was quoted, so that `"null"` is a text and `null` is nothing."""

    source: str
    line: int | None
    text: str
    plain: bool = True

    @property
    def empty(self) -> bool:
        """True for YAML's three ways to write nothing: `key:`, `~` and `null`."""
        return self.plain and self.text in ("", "~", "null")


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    source: str
    line: int | None
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping. A value's line is the line of its key: that is where a reader looks."""

    source: str
    line: int | None
    fields: dict[str, Node] = field(default_factory=dict)


Node = Scalar | Items | Fields


def read(path: str | Path) -> bytes:
    """Return the bytes of a document a user named; `-` is standard input. Raises SpecError with the reason."""
    name = str(path)
    try:
        if name == "-":
            import sys

            return sys.stdin.buffer.read(SIZE_MAX + 1)
        with Path(name).open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except FileNotFoundError:
        rule, remedy = "there is no such file", "check the path"
    except IsADirectoryError:
        rule, remedy = "is a directory, not a file", "name the file in it"
    except PermissionError:
        rule, remedy = "may not be read", f"chmod u+r {name}"
    except (OSError, ValueError) as error:
        rule, remedy = f"cannot be read: {error}", ""
    raise SpecError([Problem(name, None, "", rule, remedy)])


def load(source: str, data: bytes | str) -> list[Node]:
    """Parse the documents of one file. Raises SpecError with every problem found before parsing had to stop."""
    if isinstance(data, bytes):
        if len(data) > SIZE_MAX:
            raise SpecError([Problem(source, None, "", "is larger than 1 MiB", "this is not a job or queue file")])
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise SpecError([Problem(source, line, "", "is not UTF-8 text", "save it as UTF-8")]) from None
    else:
        text = data
    builder = _Builder(source)
    builder.build(text)
    if builder.problems:
        raise SpecError(builder.problems)
    if not builder.documents:
        raise SpecError([Problem(source, None, "", "is empty", "see docs/job-file.md and docs/queues.md")])
    return builder.documents


def one(source: str, data: bytes | str) -> Node:
    """Parse a file that must hold exactly one document."""
    documents = load(source, data)
    if len(documents) > 1:
        rule = "holds more than one document (`---`)"
        raise SpecError([Problem(source, documents[1].line, "", rule, "keep one document per file")])
    return documents[0]


def at(tree: Node, path: str) -> Node | None:
    """The node at a path such as `resources.gpu` or `command[2]`, or the nearest above it that is written."""
    found: Node | None = None
    place = tree
    for part in re.findall(r"[^.\[\]]+", path):
        below: Node | None = None
        if isinstance(place, Fields):
            below = place.fields.get(part)
        elif isinstance(place, Items) and part.isdigit() and int(part) < len(place.items):
            below = place.items[int(part)]
        if below is None:
            break
        found = place = below
    return found


class _Builder:
    """Turns parser events into nodes with an explicit stack; problems are collected on the way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.documents: list[Node] = []
        self._stack: list[_Open] = []

    def build(self, text: str) -> None:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            event: Any
            for event in yaml.parse(text, Loader=loader):
                self._take(event)
                if len(self._stack) > DEPTH_MAX:
                    self._wrong(event.start_mark.line + 1, f"is nested deeper than {DEPTH_MAX} levels")
                    return
        except yaml.MarkedYAMLError as error:
            line = getattr(error.problem_mark, "line", -1) + 1 or None
            self._wrong(line, *_syntax(error.problem or "is not YAML"))
        except yaml.YAMLError as error:
            self._wrong(None, f"is not YAML: {str(error).splitlines()[0]}")
        except UnicodeEncodeError:
            self._wrong(None, "is not UTF-8 text", "save it as UTF-8")

    def _take(self, event: Any) -> None:
        kind = type(event).__name__
        line: int = event.start_mark.line + 1
        if kind == "AliasEvent":
            self._wrong(line, f"uses the alias *{event.anchor}", "write the value out")
            self._add(Scalar(self.source, line, ""), line)
            return
        if getattr(event, "anchor", None) is not None:
            self._wrong(line, f"uses the anchor &{event.anchor}", "write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None and not (kind == "ScalarEvent" and tag in ("!", "tag:yaml.org,2002:str")):
            self._wrong(line, f"uses the tag {tag}", "tags are not needed: write the plain value")
        if kind == "ScalarEvent":
            style, value = event.style, event.value
            self._add(Scalar(self.source, line, value, plain=not style and tag is None), line)
        elif kind == "SequenceStartEvent":
            self._stack.append(_Open(Items(self.source, self._key_line(line))))
        elif kind == "MappingStartEvent":
            self._stack.append(_Open(Fields(self.source, self._key_line(line))))
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            closed = self._stack.pop().node
            self._add(closed, closed.line or line)

    def _key_line(self, line: int) -> int:
        parent = self._stack[-1] if self._stack else None
        return parent.key[1] if parent is not None and parent.key is not None else line

    def _add(self, node: Node, line: int) -> None:
        if not self._stack:
            if not (isinstance(node, Scalar) and node.empty):
                self.documents.append(node)
            return
        parent = self._stack[-1]
        if isinstance(parent.node, Items):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = (self._key(node, line, parent.node.fields), line)
        else:
            name, key_line = parent.key
            parent.key = None
            if name is not None:
                if isinstance(node, Scalar):
                    node = Scalar(node.source, key_line, node.text, node.plain)
                parent.node.fields[name] = node

    def _key(self, node: Node, line: int, seen: Mapping[str, Node]) -> str | None:
        if not isinstance(node, Scalar):
            self._wrong(line, "has a list or mapping as a key", "a key is one word")
            return None
        if node.plain and node.text == "<<":
            self._wrong(line, "uses a merge key `<<`", "write the keys out")
            return None
        if node.text in seen:
            first = seen[node.text].line
            self._wrong(line, "is given twice", f"first on line {first}; keep one", path=node.text)
            return None
        return node.text

    def _wrong(self, line: int | None, rule: str, remedy: str = "", path: str = "") -> None:
        self.problems.append(Problem(self.source, line, path, rule, remedy))


@dataclass(slots=True)
class _Open:
    """A collection that is still being filled, with the key whose value comes next."""

    node: Items | Fields
    key: tuple[str | None, int] | None = None


def _syntax(problem: str) -> tuple[str, str]:
    """The parser's words with a remedy for the mistakes people make."""
    remedies = {
        "found a tab character": "indent with spaces",
        "cannot start any token": "indent with spaces, and quote a value that starts with % @ or `",
        "mapping values are not allowed": "quote a value that contains `: `",
        "unexpected end of stream": "close the quote",
        "did not find expected": "check the indentation and the brackets",
        "could not find expected ':'": "every line of a mapping is `key: value`",
    }
    remedy = next((hint for words, hint in remedies.items() if words in problem), "")
    return f"is not YAML: {problem}", remedy
