"""What dispatch-run finds in a container, as a table for people: `dispatch-run --print`."""

from __future__ import annotations

import os

from . import CODE, PROGRAM, folders
from .secrets import references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .cluster import Cluster


def table(environ: Mapping[str, str], cluster: Cluster, version: str, grace: float | None, failure: str) -> str:
    """Return the table, then the variables the command will find. A secret is shown as its reference."""
    rows = list(_rows(environ, cluster, grace, failure))
    width = max(len(name) for name, _ in rows)
    found = cluster.environment(environ)
    names = [name for name in sorted(found) if name.startswith(_SET) or name in _CLUSTER]
    return "\n".join(
        [
            f"{PROGRAM} {version}",
            *(f"  {name:<{width}}  {text}" for name, text in rows),
            "environment",
            *(f"  {name}={found[name]}" for name in names if name not in _hidden(environ)),
        ]
    )


_SET, _CLUSTER = ("DISPATCH_", "MASTER_", "PET_"), ("NODE_RANK", "RANK", "WORLD_SIZE")


def _hidden(environ: Mapping[str, str]) -> set[str]:
    return {f"DISPATCH_SECRET_{name}" for name in references(environ)}


def _rows(
    environ: Mapping[str, str], cluster: Cluster, grace: float | None, failure: str
) -> Iterator[tuple[str, str]]:
    cloud = environ.get("DISPATCH_CLOUD") or cluster.cloud
    place = [cloud, environ.get("DISPATCH_REGION", ""), environ.get("DISPATCH_INSTANCE", "")]
    yield "runs on", ", ".join(filter(None, place)) or "no cloud that we know"
    if environ.get("DISPATCH_JOB_ID"):
        yield "job", f"{environ['DISPATCH_JOB_ID']}, attempt {environ.get('DISPATCH_ATTEMPT', '1')}"
    yield "node", f"{cluster.rank} of {cluster.nodes} ({cluster.source})"
    if cluster.nodes > 1:
        yield "meet at", f"{cluster.host}:{cluster.port}"
    yield "checkpoints", environ.get(folders.CHECKPOINTS) or "none: the job says no `checkpoint`"
    yield "outputs", environ.get(folders.OUTPUT) or "none"
    for name, path in folders.inputs(environ):
        yield f"input {name[len(folders.INPUT) :]}", path if os.path.exists(path) else f"{path} (not there)"
    yield "code", environ.get(CODE) or "none: the image's own"
    for name, reference in references(environ).items():
        yield f"secret {name}", f"{reference}, fetched when the command starts"
    yield "grace", f"{grace:g} s between SIGTERM and SIGKILL" if grace is not None else "the cloud does not say"
    yield "failure", f"told in {failure}" if failure else "told in the log: the cloud reads no file"
