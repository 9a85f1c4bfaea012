"""Resource ids, which are paths: what a path is the id, the collection or an action of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from localcloud.azure import types

SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
GROUPS = "Microsoft.Resources/resourceGroups"
# Nouns whose plural is not the singular and an s.
_SINGULAR = {"policies": "policy", "properties": "property", "data": "data", "deletedServices": "deletedService"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path leads to: a resource (`name`), a collection (no `name`), or an `action` on either.

    `parent` is the id it is under: a resource's parent, else the scope (subscription, group, or the resource that
    an extension such as a role assignment is about). `kind` is the whole type, spelled as ARM spells it.
    """

    kind: str
    parent: str
    id: str
    name: str = ""
    action: str = ""
    extends: bool = False

    @property
    def key(self) -> str:
        """The id as resources are found by: ids know no letter case."""
        return self.id.lower()

    @property
    def namespace(self) -> str:
        return self.kind.partition("/")[0]

    @property
    def operation(self) -> str:
        """The noun of an operation about it, such as `Job`, or `EnvironmentVersion`: versions are of something."""
        words = [_singular(word) for word in self.kind.split("/")[1:]]
        return "".join(words[-2:] if words[-1] == "Version" else words[-1:])


def _singular(noun: str) -> str:
    one = _SINGULAR.get(noun) or (noun.removesuffix("s") if not noun.endswith("ss") else noun)
    one = re.sub("ie$", "y", one) if noun.endswith("ies") else one
    return one[:1].upper() + one[1:]


def subscription(path: str) -> str:
    """The subscription an id is of; empty without one."""
    found = re.match(r"/subscriptions/([^/]+)", path, re.IGNORECASE)
    return found[1] if found else ""


def group(path: str) -> str:
    """The id of the resource group an id is in; empty without one."""
    found = re.match(r"/subscriptions/[^/]+/resourceGroups/[^/]+", path, re.IGNORECASE)
    return found[0] if found else ""


def understand(raw: str) -> Target | None:
    """What a path of Resource Manager is about; None when it is nothing of the kind."""
    path = "/" + "/".join(unquote(word) for word in raw.strip("/").split("/"))
    head, found, tail = _split(path)
    if found:
        words = tail.split("/")
        namespace, rest = words[0], words[1:]
        return _provided(head, namespace, rest) if rest else None
    return _core(path.strip("/").split("/"))


def _split(path: str) -> tuple[str, str, str]:
    """A path before and after its last `/providers/`: what follows it says what the thing is."""
    at = path.lower().rfind("/providers/")
    return (path, "", "") if at < 0 else (path[:at], "/providers/", path[at + len("/providers/") :])


def _provided(scope: str, namespace: str, rest: list[str]) -> Target:
    kinds, names = rest[0::2], rest[1::2]
    kind = spelled("/".join([namespace, *kinds]))
    extends = "/providers/" in scope.lower()
    if len(kinds) == len(names):
        parent = _joined(scope, kind, names[:-1]) if len(kinds) > 1 else scope
        return Target(kind, parent, _joined(scope, kind, names), names[-1], extends=extends)
    owner = spelled("/".join([namespace, *kinds[:-1]]))
    if names and types.find(kind) is None and types.find(owner) is not None:
        # The last word is no type of a resource: it is something to do with the one before.
        id = _joined(scope, owner, names)
        parent = _joined(scope, owner, names[:-1]) if len(names) > 1 else scope
        return Target(owner, parent, id, names[-1], kinds[-1], extends)
    parent = _joined(scope, kind, names) if names else scope
    return Target(kind, parent, "", extends=extends)


def _joined(scope: str, kind: str, names: list[str]) -> str:
    namespace, *kinds = kind.split("/")
    pairs = (word for pair in zip(kinds, names, strict=False) for word in pair)
    return "/".join([scope, "providers", namespace, *pairs])


def _core(words: list[str]) -> Target | None:
    lower = [word.lower() for word in words]
    if lower[:1] != ["subscriptions"]:
        return None
    if len(words) == 1:
        return Target(SUBSCRIPTIONS, "", "")
    id = f"/subscriptions/{words[1]}"
    if len(words) == 2:
        return Target(SUBSCRIPTIONS, "", id, words[1])
    if lower[2] != "resourcegroups":
        return Target(SUBSCRIPTIONS, "", id, words[1], words[2]) if len(words) == 3 else None
    if len(words) == 3:
        return Target(GROUPS, id, "")
    group = f"{id}/resourceGroups/{words[3]}"
    return Target(GROUPS, id, group, words[3], words[4] if len(words) == 5 else "") if len(words) < 6 else None


def spelled(kind: str) -> str:
    """A type as ARM spells it; one that is not known stays as it is."""
    known = types.find(kind)
    return known.name if known else kind
