"""Read an environment out of Pulumi's configuration, or say everything that is wrong with it in one message."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic import ValidationError

from dispatcher.errors import Problem, SpecError
from infra import contradictions
from infra.settings import Environment, Settings, Zone

NAMESPACE = "launchway"
LATER = ("gcp", "azure")


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
            report(f"zones[{index}].cloud", rule, "keep to aws, or leave the zone out until they are")
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
            place = wrong["loc"]
            if len(place) > 1 and place[0] == "zones":
                place = ("zones", kept[int(place[1])][0], *place[2:])
            elif not kept and problems and place == ("zones",):
                continue  # every zone was refused above: "at least one zone" would only confuse
            report(_path(place), *_words(wrong["type"], wrong["msg"], place, wrong.get("input")))
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
            good[index] = Zone.model_validate_json(json.dumps(zone))
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


def _words(kind: str, message: str, place: tuple[int | str, ...], value: object) -> tuple[str, str]:
    """Pydantic's finding as a rule and a remedy."""
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        return "unknown key", f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(known))}"
    if kind == "missing":
        return "is missing", _MEANING.get(str(place[-1]), "add it")
    if kind == "string_type" and place[-1] == "account" and type(value) in (int, float):
        return "is a number, which loses leading zeros", f'put it in quotes: account: "{value:.0f}"'
    form = next((_FORMS[part] for part in reversed(place) if part in _FORMS), None)
    if kind == "string_pattern_mismatch" and form:
        return f"{value!r} is not {form[0]}", f"such as {form[1]}"
    text = message.removeprefix("Value error, ")
    return f"{text[:1].lower()}{text[1:]}", "" if kind == "value_error" else f"it is {value!r}"


_MEANING = {
    "account": 'the 12-digit account id, in quotes: account: "123456789012"',
    "region": "such as region: eu-central-1",
    "cloud": "cloud: aws",
    "name": "a short name such as name: aws-euc1",
    "owner": "the team that answers for this environment, such as owner: ml-platform",
    "zones": "at least one zone, see docs/aws-zone.md",
}


_ARN = "an ARN", "arn:aws:kms:eu-central-1:123456789012:key/10000000-0000-4000-8000-000000000000"
_SHORT = "a short name: lower-case letters, digits and single hyphens, a letter first", "aws-euc1"
_BUCKET = "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens", "acme-training-data"
_TYPE = "a training instance type", "ml.g5.xlarge"
_HEX = "and 8 to 17 hexadecimal digits"
# What a text must look like, in words and as an example, by the key it stands under.
_FORMS: dict[int | str, tuple[str, str]] = {
    "account": ("an account id of 12 digits", '"123456789012"'),
    "vpc": (f"the id of a VPC: vpc- {_HEX}", "vpc-0a1b2c3d4e5f60718"),
    "subnets": (f"the id of a subnet: subnet- {_HEX}", "subnet-0a1b2c3d4e5f60718"),
    "securityGroups": (f"the id of a security group: sg- {_HEX}", "sg-0a1b2c3d4e5f60718"),
    "endpoints": (f"the id of a VPC endpoint: vpce- {_HEX}", "vpce-0a1b2c3d4e5f60718"),
    "buckets": _BUCKET,
    "keys": _ARN,
    "trail": ("an ARN", "arn:aws:cloudtrail:eu-central-1:123456789012:trail/main"),
    "principals": ("an ARN", "arn:aws:iam::123456789012:role/ml-platform"),
    "name": _SHORT,
    "environment": _SHORT,
    "instance": _TYPE,
    "instanceTypes": _TYPE,
}


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys a model at this path takes."""
    model: type[Settings] | None = Environment
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
