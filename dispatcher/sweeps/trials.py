"""One trial's job: the sweep's own with the values of a point in its command, its variables and its machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dispatcher import limits
from dispatcher.documents import job_file, job_places
from dispatcher.documents.document import Fields, Scalar
from dispatcher.documents.reading import Value
from dispatcher.errors import Problem, SpecError
from dispatcher.job import Job
from dispatcher.sweeps.macros import ELSEWHERE, MACROS
from dispatcher.sweeps.space import Point, text

PATHS = ("env", "resources", "inputs")
"""Keys of a job whose parts a parameter may be, such as `env.BATCH`; any other name is an argument."""

_NUMBER_ROOM = 5
"""Characters of a job's name that its trial's number and the hyphen before it take."""


_SHELL = "make it a word of its own; for a shell: [bash, -c, 'python train.py \"$@\"', train, '${args}']"


def job(base: Job, name: str, number: int, point: Point, group: str = "") -> Job:
    """The job of one trial of the sweep `name`. Raises SpecError with what the point makes of it.

    W&B's runs of a sweep are one `group`, each called like its job, unless the job says otherwise.
    """
    problems: list[Problem] = []
    made = replace(base, name=f"{name[: limits.SLUG_MAX - _NUMBER_ROOM].rstrip('-')}-{number}")
    given = {key: value for key, value in point.items() if _path(key) is None}
    made = replace(made, command=_command(made.command, given, problems))
    for key, value in point.items():
        if (path := _path(key)) is not None:
            made = _put(made, *path, text(value), problems)
    if problems:
        raise SpecError(problems)
    if made.wandb is not None:
        run = {"WANDB_RUN_GROUP": group or name, "WANDB_NAME": str(made.name)}
        made = replace(made, env={**run, **made.env})
    return made


def _path(name: str) -> tuple[str, str] | None:
    first, dot, rest = name.partition(".")
    return (first, rest) if dot and first in PATHS else None


def _command(command: tuple[str, ...], given: Mapping[str, Any], problems: list[Problem]) -> tuple[str, ...]:
    """The words with parameters in place of macros, or behind all of them where there are none."""
    for index, word in enumerate(command):
        remedy = ELSEWHERE.get(word) or ("write the value" if word.startswith("${envvar:") else None)
        if remedy is not None:
            rule = f"is {word}, which W&B fills in and launchway does not"
            problems.append(Problem(job_places.JOB, None, f"command[{index}]", rule, remedy))
        inside = next((macro for macro in MACROS if macro in word and macro != word), None)
        if inside is not None:
            rule = f"has {inside} inside of a longer word, where a shell would find nothing"
            problems.append(Problem(job_places.JOB, None, f"command[{index}]", rule, _SHELL))
    if given and not command:
        rule = "is missing, and the parameters are its arguments"
        problems.append(Problem(job_places.JOB, None, "command", rule, "write it, such as [python, train.py]"))
    words = command if any(word in MACROS for word in command) else (*command, "${args}")
    filled = tuple(word for part in words for word in (MACROS[part](dict(given)) if part in MACROS else [part]))
    if len(filled) > limits.ARGUMENTS_MAX:
        rule = f"has {len(filled)} words with its parameters, more than {limits.ARGUMENTS_MAX}"
        problems.append(Problem(job_places.JOB, None, "command", rule, "write ${args_json}, which is one word"))
    for word in filled:
        if len(word) > limits.ARGUMENT_MAX:
            rule = f"has a word of {len(word)} characters with its parameters, more than {limits.ARGUMENT_MAX}"
            problems.append(Problem(job_places.JOB, None, "command", rule, "name parameters env.NAME instead"))
    return filled


def _put(made: Job, key: str, name: str, value: str, problems: list[Problem]) -> Job:
    """The job with one value in place, read as in a job file."""
    node = Fields("parameters", None, {name: Scalar("parameters", None, value, plain=key == "resources")})
    before = len(problems)
    found = job_file.KEYS[key](Value(key, node, problems))
    if found is None or len(problems) > before:
        return made
    if key == "resources":
        return replace(made, resources=replace(made.resources, **{name: getattr(found, name)}))
    if key == "inputs":
        return replace(made, inputs={**made.inputs, **found})
    if name in made.secrets:
        problems.append(Problem("parameters", None, f"env.{name}", "is a secret of the job too", "rename one"))
    return replace(made, env={**made.env, **found})
