"""The zone's custom roles as data: who may do what, permission by permission. No Pulumi in here."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import yaml

from dispatcher.contract import CODE_FOLDER
from infra.gcp.place import Place
from infra.naming import digest

Holder = Literal["execution", "agent", "principals", "vertex"]
ROLE_ID_LENGTH = 64  # of letters, digits, `_` and `.` (REST reference of projects.roles.create)


@dataclass(frozen=True, slots=True)
class Grant:
    """`holder` gets the role on each of `on`: project, secrets, repository, an account, a bucket's use, code."""

    holder: Holder
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """One row of data/roles.yaml; `when` is the setting it depends on, `permissions` are sorted."""

    name: str
    title: str
    when: str | None
    permissions: tuple[str, ...]
    grants: tuple[Grant, ...]


@functools.cache
def table() -> Mapping[str, Role]:
    """Every role by name, in the order of the data file."""
    data = yaml.safe_load(resources.files("infra.gcp").joinpath("data/roles.yaml").read_text())
    return {
        name: Role(
            name,
            facts["title"],
            facts.get("when"),
            tuple(sorted(facts["permissions"])),
            tuple(Grant(grant["holder"], tuple(grant["on"])) for grant in facts["grants"]),
        )
        for name, facts in data["roles"].items()
    }


def chosen(when: Iterable[str] = ()) -> list[Role]:
    """The roles of a zone in which the settings `when` (such as `imagePush`) are on."""
    on = set(when)
    return [role for role in table().values() if role.when is None or role.when in on]


def permissions(holder: Holder, when: Iterable[str] = ()) -> tuple[str, ...]:
    """Every permission that `holder` gets somewhere, sorted, each once."""
    roles = [role for role in chosen(when) if any(grant.holder == holder for grant in role.grants)]
    return tuple(sorted({permission for role in roles for permission in role.permissions}))


def generation(unique_id: str) -> str:
    """Eight hexadecimal digits out of an id that the cloud makes up anew with every creation.

    IAM keeps the id of a deleted role for up to 37 days, Cloud Logging that of a bucket for 7: what is built
    again needs another.
    """
    return digest(unique_id)


def role_id(place: Place, role: str, of_generation: str) -> str:
    """The id of a custom role, which takes no hyphens; raises ValueError when it is too long."""
    found = f"{place.name}_{role}_{of_generation}".replace("-", "_")
    if len(found) > ROLE_ID_LENGTH:
        raise ValueError(f"{found!r} is {len(found)} characters long; a custom role's id takes {ROLE_ID_LENGTH}")
    return found


def secrets_condition(place: Place, number: str) -> str:
    """The condition (CEL) under which a secret is the zone's: its id begins with `<zone>-`.

    Conditions see resources by the project's number, not its id (conditions reference, resource.name).
    """
    return f'resource.name.startsWith("projects/{number}/secrets/{place.name}-")'


def code_condition(bucket: str) -> str:
    """The condition (CEL) under which an object is in the bucket's folder of code."""
    return f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{CODE_FOLDER}/")'
