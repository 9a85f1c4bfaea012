"""Why a job failed, where the cloud reads it: SageMaker shows the file /opt/ml/output/failure as FailureReason."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 1024
"""Characters that SageMaker keeps of it (its developer guide, "How SageMaker AI Signals Success or Failure")."""
LINES = 12
"""How many last lines of what the command said are worth keeping."""


def place(environ: Mapping[str, str]) -> str:
    """Return the file whose text the cloud shows as the reason, "" where it reads none.

    Neither Vertex AI nor Azure ML documents one: there the log has it. SM_OUTPUT_DIR is SageMaker's toolkit's.
    """
    directory = environ.get("SM_OUTPUT_DIR", "/opt/ml/output").rstrip("/")
    return f"{directory}/failure" if os.path.isdir(directory) else ""


def write(path: str, what: str, said: bytes = b"", secrets: Iterable[str] = ()) -> None:
    """Write what happened and the last lines the command said, without the secrets it was given (`hiding`).

    Whoever may describe the job reads this, and they may not read its secrets. A place that cannot be written
    changes nothing.
    """
    from .secrets.hiding import hidden

    values = list(secrets)
    text, what = hidden(said.decode("utf-8", "replace"), values), hidden(what, values)
    lines = [line.rstrip() for line in text.split("\n") if line.strip()][-LINES:]
    tail = "\n".join(lines)[-(LONGEST - len(what) - 2) :]
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write((f"{what}: {tail}" if tail else what)[:LONGEST])
    except OSError:
        pass  # the exit code says the rest, and the log has all of it
