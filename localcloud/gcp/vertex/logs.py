"""Lines of a replica as Cloud Logging entries, in the form Vertex AI gives them.

Source: entries printed in github.com/viamrobotics/api/pull/534 (payload) and the console's own filter for a job
(resource type `ml_job`, labels job_id and task_name).
"""

from __future__ import annotations

from collections.abc import Sequence

from localcloud.gcp import times
from localcloud.gcp.logging.entries import Entries
from localcloud.gcp.state import State
from localcloud.gcp.vertex.record import CustomJob
from localcloud.jobs.logs import Line, Stream
from localcloud.place import PROJECT


def write(state: State, job: CustomJob, task: str, lines: Sequence[Line], severity: str = "INFO") -> None:
    """Keep lines of one task. What a program prints is INFO here, whichever of its outputs it chose."""
    log = f"ml.googleapis.com%2F{job.id}" if task == "service" else task
    with state.lock:
        entries = state.store(Entries)
        for seconds, text in lines:
            entries.add(
                {
                    "logName": f"projects/{PROJECT}/logs/{log}",
                    "resource": {
                        "type": "ml_job",
                        "labels": {"job_id": job.id, "project_id": PROJECT, "task_name": task},
                    },
                    "labels": {
                        "ml.googleapis.com/job_id/log_area": "root",
                        "ml.googleapis.com/trial_id": "",
                        "ml.googleapis.com/trial_type": "",
                    },
                    "timestamp": times.write(seconds),
                    "severity": severity,
                    "jsonPayload": {"message": text, "levelname": severity, "attrs": {"tag": task}},
                }
            )


def stream(state: State, job: CustomJob, task: str) -> Stream:
    """Where a replica's output goes."""
    return Stream(lambda lines: write(state, job, task, lines))
