"""How the parameters of a trial reach its job: words of the command in W&B's spellings, variables, machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from dispatcher.sweeps.space import Point, text

MACROS: Mapping[str, Callable[[Point], list[str]]] = {
    "${args}": lambda point: [f"--{name}={text(value)}" for name, value in point.items()],
    "${args_no_equals}": lambda point: [
        word for name, value in point.items() for word in (f"--{name}", text(value))
    ],
    "${args_no_hyphens}": lambda point: [f"{name}={text(value)}" for name, value in point.items()],
    "${args_no_boolean_flags}": lambda point: [
        f"--{name}" if value is True else f"--{name}={text(value)}"
        for name, value in point.items()
        if value is not False
    ],
    "${args_append_hydra}": lambda point: [f"+{name}={text(value)}" for name, value in point.items()],
    "${args_override_hydra}": lambda point: [f"++{name}={text(value)}" for name, value in point.items()],
    "${args_json}": lambda point: [json.dumps(point)],
}
"""A word of the command that stands for parameters -> the words in its place (as wandb 0.31.0 has them)."""

ELSEWHERE: Mapping[str, str] = {
    "${program}": "write the program's name",
    "${interpreter}": "write python",
    "${env}": "leave it out: a command is run as it is written",
    "${args_json_file}": "no file is written into the container: write ${args_json} or ${args}",
}
"""W&B's other words, which mean nothing here, with the remedy."""
