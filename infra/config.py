"""Read an environment out of Pulumi's configuration, or say everything that is wrong with it in one message."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import Field, TypeAdapter, ValidationError

from dispatcher.errors import Problem, SpecError
from infra import contradictions
from infra.aws import settings as aws
from infra.base import Settings
from infra.gcp import settings as gcp
from infra.settings import ZONES, Environment, Zone

NAMESPACE = "launchway"
LATER = ("azure",)


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
    kept = []
    for index, zone in enumerate(zones if isinstance(zones, list) else ()):
        if isinstance(zone, Mapping) and zone.get("cloud") in LATER:
            rule = f"zones of {zone['cloud']} are not in this release yet"
            report(
                f"zones[{index}].cloud",
                rule,
                f"keep to {' and '.join(ZONES)}, or leave the zone out until they are",
            )
        else:
            kept.append((index, zone))
    if isinstance(zones, list):
        given["zones"] = [zone for _, zone in kept]
    places = [index for index, _ in kept]  # of environment.zones, in the file
    environment: Environment | None
    try:
        environment = Environment.model_validate_json(json.dumps(given))
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            place, cloud = _written(wrong["loc"])
            if len(place) > 1 and place[0] == "zones":
                place = ("zones", kept[int(place[1])][0], *place[2:])
            elif wrong["type"] == "too_short" and place == ("zones",) and zones:
                continue  # each zone is refused by itself: "at least one zone" would only confuse
            if wrong["type"] in _WITHOUT_CLOUD:
                report(_path((*place, "cloud")), *_which_cloud(wrong.get("input")))
            else:
                report(_path(place), *_words(wrong["type"], wrong["msg"], place, wrong.get("input"), cloud))
        environment, good = _well_formed(given, stack)
        places = [kept[index][0] for index in good]
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


def _words(
    kind: str, message: str, place: tuple[int | str, ...], value: object, cloud: str | None
) -> tuple[str, str]:
    """Pydantic's finding as a rule and a remedy."""
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1], cloud)
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        return "unknown key", f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
    meaning, forms = _OF_CLOUD.get(cloud or "", ({}, {}))
    if kind == "missing":
        return "is missing", {**_MEANING, **meaning}.get(str(place[-1]), "add it")
    if kind == "string_type" and place[-1] == "account" and type(value) in (int, float):
        return "is a number, which loses leading zeros", f'put it in quotes: account: "{value:.0f}"'
    words = {**_FORMS, **forms}
    form = next((words[part] for part in reversed(place) if part in words), None)
    if kind == "string_pattern_mismatch" and form:
        return f"{value!r} is not {form[0]}", f"such as {form[1]}"
    text = message.removeprefix("Value error, ")
    return f"{text[:1].lower()}{text[1:]}", "" if kind == "value_error" else f"it is {value!r}"


_MEANING: Mapping[str, str] = {
    "owner": "the team that answers for this environment, such as owner: ml-platform",
    "zones": "at least one zone, see docs/aws-zone.md and docs/gcp-zone.md",
}
_SHORT = "a short name: lower-case letters, digits and single hyphens, a letter first", "aws-euc1"
# What a text must look like, in words and as an example, by the key it stands under.
_FORMS: Mapping[int | str, tuple[str, str]] = {"name": _SHORT, "environment": _SHORT}
# The same of each cloud: what is missing, and forms.
_OF_CLOUD: Mapping[str, tuple[Mapping[str, str], Mapping[int | str, tuple[str, str]]]] = {
    "aws": (aws.MEANING, aws.FORMS),
    "gcp": (gcp.MEANING, gcp.FORMS),
}
_ZONE: TypeAdapter[Zone] = TypeAdapter(Annotated[Zone, Field(discriminator="cloud")])


def _known_keys(place: tuple[int | str, ...], cloud: str | None) -> list[str]:
    """The keys a model at this path takes."""
    model: type[Settings] | None = Environment
    if cloud:
        model, place = ZONES[cloud], place[2:]
    for part in place:
        if isinstance(part, int) or model is None:
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        model = _model_of(field.annotation) if field else None
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_of(annotation: Any) -> type[Settings] | None:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation
    return next(filter(None, map(_model_of, getattr(annotation, "__args__", ()))), None)
