"""The filter language of Google's lists (AIP-160, Cloud Logging): text becomes a tree of comparisons.

NOT binds tightest, then OR, then AND; terms without a word between them are joined by AND.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.gcp.errors import GoogleError, invalid


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path` in its parts, quotes removed; `operator` is empty for a bare word, which is then the `value`."""

    path: tuple[str, ...]
    operator: str
    value: str

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Not:
    term: Tree


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Tree, ...]


Tree = Comparison | Not | And | Or

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>--[^\n]*)
      | (?P<bracket>[()])
      | (?P<operator>!=|<=|>=|=~|!~|=|<|>|:)
      | (?P<minus>-(?=["\w(]))
      | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[^\s()=<>!:"'~]+)
    )""",
    re.VERBOSE,
)
# After an operator a value may hold what elsewhere separates: times have colons.
_VALUE = re.compile(r"""\s*(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\s*(?P<word>[^\s()"']+)""")


def parse(text: str) -> Tree | None:
    """The tree of a filter; None for an empty one. Raises GoogleError for what is no filter."""
    parser = _Parser(text)
    if parser.kind == "":
        return None
    tree = parser.conjunction()
    if parser.kind != "":
        raise parser.wrong()
    return tree


def holds(tree: Tree | None, compare: Callable[[Comparison], bool]) -> bool:
    """Whether a filter lets something through, by what `compare` says of each comparison."""
    match tree:
        case None:
            return True
        case Comparison():
            return compare(tree)
        case Not():
            return not holds(tree.term, compare)
        case And():
            return all(holds(term, compare) for term in tree.terms)
        case Or():
            return any(holds(term, compare) for term in tree.terms)


def comparisons(tree: Tree | None) -> list[Comparison]:
    """Every comparison of a filter, so that all of it can be judged before anything is compared."""
    match tree:
        case None:
            return []
        case Comparison():
            return [tree]
        case Not():
            return comparisons(tree.term)
        case And() | Or():
            return [one for term in tree.terms for one in comparisons(term)]


class _Parser:
    """A reader with one token of look-ahead: its `kind` ("" at the end) and `text`."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.position = 0
        self.kind = self.text = ""
        self.advance()

    def advance(self) -> None:
        while True:
            if not self.source[self.position :].strip():
                self.kind = self.text = ""
                return
            found = _TOKEN.match(self.source, self.position)
            if found is None:
                raise self.wrong()
            self.position = found.end()
            self.kind = str(found.lastgroup)
            self.text = found[self.kind]
            if self.kind != "comment":
                return

    def wrong(self) -> GoogleError:
        near = self.source[max(0, self.position - len(self.text)) :][:20]
        return invalid(f'Unparseable filter: syntax error at position {self.position}, near "{near}"')

    def conjunction(self) -> Tree:
        terms = [self.disjunction()]
        while self.kind and self.text != ")":
            if self.kind == "word" and self.text == "AND":
                self.advance()
            terms.append(self.disjunction())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def disjunction(self) -> Tree:
        terms = [self.term()]
        while self.kind == "word" and self.text == "OR":
            self.advance()
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def term(self) -> Tree:
        if self.kind == "minus" or (self.kind == "word" and self.text == "NOT"):
            self.advance()
            return Not(self.term())
        if self.text == "(" and self.kind == "bracket":
            self.advance()
            tree = self.conjunction()
            if self.text != ")":
                raise self.wrong()
            self.advance()
            return tree
        return self.comparison()

    def comparison(self) -> Tree:
        if self.kind not in ("word", "quoted") or self.text in ("AND", "OR"):
            raise self.wrong()
        start = self.text
        path = [] if self.kind == "quoted" else [part for part in start.split(".") if part]
        bare = _plain(start) if self.kind == "quoted" else start
        self.advance()
        # labels."a.b" and resource."x": a quoted part follows a word that ends in a dot.
        while start.endswith(".") and self.kind == "quoted":
            path.append(_plain(self.text))
            self.advance()
            if self.kind != "word" or not self.text.startswith("."):
                break
            start = self.text
            path += [part for part in start.split(".") if part]
            self.advance()
        if self.kind != "operator":
            return Comparison((), "", bare)
        if not path:
            path = [bare]
        operator = self.text
        if operator == "=" and self.source[self.position : self.position + 1] == "(":
            raise invalid("localcloud does not emulate value lists in filters")
        found = _VALUE.match(self.source, self.position)
        if found is None:
            self.advance()
            raise self.wrong()
        self.position = found.end()
        value = _plain(found["quoted"]) if found["quoted"] else found["word"]
        self.advance()
        return Comparison(tuple(path), operator, value)


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])
