"""What of a job looks like a secret written in plain, and what a user allowed to be plain (`--allow-plain`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.errors import Problem, SpecError
from dispatcher.redact import Leaf, Redactor, argument_name, leaves
from dispatcher.runtime.secrets.reference import parse
from dispatcher.secretlike import CURL, shaped, suspicion

KEY = "allow_plain"
"""The field of a job that lists the names; only a command line or a program fills it, no file."""

_NO_VALUES = ("secrets", KEY)
"""Fields that hold references and names, each checked as such; no name allows a secret in them."""
_SHAPES_AND_NAMES = Redactor()
_JOB = "job"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A value of a job that looks like a secret: where it stands, what it is called, and what it looks like.

    `name` is the variable or flag it belongs to, empty for a value that has none. With `key` the name itself looks
    like a secret, not its value.
    """

    path: str
    name: str
    value: str
    kind: str
    key: bool = False

    @property
    def rule(self) -> str:
        """What is wrong with it, without the value."""
        given = f"({self.name}) is given what " if self.name and self.path.startswith("command") else ""
        return f"{given}looks like {self.kind}, and secrets are never written down"

    @property
    def remedy(self) -> str:
        """How to say it instead."""
        if self.path.startswith("secrets."):
            return f"a reference is the name of a secret in a store, never the secret: {reference('NAME')}"
        if self.path.startswith(KEY):
            return "name the variable, the flag or the path, never the value"
        if self.key:
            return f"a name is sent, stored and shown; if it is none: --allow-plain '{self.path}'"
        allow = f"if it is none: --allow-plain {self.name.lstrip('-') or self.path}"
        if self.path.startswith("env."):
            return f"{reference(self.name)}; {allow}"
        if self.path.startswith("inputs."):
            return f"name the place without it: the job's own identity reads it; {allow}"
        return f"reference it under `secrets` and read the environment variable in the program; {allow}"

    def called(self, names: Collection[str]) -> bool:
        """True when one of the names is that of its variable or flag, or its path."""
        given = set() if self.path.startswith(("secrets.", KEY)) else {name.lstrip("-") for name in names}
        return self.path in given or (bool(self.name) and self.name.lstrip("-") in given)


def suspects(job: Mapping[str, Any], redactor: Redactor = _SHAPES_AND_NAMES) -> Iterator[Suspect]:
    """Yield all of a job's document that the redactor would take out; without any, it is stored as it is."""
    for field, value in job.items():
        if redactor.text(field) != field:
            shown = redactor.text(field)
            yield Suspect(shown, shown, field, _kind(Leaf("", "", field), redactor), key=True)
        if field == "secrets" and isinstance(value, Mapping):
            yield from _pasted(value, redactor)
        if field == KEY:
            for index, name in enumerate(value or ()):
                if redactor.text(name) != name:
                    kind = _kind(Leaf("", "", name), redactor)
                    yield Suspect(f"{KEY}[{index}]", "", name, kind, key=True)
        if field in _NO_VALUES:
            continue
        for leaf in leaves(value, field, field):
            if isinstance(leaf.value, str) and redactor.leaf(leaf) != leaf.value:
                path, name = redactor.text(leaf.path), redactor.text(_name(leaf))
                yield Suspect(path, name, leaf.value, _kind(leaf, redactor), key=leaf.key)


def _pasted(references: Mapping[str, Any], redactor: Redactor) -> Iterator[Suspect]:
    """A secret where its name in a store belongs (`env://ghp_...`), or where its variable does."""
    for name, text in references.items():
        shown = redactor.text(name)
        if shown != name:
            yield Suspect(f"secrets.{shown}", shown, name, _kind(Leaf("", "", name), redactor), key=True)
        if isinstance(text, str) and (shaped(text) or any(value in text for value in redactor.known)):
            yield Suspect(f"secrets.{shown}", shown, text, _kind(Leaf("", "", text), redactor))


def refused(job: Mapping[str, Any], redactor: Redactor = _SHAPES_AND_NAMES) -> Iterator[Suspect]:
    """Yield the suspects that nobody allowed."""
    names = job.get(KEY) or ()
    return (suspect for suspect in suspects(job, redactor) if not suspect.called(names))


def allowed(job: Mapping[str, Any], redactor: Redactor = _SHAPES_AND_NAMES) -> tuple[str, ...]:
    """The values of a job that look like secrets and that its user said may be seen."""
    names = job.get(KEY) or ()
    return tuple(suspect.value for suspect in suspects(job, redactor) if suspect.called(names)) if names else ()


def unknown(job: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that nothing in the job goes by, such as one with a typing error."""
    found: set[str] = set()
    for field, value in job.items():
        if field not in _NO_VALUES:
            for leaf in leaves(value, field, field):
                path = _SHAPES_AND_NAMES.text(leaf.path) if leaf.key else leaf.path
                found |= {path, _name(leaf).lstrip("-")}
    return tuple(name for name in job.get(KEY) or () if name.lstrip("-") not in found - {""})


def check(job: Mapping[str, Any], redactor: Redactor) -> tuple[str, ...]:
    """Raise SpecError for what looks like a secret in a job and was not allowed; return a warning for what was."""
    problems = [Problem(_JOB, None, found.path, found.rule, found.remedy) for found in refused(job, redactor)]
    for name, text in job.get("secrets", {}).items():
        try:
            parse(text)
        except ValueError as error:
            name = redactor.text(name)
            problems.append(Problem(_JOB, None, f"secrets.{name}", str(error), reference(name)))
    if problems:
        raise SpecError(problems)
    return tuple(
        f"{found.path} looks like {found.kind}; it is sent and recorded as it is (--allow-plain)"
        for found in suspects(job, redactor)
    )


def reference(name: str) -> str:
    """How a job references a secret instead of holding it."""
    slug = name.lower().replace("_", "-").strip("-")
    return f'reference it: secrets: {{{name}: "aws-sm://{slug}"}}'


def _name(leaf: Leaf) -> str:
    if leaf.path.startswith("command"):
        name = argument_name(leaf)
        return "" if name in ("command", CURL) or leaf.name == CURL else name
    return leaf.path.partition(".")[2]


def _kind(leaf: Leaf, redactor: Redactor) -> str:
    name, _, rest = leaf.value.partition("=")
    found = suspicion(leaf.name, leaf.value) or suspicion(name, rest)
    if found:
        return found
    return "a secret of this shell" if any(value in leaf.value for value in redactor.known) else "a secret"
