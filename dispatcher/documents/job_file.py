"""A job file and what the command line puts on top of it, read into a checked Job."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dispatcher import limits, plain, records, secretlike
from dispatcher.documents import document, queue_fields, reading
from dispatcher.documents.changes import Changes, Defaults, apply, fill
from dispatcher.documents.document import Fields, Scalar
from dispatcher.documents.reading import Value
from dispatcher.errors import Problem, SpecError
from dispatcher.job import PRIORITIES, RUNTIME_DEFAULT, Code, Job, Resources, RetryCause, Wandb
from dispatcher.runtime.secrets import reference

# Set by the dispatcher or by the clouds' own agents in every container; a job's own value would break them.
_RESERVED = (
    "DISPATCH_",
    "AIP_",
    "AZUREML_",
    "MASTER_ADDR",
    "MASTER_PORT",
    "NODE_RANK",
    "WORLD_SIZE",
    "CLUSTER_SPEC",
    "TF_CONFIG",
)


def parse(source: str, data: bytes | str, changes: Changes | None = None, defaults: Defaults | None = None) -> Job:
    """Read a job. `source` is the file as the user named it. Raises SpecError with every problem."""
    tree = document.one(source, data)
    if not isinstance(tree, Fields):
        raise SpecError([Problem(source, tree.line, "", "is not a mapping of keys", "see docs/job-file.md")])
    if {"parameters", "job"} <= set(tree.fields):
        raise SpecError([Problem(source, tree.line, "", "is a sweep, not a job", f"dispatch sweep {source}")])
    return read(tree, changes, defaults)


def read(tree: Fields, changes: Changes | None = None, defaults: Defaults | None = None) -> Job:
    """Read a job out of a mapping, into which `changes` and `defaults` are put first. Raises SpecError."""
    problems: list[Problem] = []
    apply(tree, changes or Changes(), problems)
    fill(tree, defaults or Defaults())
    job = _read(Value("", tree, problems), changes or Changes())
    if problems or job is None:
        raise SpecError(problems)
    return job


def _read(value: Value, changes: Changes) -> Job | None:
    found = reading.table(value, KEYS, required=("image",), elsewhere=_ELSEWHERE)
    _check_interruptions(value, found, unsaved=changes.no_checkpoint)
    _check_bounds(value, found)
    _check_plain(value, found, changes.allow_plain)
    if found.get("max_wait", math.inf) < found.get("max_runtime", RUNTIME_DEFAULT):
        assumed = "" if "max_runtime" in found else ", which is 1d where nothing is said"
        remedy = "it bounds waiting and running together"
        _field(value, "max_wait").wrong(f"is shorter than max_runtime{assumed}", remedy)
    for name in set(found.get("env", {})) & set(found.get("secrets", {})):
        _field(value, "secrets").wrong(f"{name} is in env too", "keep one of them")
    total = len(found.get("env", {})) + len(found.get("secrets", {}))
    if total > limits.ENV_MAX:
        _field(value, "env").wrong(f"env and secrets have {total} entries together, more than {limits.ENV_MAX}")
    if "code" in found and len(found.get("inputs", {})) == limits.INPUTS_MAX:
        _field(value, "inputs").wrong(f"has {limits.INPUTS_MAX} entries, and code is an input too", "merge two")
    if value.problems:
        return None
    return Job(**found, no_checkpoint=changes.no_checkpoint, allow_plain=tuple(changes.allow_plain))


def _check_plain(value: Value, found: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse what looks like a secret, unless it was named: then somebody says that it is none."""
    job = {**records.plain(found), plain.KEY: names}
    for suspect in plain.refused(job):
        node = document.at(value.node, suspect.path) or value.node
        value.problems.append(Problem(node.source, node.line, suspect.path, suspect.rule, suspect.remedy))
    for name in plain.unknown(job):
        rule = "is no variable of env, no flag and no path of this job"
        value.problems.append(
            Problem("--allow-plain", None, name, rule, "such as --allow-plain NAME, or command[2]")
        )


def _check_interruptions(value: Value, found: Mapping[str, Any], *, unsaved: bool) -> None:
    """Hold what may lose its machines to a checkpoint, or to somebody's word (`unsaved`) that it needs none."""
    for key, loses in (("spot", "an interruption loses the run"), ("preemptible", "preemption loses the run")):
        if found.get(key) and not found.get("checkpoint") and not unsaved:
            _field(value, key).wrong(f"needs a checkpoint, or {loses}", _CHECKPOINT_REMEDY)
    if unsaved and found.get("checkpoint"):
        _field(value, "checkpoint").wrong("is true, and --no-checkpoint says that it has none", "leave one out")
    elif unsaved and not (found.get("spot") or found.get("preemptible")):
        rule = "is for jobs that may lose their machines (spot or preemptible), and this is none"
        value.problems.append(Problem("--no-checkpoint", None, "", rule, "leave it out"))
    for key in ("max_interruptions", "last_attempt_on_demand"):
        if found.get(key) not in (None, False) and not found.get("spot"):
            _field(value, key).wrong("is for spot jobs: no other loses its machines", "set spot: true, or drop it")


def _check_bounds(value: Value, found: Mapping[str, Any]) -> None:
    """Refuse a key that bounds what the job does not do at all."""
    if "max_preemptions" in found and not found.get("preemptible"):
        _field(value, "max_preemptions").wrong("is for preemptible jobs", "set preemptible: true, or drop it")
    if "retry_on" in found and not found.get("retries"):
        rule = "says after what to try again, and retries is 0"
        _field(value, "retry_on").wrong(rule, "set retries: 2, or drop it")


def _field(value: Value, key: str) -> Value:
    node = value.node.fields.get(key) if isinstance(value.node, Fields) else None
    return value.at(key, node or value.node)


def _resources(value: Value) -> Resources | None:
    found = reading.table(value, _RESOURCES)
    if "disk" in found:
        found["disk"] = math.ceil(found["disk"])
    return Resources(**found)


def _wandb(value: Value) -> Wandb | None:
    word = reading.pattern(r"[\w.-]+", "may hold letters, digits, - _ and . only", longest=128)
    return Wandb(**reading.table(value, {"project": word, "entity": word}))


def _argument(value: Value) -> str | None:
    node = value.node
    if isinstance(node, Scalar) and node.empty and node.text != "":
        typed: str | None = node.text
    else:
        typed = reading.text(value)
    if typed is None:
        return None
    if len(typed) > limits.ARGUMENT_MAX:
        value.wrong(f"has {len(typed)} characters, more than {limits.ARGUMENT_MAX}", "put it into a file or input")
    elif "\n" in typed or "\x00" in typed:
        value.wrong("contains a line break", "put the script into the image")
    elif not _encodes(typed):
        value.wrong("is not UTF-8 text", "the terminal or shell gave bytes of another encoding")
    else:
        return typed
    return None


def _encodes(typed: str) -> bool:
    """False for what Python makes of argument bytes that are not UTF-8 (lone surrogates)."""
    return not any("\ud800" <= character <= "\udfff" for character in typed)


def _command(value: Value) -> tuple[str, ...] | None:
    if isinstance(value.node, Scalar):
        value.wrong("must be a list of words", "write [python, train.py]; use [bash, -c, '...'] for a shell")
        return None
    return reading.listing(_argument, limits.ARGUMENTS_MAX)(value)


def _code(value: Value) -> Code | None:
    """A folder, relative to the job file, or to where the command runs when that names it."""
    typed = reading.text(value)
    if typed is None:
        return None
    if "\x00" in typed or "://" in typed:
        value.wrong(f"is {typed!r}, not a folder of this machine", "such as code: ./src")
        return None
    beside = Path(value.node.source).parent if value.node.line is not None else Path()
    return Code(str(beside / typed))


def _env_name(value: Value, name: str) -> bool:
    if not re.fullmatch(limits.ENV_KEY_PATTERN, name, re.ASCII) or len(name) > limits.ENV_KEY_MAX:
        value.wrong("is not a variable name (letters, digits and _, not starting with a digit)")
    elif name == "RANK" or name.startswith(_RESERVED):
        value.wrong("is set by the dispatcher or the cloud in every job", "choose another name")
    else:
        return True
    return False


def _env_value(value: Value) -> str | None:
    name = value.path.rpartition(".")[2]
    typed = reading.text(value)
    if typed is None:
        return None
    if secretlike.REFERENCE.fullmatch(typed):
        value.wrong("is a reference to a secret", f"move it: secrets: {{{name}: {typed}}}")
    elif len(typed) > limits.ENV_VALUE_MAX:
        value.wrong(f"has {len(typed)} characters, more than {limits.ENV_VALUE_MAX}", "put it into an input file")
    elif "\x00" in typed:
        value.wrong("contains a NUL character")
    elif not _encodes(typed):
        value.wrong("is not UTF-8 text", "the terminal or shell gave bytes of another encoding")
    else:
        return typed
    return None


def _secret(value: Value) -> str | None:
    typed = reading.text(value)
    if typed is None:
        return None
    try:
        reference.parse(typed)
    except ValueError as error:
        value.wrong(str(error), plain.reference(value.path.rpartition(".")[2]))
        return None
    if len(typed) > limits.ENV_VALUE_MAX:
        value.wrong(f"has {len(typed)} characters, more than {limits.ENV_VALUE_MAX}")
        return None
    return typed


def _input_name(value: Value, name: str) -> bool:
    if name.replace("-", "_") == "dispatch_code":
        value.wrong("is what the job's code is mounted as", "choose another name")
        return False
    if re.fullmatch(limits.INPUT_NAME_PATTERN, name, re.ASCII):
        return True
    value.wrong("is not an input name (a letter, then letters, digits, - and _, at most 64)")
    return False


def _label_name(value: Value, name: str) -> bool:
    if re.fullmatch(limits.LABEL_KEY_PATTERN, name, re.ASCII):
        return True
    value.wrong("is not a label (a lower-case letter, then a-z 0-9 - _, at most 63)")
    return False


_CHECKPOINT_REMEDY = (
    "set checkpoint: true and save to $DISPATCH_CHECKPOINT_DIR, or accept it: dispatch submit --no-checkpoint"
)
_word = reading.pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "may hold letters, digits, - _ and . only", longest=63)
_image = reading.pattern(
    r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", "is not an image reference", "registry/name:tag or name@sha256:...",
    longest=limits.IMAGE_MAX,
)  # fmt: skip
_uri = reading.pattern(
    r"(?:s3|gs|azureml|https|file)://[^\s\x00]+", "is not a data location", "s3://, gs://, azureml:// or https://",
    longest=limits.URI_MAX,
)  # fmt: skip
_label = reading.pattern(limits.LABEL_VALUE_PATTERN, "has a value that may hold a-z 0-9 - _ only, at most 63")

_CAUSES: Mapping[str, RetryCause] = {
    "provider": "provider", "capacity": "capacity", "program": "program", "timed_out": "timed_out",
}  # fmt: skip

_RESOURCES: Mapping[str, reading.Reader[Any]] = {
    "cpu": reading.number(0, 10_000),
    "gpu": reading.integer(0, 1_000),
    "gpu_type": _word,
    "memory": reading.size,
    "nodes": reading.integer(1, limits.NODES_MAX),
    "disk": reading.size,
    "instance": queue_fields.instance,
}

KEYS: Mapping[str, reading.Reader[Any]] = {
    "image": _image,
    "command": _command,
    "runtime": reading.boolean,
    "code": _code,
    "name": reading.pattern(
        limits.NAME_PATTERN,
        "is not a name (a-z, 0-9 and -, not starting or ending with -)",
        longest=limits.SLUG_MAX,
    ),
    "job_type": _word,
    "env": reading.mapping(_env_name, _env_value, limits.ENV_MAX),
    "secrets": reading.mapping(_env_name, _secret, limits.ENV_MAX),
    "resources": _resources,
    "max_runtime": reading.duration(1, limits.RUNTIME_MAX),
    "max_wait": reading.duration(1, limits.WAIT_MAX),
    "spot": reading.boolean,
    "max_interruptions": reading.integer(0, limits.INTERRUPTIONS_MAX),
    "last_attempt_on_demand": reading.boolean,
    "checkpoint": reading.boolean,
    "preemptible": reading.boolean,
    "max_preemptions": reading.integer(0, limits.PREEMPTIONS_MAX),
    "max_queue_time": reading.duration(1, limits.WAIT_MAX),
    "retries": reading.integer(0, limits.RETRIES_MAX),
    "retry_on": reading.listing(reading.choice(_CAUSES), len(_CAUSES)),
    "inputs": reading.mapping(_input_name, _uri, limits.INPUTS_MAX),
    "priority": reading.choice(PRIORITIES),
    "workload": _word,
    "wandb": _wandb,
    "labels": reading.mapping(_label_name, _label, limits.LABELS_MAX),
}

_ELSEWHERE = {
    "queue": "name the queue on the command line: dispatch submit job.yaml -q QUEUE",
    "provider": "this is a queue's key; a job file is the same on every cloud",
    "args": "append them to command",
    "entrypoint": "write it as command",
    "environment": "write env",
    "instance_type": "write resources: {instance: ...}, or leave it to resources.gpu, cpu and memory",
    "timeout": "write max_runtime",
    plain.KEY: "it is said with each submission: dispatch submit --allow-plain NAME",
    "no_checkpoint": "it is said with each submission: dispatch submit --no-checkpoint",
    "outputs": "what the program writes to $DISPATCH_OUTPUT_DIR is kept: dispatch fetch brings it",
    "output": "what the program writes to $DISPATCH_OUTPUT_DIR is kept: dispatch fetch brings it",
    "seed": "write env: {SEED: ...}, or a word of command: the program reads it",
}
