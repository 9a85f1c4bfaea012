"""All running jobs of a server, and what they need of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.jobs.images import Images
from localcloud.jobs.run import STOP_SECONDS, Run
from localcloud.place import DEFAULT_REGION, HOST
from localcloud.sagemaker.record import TrainingJob

AGENT = "localcloud-jobs"
"""In the user agent of what the service itself calls: no fault meets it and no record keeps it."""

_END_SECONDS = 5.0


@dataclass
class Runner:
    """Runs each job in a thread; `home` holds their directories, `fault` hands out the faults meant for a job."""

    home: Path
    url: str
    images: Images
    fault: Callable[[str, TrainingJob], Mapping[str, Any] | None] = lambda kind, job: None
    stop_seconds: float = STOP_SECONDS
    _runs: dict[str, tuple[Run, threading.Thread]] = field(default_factory=dict)
    # One session for all clients: it keeps the services' models, which take long to load.
    _session: Any = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, job: TrainingJob) -> None:
        run = Run(job, self.home / job.region / job.name, self)
        thread = threading.Thread(target=self._live, args=(run,), name=job.name, daemon=True)
        with self._lock:
            self._runs[job.arn] = run, thread
        thread.start()

    def _live(self, run: Run) -> None:
        run.live()
        with self._lock:
            self._runs.pop(run.job.arn, None)

    def stop(self, job: TrainingJob) -> None:
        with self._lock:
            found = self._runs.get(job.arn)
        if found:
            found[0].stop()

    def poke(self) -> None:
        """Make every run look for faults again."""
        for run, _ in self._all():
            run.poke()

    def running(self) -> list[str]:
        """Names of jobs that have not ended."""
        return sorted(run.job.name for run, _ in self._all())

    def kill(self) -> None:
        """End every job at once; returns when they are gone."""
        for run, _ in self._all():
            run.kill()
        for _, thread in self._all():
            thread.join(_END_SECONDS)

    def _all(self) -> list[tuple[Run, threading.Thread]]:
        with self._lock:
            return list(self._runs.values())

    def client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                import boto3
                from botocore.config import Config

                if self._session is None:
                    self._session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
                self._clients[service, region] = self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=self.url,
                    config=Config(user_agent_extra=AGENT, max_pool_connections=32, proxies={}),
                )
            return self._clients[service, region]

    def warm(self) -> None:
        """Load what every job needs, so that the first one does not wait for it."""
        for service in ("s3", "logs", "sts"):
            self.client(service, DEFAULT_REGION)

    def credentials(self, role: str, region: str) -> Mapping[str, str]:
        given = self.client("sts", region).assume_role(RoleArn=role, RoleSessionName="SageMaker")["Credentials"]
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
            "NO_PROXY": f"{HOST},localhost",
        }

    def image(self, reference: str) -> Path | None:
        return self.images.find(reference)
