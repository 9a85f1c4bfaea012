"""A zone on a local AWS for the wire tests: agent role, execution role, buckets, key, registry, network."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.base import Request, Submission
from dispatcher.backends.sagemaker.backend import SagemakerBackend
from dispatcher.contract import AwsNetwork, AwsNetworkIds, AwsZone, Bucket, Buckets, Identities, Keys, Registry
from dispatcher.job import Job, Resources
from tests.backends.cases import controls
from tests.backends.sagemaker.cases import open_zone, queue

REGION = "eu-central-1"
ACCOUNT = "123456789012"


def trust(principal: dict[str, str]) -> str:
    """Return a trust policy that lets `principal` become a role."""
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"] if "AWS" in principal else "sts:AssumeRole"
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": actions}]}
    )


@dataclass
class Landing:
    """A cloud with a zone in it. `naps` collects what the backends waited for instead of waiting."""

    cloud: Any
    zone: AwsZone
    folder: Path
    naps: list[float]
    _ids: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def backend(self, **options: Any) -> SagemakerBackend:
        """Return a backend of its own process, so to say: nothing remembered from another one."""
        given = {"user": "ada@example.org", "environment": "test", "sleep": self.naps.append, **options}
        return SagemakerBackend(given.pop("zone", self.zone), **given)

    def request(
        self, backend: Any, *script: str, job: Callable[[Job], Job] = lambda job: job, attempt: int = 1
    ) -> Request:
        """Render a job whose image holds the lines as `program.py`."""
        number = next(self._ids)
        name = f"program-{number}"
        folder = self.folder / name
        folder.mkdir()
        (folder / "program.py").write_text("\n".join(script))
        self.cloud.images.add(name, folder)
        plain = Job(
            image=name,
            command=("python", "-u", "program.py"),
            resources=Resources(instance="ml.m5.large"),
            max_runtime=60,
        )
        request: Request = backend.render(job(plain), queue(), Submission(f"id{number:06d}", attempt, "wire"))
        return request

    def client(self, service: str) -> Any:
        return self.cloud.client(service, REGION)


def land(root: Path, cloud: Any) -> Landing:
    """Make the zone."""
    iam, ec2, s3 = (cloud.client(name, REGION) for name in ("iam", "ec2", "s3"))
    roles = {
        name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(principal))["Role"]["Arn"]
        for name, principal in (
            ("agent", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
            ("execution", {"Service": "sagemaker.amazonaws.com"}),
        )
    }
    for name in ("wire-data", "wire-output", "wire-checkpoints"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
    key = cloud.client("kms", REGION).create_key()["KeyMetadata"]["Arn"]
    repository = cloud.client("ecr", REGION).create_repository(repositoryName="wire-images")["repository"]
    buckets = [Bucket(f"wire-{use}", f"s3://wire-{use}") for use in ("data", "output", "checkpoints")]
    zone = open_zone(
        region=REGION,
        registry=Registry(repository["repositoryUri"], repository["repositoryArn"]),
        buckets=Buckets(*buckets),
        keys=Keys(key, key, key),
        identities=Identities(roles["execution"], roles["agent"]),
        network=AwsNetwork(
            "private",
            "nat",
            AwsNetworkIds(subnet["VpcId"], (subnet["SubnetId"],), (group["SecurityGroups"][0]["GroupId"],)),
        ),
        controls=controls(),
    )
    (root / "programs").mkdir()
    return Landing(cloud, zone, root / "programs", [])


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landing]:
    from localcloud import running

    root = tmp_path_factory.mktemp("landing")
    with running(root / "cloud") as cloud:
        cloud.settings(stop_seconds=1)
        yield land(root, cloud)


@pytest.fixture
def landing(landed: Landing, monkeypatch: pytest.MonkeyPatch) -> Iterator[Landing]:
    """The module's zone with no fault in force, this process pointed at it, and botocore's waits skipped."""
    for name, value in landed.cloud.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    landed.cloud.clear()
    landed.naps.clear()
    import botocore.endpoint

    class Clock:
        sleep = staticmethod(landed.naps.append)

    monkeypatch.setattr(botocore.endpoint, "time", Clock)
    yield landed
    landed.cloud.clear()
