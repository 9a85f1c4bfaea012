"""The one string that Azure ML hands to a shell: the job's words, after what only the node knows."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dispatcher.backends import environment, runtime

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job

EXPRESSION = "${{"
"""What begins an expression of Azure ML, which is replaced before the shell sees the command."""

RANK = {"PyTorch": "$NODE_RANK", "Mpi": "$OMPI_COMM_WORLD_RANK"}
"""Distribution -> the variable in which a node finds its rank, with one process on each node (distributed GPU
training guide)."""

FIRST = {"Mpi": {"MASTER_ADDR": "${AZ_BATCH_MASTER_NODE%%:*}", "MASTER_PORT": str(environment.RENDEZVOUS_PORT)}}
"""Distribution -> how nodes meet, where Azure ML sets no MASTER_ADDR itself: for MPI it has AZ_BATCH_MASTER_NODE,
host:port, out of which programs take the host (microsoft/PyMarlin)."""


def render(job: Job, found: Mapping[str, str], findings: Findings) -> str:
    """Return the command; `found` are variables whose values are only known, or only expanded, on the node.

    `exec` makes the program the one that gets the signals. A job without a command is a problem: Azure ML always
    runs one, never the image's own.
    """
    if not job.command and not job.runtime:
        findings.problem(
            "command",
            "is missing: Azure ML runs a command in the image, not the image's own ENTRYPOINT or CMD",
            "write the command, such as [python, train.py]",
        )
    for index, word in enumerate(job.command):
        check(f"command[{index}]", word, findings)
    exports = " ".join(f'{name}="{value}"' for name, value in found.items())
    words = [*runtime.entry(job), *job.command[1:]]
    return f"export {exports} && exec {shlex.join(words)}" if job.command else "true"


def check(path: str, text: str, findings: Findings) -> None:
    """Refuse a text of the job that Azure ML would take for an expression and replace."""
    if EXPRESSION in text:
        findings.problem(
            path,
            f"holds {EXPRESSION}, which Azure ML replaces before the job sees it",
            "inputs and outputs are in $DISPATCH_INPUT_<NAME>, $DISPATCH_OUTPUT_DIR and $DISPATCH_CHECKPOINT_DIR",
        )
