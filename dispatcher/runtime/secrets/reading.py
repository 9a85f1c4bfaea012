"""All secrets of a job, each by the store that its reference names; what cannot be had is told, one line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from .reference import Reference, parse
from .world import Refused, Unreachable, World

Read = Callable[[Reference], str]
"""Returns the value of a reference. Raises Refused, or Unreachable when no answer came."""


def read_all(
    wanted: Mapping[str, str], environment: Mapping[str, str], world: World | None = None
) -> tuple[dict[str, str], list[str]]:
    """Return the values by name, and a line for each secret that cannot be had."""
    world = world or World(environment)
    stores: dict[str, Read] = {}
    values: dict[str, str] = {}
    problems: list[str] = []
    for name, text in wanted.items():
        try:
            values[name] = _usable(_read(name, text, world, stores))
        except Refused as refused:
            problems.append(f"secret {name} ({text}): {refused}")
        except Unreachable as gone:
            way = "the job's network needs a way there, a private endpoint or NAT"
            problems.append(f"secret {name} ({text}): {gone}: {way}")
    return values, problems


def _read(name: str, text: str, world: World, stores: dict[str, Read]) -> str:
    try:
        reference = parse(text)
    except ValueError as error:
        raise Refused(str(error)) from error
    if reference.store == "env":
        return _of_environment(name, reference, world)
    if reference.store not in stores:
        stores[reference.store] = _store(reference.store, world)
    return _line(stores[reference.store](reference))


def _store(scheme: str, world: World) -> Read:
    """A reader of one store, with the credentials that the world keeps."""
    if scheme in ("aws-sm", "ssm"):
        from . import aws

        return aws.reader(scheme, world)
    if scheme == "gcp-sm":
        from . import gcp

        return gcp.reader(world)
    from . import azure

    return azure.reader(world)


def _of_environment(name: str, reference: Reference, world: World) -> str:
    """A job on the submitter's own machine: the backend `local` has put the value there already."""
    found = world.environment.get(name) or world.environment.get(reference.name)
    if found is None:
        raise Refused(f"{reference.name} is not set where the job was started", "export it there")
    return found


def _line(value: str) -> str:
    """A value without the line end that an editor put behind it: no header or password has one."""
    end = "\r\n" if value.endswith("\r\n") else "\n"
    return value[: -len(end)] if value.endswith(end) else value


def _usable(value: str) -> str:
    """A value that a variable can hold."""
    if "\0" in value:
        raise Refused("its value holds a zero byte, which no variable can", "store it as text, such as base64")
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise Refused(
            "its value has letters that this container's locale cannot write", "set LC_ALL=C.UTF-8 in the image"
        ) from None
    return value
