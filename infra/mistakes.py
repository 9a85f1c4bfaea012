"""What is wrong with a setting by its form, in a stack's own words: a rule, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from infra.aws import settings as aws
from infra.azure import settings as azure
from infra.base import Settings
from infra.gcp import settings as gcp
from infra.settings import ZONES, Environment

# Kinds of finding whose own words are those of a type checker.
_PLAIN: Mapping[str, str] = {
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "model_type": "is not a mapping of keys",
    "model_attributes_type": "is not a mapping of keys",
    "dict_type": "is not a mapping of keys",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "bool_type": "is not true or false",
    "bool_parsing": "is not true or false",
    "string_type": "is not a text",
}


def words(
    kind: str, message: str, place: tuple[int | str, ...], value: object, cloud: str | None
) -> tuple[str, str]:
    """Pydantic's finding at a place as a rule and a remedy."""
    if kind == "extra_forbidden":
        return _unknown(place, cloud)
    meaning, forms = _OF_CLOUD.get(cloud or "", ({}, {}))
    if kind == "missing" or (kind == "too_short" and place == ("zones",)):
        known = {**_MEANING, **({} if "compute" in place else meaning)}
        return "is missing", known.get(str(place[-1]), "add it")
    words = {**_FORMS, **forms}
    form = next((words[part] for part in reversed(place) if part in words), None)
    if kind == "string_type" and type(value) in (int, float) and form:
        if not form[1].startswith('"'):
            return f"{value!r} is not {form[0]}", f"such as {form[1]}"
        loss = ", which loses leading zeros" if place[-1] == "account" else ", and must be a text"
        return f"is a number{loss}", f'put it in quotes: {place[-1]}: "{value:.0f}"'
    if kind == "string_pattern_mismatch" and form:
        return f"{value!r} is not {form[0]}", f"such as {form[1]}"
    if kind in _PLAIN:
        return f"{value!r} {_PLAIN[kind]}", _list_of(place, value) if kind in ("tuple_type", "list_type") else ""
    text = message.removeprefix("Value error, ")
    return f"{text[:1].lower()}{text[1:]}", "" if kind == "value_error" else f"it is {value!r}"


def _unknown(place: tuple[int | str, ...], cloud: str | None) -> tuple[str, str]:
    key, known = str(place[-1]), _known_keys(place[:-1], cloud)
    here = f"known here: {', '.join(sorted(known))}"
    others = [other for other in ZONES if cloud and other != cloud and key in _known_keys(place[:-1], other)]
    if others:
        said = [word for words in _COUNTERPARTS if key in words for word in words if word in known]
        return (
            f"unknown key here, and one of {others[0]} zones",
            f"{_ZONE_OF[str(cloud)]} says {said[0]}" if said else here,
        )
    close = difflib.get_close_matches(key, known, n=1)
    return "unknown key", f"did you mean {close[0]}?" if close else here


def _list_of(place: tuple[int | str, ...], value: object) -> str:
    if isinstance(value, str | int | float):
        return f"write {place[-1]}: [{value}]"
    return "begin each entry with `- `"


_MEANING: Mapping[str, str] = {
    "owner": "the team that answers for this environment, such as owner: ml-platform",
    "zones": "at least one zone, see docs/aws-zone.md, docs/gcp-zone.md and docs/azure-zone.md",
    "name": "a short name such as name: gpu",
    "accessPolicy": 'the number of the policy, in quotes: accessPolicy: "123456789"',
    "emails": "who hears of it, such as emails: [ml@example.com]",
}
_SHORT = "a short name: lower-case letters, digits and single hyphens, a letter first", "aws-euc1"
# What a text must look like, in words and as an example, by the key it stands under.
_FORMS: Mapping[int | str, tuple[str, str]] = {
    "name": _SHORT,
    "environment": _SHORT,
    "host": ("the name of a host, without https://", "api.wandb.ai"),
}
# The same of each cloud: what is missing, and forms.
_OF_CLOUD: Mapping[str, tuple[Mapping[str, str], Mapping[int | str, tuple[str, str]]]] = {
    "aws": (aws.MEANING, aws.FORMS),
    "gcp": (gcp.MEANING, gcp.FORMS),
    "azure": (azure.MEANING, azure.FORMS),
}
_ZONE_OF: Mapping[str, str] = {"aws": "an aws zone", "gcp": "a gcp zone", "azure": "an azure zone"}
# Keys that clouds have for the same thing.
_COUNTERPARTS: tuple[tuple[str, ...], ...] = (
    ("account", "project", "subscription"),
    ("interfaceEndpoints", "endpoint", "endpointsSubnet"),
    ("vpc", "network", "vnet"),
    ("subnets", "subnetwork", "jobsSubnet"),
    ("principals", "submitters"),
)


def keys(place: tuple[int | str, ...], cloud: str) -> list[str]:
    """The keys that a zone of a cloud takes at a place in it."""
    return _known_keys(("zones", 0, *place), cloud)


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
