"""Read an environment out of Pulumi's configuration, or say everything that is wrong with it in one message."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic import ValidationError

from dispatcher.errors import Problem, SpecError
from infra import contradictions, mistakes
from infra.rest import Rest, rest
from infra.settings import ZONES, Environment

NAMESPACE = "launchway"


def load() -> Environment:
    """The running stack's environment.

    Raises pulumi.RunError, which the engine prints without a traceback, with every problem of the file.
    """
    stack = pulumi.get_stack()
    try:
        return read(_raw(pulumi.runtime.config.CONFIG.get()), stack)
    except SpecError as error:
        listed = "\n".join(f"  {problem}" for problem in error.problems)
        count = len(error.problems)
        raise pulumi.RunError(f"{count} problem{'s'[: count > 1]} in the configuration:\n{listed}") from None


def _raw(config: Mapping[str, str]) -> dict[str, Any]:
    """The engine hands over strings; structured values are JSON, and booleans are words."""
    plain: dict[str, Any] = {}
    for key, text in config.items():
        namespace, _, name = key.partition(":")
        if namespace == NAMESPACE:
            plain[name] = text
            if name == "zones" or text in ("true", "false"):
                plain[name] = _decoded(text)
    return plain


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # the model refuses it, with its path


def read(raw: Mapping[str, Any], stack: str) -> Environment:
    """Check the settings (`zones`, `regime`... as decoded JSON) and return them typed.

    Raises SpecError with every problem: unknown keys, wrong values, and contradictions between all the others.
    """
    source = f"stacks/Pulumi.{stack}.yaml"
    problems: list[Problem] = []

    def report(path: str, rule: str, remedy: str = "") -> None:
        problems.append(Problem(source, None, f"{NAMESPACE}:{path}", rule, remedy))

    given = {key: value for key, value in raw.items() if value != ""}
    given.setdefault("environment", stack)
    zones = given.get("zones")
    places: list[int] | None = None  # of environment.zones, in the file
    rests: Mapping[int, Rest] = {}
    environment: Environment | None
    try:
        environment = Environment.model_validate_json(json.dumps(given))
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            place, cloud = _written(wrong["loc"])
            if wrong["type"] == "too_short" and place == ("zones",) and zones:
                continue  # each zone is refused by itself: "at least one zone" would only confuse
            if wrong["type"] in _WITHOUT_CLOUD:
                report(_path((*place, "cloud")), *_which_cloud(wrong.get("input")))
            else:
                report(
                    _path(place), *mistakes.words(wrong["type"], wrong["msg"], place, wrong.get("input"), cloud)
                )
        rests = _rests(zones)
        environment, places = _partial(given, stack, rests), list(rests)
    for path, rule, remedy in contradictions.find(environment, places) if environment else ():
        report(_in_file(path, rests), rule, remedy)
    if problems or environment is None:
        raise SpecError(problems)
    return environment


def _rests(zones: object) -> dict[int, Rest]:
    """What there is to judge of the zones, by their indexes: so one message shows everything."""
    listed = enumerate(zones if isinstance(zones, list) else ())
    found = ((index, rest(zone, mistakes.keys)) for index, zone in listed)
    return {index: one for index, one in found if one}


def _partial(given: Mapping[str, Any], stack: str, rests: Mapping[int, Rest]) -> Environment | None:
    if not rests:
        return None
    zones = tuple(one.zone for one in rests.values())
    return Environment.model_construct(
        regime=given.get("regime", "none"), owner="", environment=stack, zones=zones
    )


def _in_file(path: str, rests: Mapping[int, Rest]) -> str:
    """The path of a contradiction with entries numbered as in the file."""
    match = re.fullmatch(r"zones\[(\d+)\]\.(.+)", path)
    if not match or int(match[1]) not in rests:
        return path
    return f"zones[{match[1]}].{rests[int(match[1])].in_file(match[2])}"


def _path(place: tuple[int | str, ...]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _written(place: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], str | None]:
    """The path as it is in the file, without the cloud that pydantic puts after a zone's index, and that cloud."""
    if len(place) > 2 and place[0] == "zones" and place[2] in ZONES:
        return (*place[:2], *place[3:]), str(place[2])
    return place, None


_WITHOUT_CLOUD = ("union_tag_not_found", "union_tag_invalid")


def _which_cloud(zone: object) -> tuple[str, str]:
    """Rule and remedy of a zone whose cloud is missing or not one of ours."""
    known = " or ".join(f"cloud: {cloud}" for cloud in ZONES)
    if isinstance(zone, Mapping) and "cloud" in zone:
        return f"{zone['cloud']!r} is not a cloud", known
    return "is missing", known
