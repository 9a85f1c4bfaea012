"""One dimension of a sweep's space as it is written: a list of values, or a distribution with its numbers."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from dispatcher import limits
from dispatcher.documents import reading
from dispatcher.documents.document import Fields, Items, Scalar
from dispatcher.documents.queue_places import below
from dispatcher.documents.reading import Value
from dispatcher.sweeps import distributions, space
from dispatcher.sweeps.sweep import TRIALS_MAX, Parameter


def number(value: Value) -> float | None:
    """A number with or without a fraction or an exponent."""
    typed = reading.raw(value) if isinstance(value.node, Scalar) else None
    if isinstance(typed, bool) or not isinstance(typed, int | float) or not math.isfinite(typed):
        value.wrong("is not a number", "such as 0.001 or 1e-3")
        return None
    return typed


def _one(value: Value) -> Any:
    """A value that a program can be given."""
    if not isinstance(value.node, Scalar):
        value.wrong("is not a single value", "lists and mappings cannot be an argument")
        return None
    typed = reading.raw(value)
    if typed is None:
        value.wrong("has no value", "write '' for an empty text")
    elif isinstance(typed, str) and ("\n" in typed or "\x00" in typed or len(typed) > limits.ARGUMENT_MAX):
        value.wrong(f"is not one line of at most {limits.ARGUMENT_MAX} characters")
    elif isinstance(typed, float) and not math.isfinite(typed):
        value.wrong("is not a number that a program can be given")
    else:
        return typed
    return None


def _values(value: Value) -> tuple[Any, ...] | None:
    found = reading.listing(_one, TRIALS_MAX)(value)
    if found is None:
        return None
    if isinstance(value.node, Items) and not value.node.items:
        value.wrong("is empty: a space without a point", "name at least one value")
    texts = [space.text(one) for one in found]
    for index, text in enumerate(texts):
        if text in texts[:index]:
            value.wrong(f"has {text} twice", "keep one of them")
    return found


def _probability(value: Value) -> float | None:
    found = number(value)
    if found is not None and not 0 <= found <= 1:
        value.wrong(f"is {found}, not between 0 and 1")
    return found


_OF_PARAMETER: Mapping[str, reading.Reader[Any]] = {
    "distribution": reading.choice(
        {name: name for name in distributions.KINDS},
        dict.fromkeys(
            ("inv_log_uniform", "inv_log_uniform_values", "beta", "q_beta", "q_log_uniform", "q_log_normal"),
            "W&B has it, launchway does not: take one of these",
        ),
    ),
    "value": _one,
    "values": _values,
    "probabilities": reading.listing(_probability, TRIALS_MAX),
    "min": number,
    "max": number,
    "mu": number,
    "sigma": number,
    "q": number,
}


def _parameter(value: Value) -> Parameter | None:
    if isinstance(value.node, Scalar | Items):
        shape = "a list" if isinstance(value.node, Items) else "one value"
        key = "values: [...]" if isinstance(value.node, Items) else "value: ..."
        value.wrong(f"is {shape}, not a mapping", f"write {value.path.rpartition('.')[2]}: {{{key}}}")
        return None
    before = len(value.problems)
    nested = {"parameters": "nested parameters are not read: give each a name of its own, such as optimizer.lr"}
    found = reading.table(value, _OF_PARAMETER, elsewhere=nested)
    if len(value.problems) > before:
        return None
    kind = found.get("distribution") or _implied(found)
    if kind is None:
        value.wrong("names no values: a space without a point", "write value, values, or min and max")
        return None
    _check_keys(value, found, kind)
    _check_numbers(value, found, kind)
    if len(value.problems) > before:
        return None
    values = (found["value"],) if "value" in found else found.get("values", ())
    numbers = {key: found[key] for key in ("min", "max", "mu", "sigma", "q") if key in found}
    return Parameter("", kind, values, found.get("probabilities", ()), **numbers)


def _implied(found: Mapping[str, Any]) -> str | None:
    """The distribution that is meant where none is named: W&B's rule."""
    if "value" in found:
        return "constant"
    if "values" in found:
        return "categorical"
    if "min" in found and "max" in found:
        whole = isinstance(found["min"], int) and isinstance(found["max"], int)
        return "int_uniform" if whole else "uniform"
    return None


def _check_keys(value: Value, found: Mapping[str, Any], name: str) -> None:
    kind = distributions.KINDS[name]
    for key in kind.needs:
        if key not in found:
            below(value, key).wrong(f"is missing for {name}")
    for key in found:
        if key not in ("distribution", *kind.needs, *kind.may):
            below(value, key).wrong(f"means nothing for {name}", f"it takes {', '.join((*kind.needs, *kind.may))}")


def _check_numbers(value: Value, found: Mapping[str, Any], name: str) -> None:
    least, most = found.get("min"), found.get("max")
    if found.get("sigma", 1) <= 0:
        below(value, "sigma").wrong("is not above 0")
    if found.get("q", 1) <= 0:
        below(value, "q").wrong("is not above 0")
        return
    chances = found.get("probabilities")
    if chances is not None and len(chances) != len(found.get("values", ())):
        below(value, "probabilities").wrong(
            f"has {len(chances)} numbers for {len(found.get('values', ()))} values"
        )
    elif chances is not None and not math.isclose(sum(chances), 1, abs_tol=1e-6):
        below(value, "probabilities").wrong(f"add up to {sum(chances):g}, not to 1")
    if least is None or most is None:
        return
    if least > most:
        below(value, "min").wrong(f"is {least}, above max {most}: a space without a point", "swap them")
    elif name.endswith("log_uniform_values") and least <= 0:
        below(value, "min").wrong("is not above 0, where logarithms are", "a small one will do, such as 1e-6")
    elif name == "log_uniform" and most > 300:
        rule = "is a power of e here (log_uniform), and that is no number any more"
        below(value, "max").wrong(rule, "for the numbers themselves, write distribution: log_uniform_values")
    elif name == "int_uniform" and not (isinstance(least, int) and isinstance(most, int)):
        below(value, "min").wrong("and max are not both whole numbers", "write distribution: uniform")
    else:
        numbers = {key: found[key] for key in ("min", "max", "q") if key in found}
        if distributions.count(Parameter("", name, **numbers)) == 0:
            below(value, "q").wrong(f"has no multiple between {least} and {most}: a space without a point")


def parameters(value: Value) -> tuple[Parameter, ...] | None:
    """The whole space, in the order in which it is written."""
    found = reading.mapping(_parameter_name, _parameter, limits.ARGUMENTS_MAX)(value)
    if isinstance(value.node, Fields) and not value.node.fields:
        value.wrong(
            "is empty: a space without a point", "name what to search: learning-rate: {values: [0.1, 0.3]}"
        )
    if found is None:
        return None
    return tuple(dataclasses.replace(parameter, name=name) for name, parameter in found.items())


def _parameter_name(value: Value, name: str) -> bool:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", name, re.ASCII):
        value.wrong("is not a parameter's name (a letter, then letters, digits, - _ and ., at most 64)")
        return False
    return True
