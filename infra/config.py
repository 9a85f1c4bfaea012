"""Read an environment out of Pulumi's configuration, or say everything that is wrong with it in one message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import Field, TypeAdapter, ValidationError

from dispatcher.errors import Problem, SpecError
from infra import contradictions, mistakes
from infra.settings import ZONES, Environment, Zone

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

    Raises SpecError with every problem: unknown keys, wrong values and, where the fields are well-formed,
    contradictions between them.
    """
    source = f"stacks/Pulumi.{stack}.yaml"
    problems: list[Problem] = []

    def report(path: str, rule: str, remedy: str = "") -> None:
        problems.append(Problem(source, None, f"{NAMESPACE}:{path}", rule, remedy))

    given = {key: value for key, value in raw.items() if value != ""}
    given.setdefault("environment", stack)
    zones = given.get("zones")
    places: list[int] | None = None  # of environment.zones, in the file
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
        environment, places = _well_formed(given, stack)
    for path, rule, remedy in contradictions.find(environment, places) if environment else ():
        report(path, rule, remedy)
    if problems or environment is None:
        raise SpecError(problems)
    return environment


def _well_formed(given: Mapping[str, Any], stack: str) -> tuple[Environment | None, list[int]]:
    """The zones that are well-formed by themselves and their indexes, so that one message shows everything."""
    good: dict[int, Zone] = {}
    zones = given.get("zones")
    for index, zone in enumerate(zones if isinstance(zones, list) else ()):
        try:
            good[index] = _ZONE.validate_json(json.dumps(zone))
        except ValidationError:
            continue
    if not good:
        return None, []
    regime = given.get("regime", "none")
    partial = Environment.model_construct(regime=regime, owner="", environment=stack, zones=tuple(good.values()))
    return partial, list(good)


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


_ZONE: TypeAdapter[Zone] = TypeAdapter(Annotated[Zone, Field(discriminator="cloud")])
