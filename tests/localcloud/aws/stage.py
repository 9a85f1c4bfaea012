"""A local cloud set up for training jobs, and the words tests use about it."""

from __future__ import annotations

import copy
import itertools
import time
from dataclasses import dataclass
from typing import Any

from localcloud import Cloud

REGION = "us-east-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stage:
    """What a job needs, made once; `job` gives a request that is right in every way."""

    cloud: Cloud
    role: str
    bucket: str
    image: str
    key: str
    subnet: str
    group: str

    def client(self, service: str, **options: Any) -> Any:
        return self.cloud.client(service, REGION, **options)

    def job(self, *script: str, **changes: Any) -> dict[str, Any]:
        """A request whose image holds the lines as `program.py`; `a__b=value` changes a field, None removes it."""
        name = f"job-{next(_numbers)}"
        folder = self.cloud.place.root / "programs" / name
        folder.mkdir(parents=True)
        (folder / "program.py").write_text("\n".join(script))
        self.cloud.images.add(name, folder)
        request = {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": f"{self.image}:{name}",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python", "-u", "program.py"],
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        return change(request, changes)

    def run(self, *script: str, **changes: Any) -> dict[str, Any]:
        """Create a job and return its description once it has ended."""
        request = self.job(*script, **changes)
        self.client("sagemaker").create_training_job(**request)
        return self.ended(request["TrainingJobName"])

    def ended(self, name: str) -> dict[str, Any]:
        return self.until(name, lambda job: job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"))

    def until(self, name: str, right: Any, seconds: float = 30) -> dict[str, Any]:
        """Describe until `right` holds."""
        sagemaker = self.client("sagemaker")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
            if right(job):
                return job
            time.sleep(0.03)
        raise AssertionError(f"{name} is still {job['TrainingJobStatus']}/{job['SecondaryStatus']}")

    def lines(self, name: str, node: str = "algo-1") -> list[str]:
        """The log lines of one node, all attempts."""
        logs = self.client("logs")
        group = "/aws/sagemaker/TrainingJobs"
        found: list[str] = []
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/{node}-")
        for stream in streams["logStreams"]:
            events = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )
            found += [event["message"] for event in events["events"]]
        return found

    def said(self, name: str, text: str) -> None:
        """Wait until the job has printed something."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if any(text in line for line in self.lines(name)):
                    return
            except Exception as error:
                if "ResourceNotFound" not in repr(error):
                    raise
            time.sleep(0.05)
        raise AssertionError(f"{name} never said {text!r}: {self.lines(name)}")

    def objects(self, prefix: str) -> dict[str, bytes]:
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {
            entry["Key"].removeprefix(prefix): s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()
            for entry in found
        }


def history(job: dict[str, Any]) -> list[str]:
    """The secondary states that a job went through."""
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def change(request: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy of a request with `a__b=value` changed, or removed when the value is None."""
    request = copy.deepcopy(request)
    for path, value in changes.items():
        *outer, last = path.split("__")
        inner = request
        for name in outer:
            inner = inner.setdefault(name, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = value
    return request
