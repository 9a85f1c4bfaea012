"""Training jobs handed to the runner, and the clients with which SageMaker itself calls other services."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.sagemaker.record import TrainingJob
from localcloud.aws.sagemaker.run import TrainingRun
from localcloud.jobs.badges import Badges
from localcloud.jobs.runner import Runner
from localcloud.place import CREDENTIALS, DEFAULT_REGION, HOST

AGENT = "localcloud-jobs"
"""In the user agent of what the service itself calls: no fault meets it and no record keeps it."""


@dataclass
class Clients:
    """boto3 clients of this very server; `url` is its."""

    url: str
    badges: Badges = field(default_factory=Badges)
    # One session for all clients: it keeps the services' models, which take long to load.
    _session: Any = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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
        """Variables that lead a process to this server, and to where it gives the role's credentials out."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            # On AWS it is the relative form, of an address that only containers there reach.
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url + CREDENTIALS,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.badges.lend(role),
            "NO_PROXY": f"{HOST},localhost",
        }

    def assume(self, role: str) -> Mapping[str, str]:
        """Short-lived credentials of a role, as a container is given them."""
        sts = self.client("sts", DEFAULT_REGION)
        given = sts.assume_role(RoleArn=role, RoleSessionName="SageMaker")["Credentials"]
        return {
            "AccessKeyId": given["AccessKeyId"],
            "SecretAccessKey": given["SecretAccessKey"],
            "Token": given["SessionToken"],
            "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@dataclass
class TrainingRuns:
    """What the SageMaker front starts and stops jobs with."""

    runner: Runner
    clients: Clients

    def start(self, job: TrainingJob) -> None:
        home = self.runner.home / job.region / job.name
        self.runner.start(TrainingRun(job.arn, job.name, home, self.runner, job, self.clients))

    def stop(self, job: TrainingJob) -> None:
        self.runner.stop(job.arn)
