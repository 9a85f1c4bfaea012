"""What a queue takes: its job types, spot rule, run time and size, each refusal naming its rule."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.documents.quantities import human_duration
from dispatcher.errors import PolicyRefusal
from dispatcher.job import Job
from dispatcher.ledger import Ledger, QueueRow
from dispatcher.queue import Queue


def check_open(row: QueueRow | None) -> None:
    """Raise PolicyRefusal for a queue that only waits for its last jobs: it would never start a new one."""
    if row is not None and row.retired:
        raise PolicyRefusal(
            f"queue {row.name} is in no queue file or stack any more: it takes no new jobs",
            "name another (`dispatch queue list`), or bring it back and run `dispatch sync`",
        )
    if row is not None and row.draining:
        raise PolicyRefusal(
            f"queue {row.name} is being drained: it runs what it has and takes no new jobs",
            f"name another (`dispatch queue list`), or open it again: dispatch queue resume {row.name}",
        )


def check_shared(queues: Sequence[Queue], ledger: Ledger) -> None:
    """Raise PolicyRefusal for queues that many share, in a ledger that only one machine can use."""
    names = ", ".join(queue.name for queue in queues if queue.shared)
    if names and not ledger.shareable:
        raise PolicyRefusal(
            f"queue {names} is shared, and the ledger {ledger.name} is a file of one machine (shared)",
            "its limits and priorities would mean nothing to others: use a ledger on PostgreSQL, or drop `shared`",
        )


def check(job: Job, queue: Queue) -> None:
    """Raise PolicyRefusal with the first rule of the queue that the job breaks."""
    if queue.job_types and job.job_type not in queue.job_types:
        given = f"job_type {job.job_type}" if job.job_type else "a job without job_type"
        raise PolicyRefusal(
            f"queue {queue.name} does not take {given} (job_types)", f"it takes {', '.join(queue.job_types)}"
        )
    if queue.spot == "forbidden" and job.spot:
        raise PolicyRefusal(f"queue {queue.name} takes no spot jobs (spot: forbidden)", "set spot: false")
    if queue.spot == "required" and not job.spot:
        raise PolicyRefusal(
            f"queue {queue.name} takes spot jobs only (spot: required)", "set spot: true and checkpoint: true"
        )
    if queue.max_runtime is not None and job.max_runtime > queue.max_runtime:
        longest = human_duration(queue.max_runtime)
        raise PolicyRefusal(
            f"queue {queue.name} runs jobs for at most {longest}, this one asks for"
            f" {human_duration(job.max_runtime)} (max_runtime)",
            f"set max_runtime: {longest} or less",
        )
    check_nodes(queue.name, job.resources.nodes, queue.max_nodes)


def check_nodes(name: str, nodes: int, most: int | None) -> None:
    """Raise PolicyRefusal for more nodes than a queue may ever use at once."""
    if most is not None and nodes > most:
        raise PolicyRefusal(
            f"queue {name} has {most} nodes in all, this job asks for {nodes} (max_nodes)",
            "ask for fewer nodes, or another queue",
        )
