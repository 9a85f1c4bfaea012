"""The local Google Cloud set up for custom jobs, and the words tests use about it."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from localcloud import Cloud

PROJECT, NUMBER = "launchway-local", "123456789012"
REGION = "us-central1"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
FINAL = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED")
_SERVICES = ("aiplatform", "artifactregistry", "cloudkms", "compute", "iam", "iamcredentials", "storage")
_numbers = itertools.count(1)

Json = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """What a job needs, made once; `job` gives a request that is right in every way."""

    cloud: Cloud
    account: str
    bucket: str
    image: str
    key: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        return self.cloud.google(method, path, body)

    def job(self, *script: str, workers: int = 0, **changes: Any) -> Json:
        """A request whose image holds the lines as `program.py`; `a__b=value` changes a field, None removes it.

        `workers` is the number of replicas beside the primary one. A number in a path is an index.
        """
        name = f"job-{next(_numbers)}"
        folder = self.cloud.place.root / "programs" / name
        folder.mkdir(parents=True)
        (folder / "program.py").write_text("\n".join(script))
        self.cloud.images.add(name, folder)
        pool = {
            "machineSpec": {"machineType": "n1-standard-4"},
            "replicaCount": "1",
            "containerSpec": {"imageUri": f"{self.image}/{name}", "command": ["python", "-u", "program.py"]},
        }
        pools = [pool, {**copy.deepcopy(pool), "replicaCount": str(workers)}] if workers else [pool]
        request = {
            "displayName": name,
            "jobSpec": {
                "workerPoolSpecs": pools,
                "scheduling": {"timeout": "60s"},
                "serviceAccount": self.account,
                "baseOutputDirectory": {"outputUriPrefix": f"gs://{self.bucket}/out/{name}"},
            },
        }
        return change(request, changes)

    def create(self, request: Json) -> Json:
        created: Json = self.call("POST", f"aiplatform/v1/{PARENT}/customJobs", request)
        return created

    def get(self, name: str) -> Json:
        found: Json = self.call("GET", f"aiplatform/v1/{name}")
        return found

    def cancel(self, name: str) -> None:
        self.call("POST", f"aiplatform/v1/{name}:cancel", {})

    def listed(self, text: str = "", **rest: Any) -> Json:
        query = urlencode({"filter": text, **rest})
        found: Json = self.call("GET", f"aiplatform/v1/{PARENT}/customJobs?{query}")
        return found

    def run(self, *script: str, **changes: Any) -> Json:
        """Create a job and return it once it has ended."""
        return self.ended(self.create(self.job(*script, **changes))["name"])

    def ended(self, name: str) -> Json:
        return self.until(name, lambda job: job["state"] in FINAL)

    def until(self, name: str, right: Callable[[Json], bool], seconds: float = 40) -> Json:
        """Get until `right` holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.get(name)
            if right(job):
                return job
            time.sleep(0.03)
        raise AssertionError(f"{name} is still {job['state']}")

    def entries(self, name: str, more: str = "", **rest: Any) -> list[Json]:
        """The log entries of a job."""
        wanted = f'resource.type="ml_job" AND resource.labels.job_id="{name.rpartition("/")[2]}"{more}'
        body = {"resourceNames": [f"projects/{PROJECT}"], "filter": wanted, "pageSize": 1000, **rest}
        return list(self.call("POST", "logging/v2/entries:list", body).get("entries", []))

    def lines(self, name: str, task: str = "workerpool0-0") -> list[str]:
        """The log lines of one replica, all attempts."""
        found = self.entries(name, f' AND resource.labels.task_name="{task}"')
        return [entry["jsonPayload"]["message"] for entry in found]

    def said(self, name: str, text: str, task: str = "workerpool0-0", times: int = 1) -> None:
        """Wait until a replica has printed something so many times."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            if sum(text in line for line in self.lines(name, task)) >= times:
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} never said {text!r}: {self.lines(name, task)}")

    def put(self, name: str, content: str) -> None:
        """Upload an object."""
        folder = self.cloud.place.google_objects / "buckets" / self.bucket
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def objects(self, prefix: str) -> dict[str, int]:
        """Sizes of objects by what follows the prefix in their names."""
        query = urlencode({"prefix": prefix})
        found = self.call("GET", f"storage/storage/v1/b/{self.bucket}/o?{query}").get("items", [])
        return {entry["name"].removeprefix(prefix): int(entry["size"]) for entry in found}

    def read(self, name: str) -> Any:
        """The content of an object that holds JSON."""
        return self.call("GET", f"storage/storage/v1/b/{self.bucket}/o/{quote(name, safe='')}?alt=media")


def make(cloud: Cloud) -> Stage:
    """Enable the services and make what jobs need, each over its own API."""
    services = {"serviceIds": [f"{name}.googleapis.com" for name in _SERVICES]}
    cloud.google("POST", f"serviceusage/v1/projects/{PROJECT}/services:batchEnable", services)
    account = cloud.google("POST", f"iam/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "execution"})
    cloud.google("POST", f"storage/storage/v1/b?project={PROJECT}", {"name": "stage-bucket", "location": REGION})
    repository = f"{PARENT}/repositories?repositoryId=images"
    cloud.google("POST", f"artifactregistry/v1/{repository}", {"format": "DOCKER"})
    ring = f"{PARENT}/keyRings"
    cloud.google("POST", f"cloudkms/v1/{ring}?keyRingId=ring", {})
    key = cloud.google(
        "POST", f"cloudkms/v1/{ring}/ring/cryptoKeys?cryptoKeyId=jobs", {"purpose": "ENCRYPT_DECRYPT"}
    )
    image = f"{REGION}-docker.pkg.dev/{PROJECT}/images"
    return Stage(cloud, account["email"], "stage-bucket", image, key["name"])


def change(request: Json, changes: Json) -> Json:
    """A copy of a request with `a__b=value` changed, or removed when the value is None."""
    request = copy.deepcopy(request)
    for path, value in changes.items():
        *outer, last = (int(part) if part.isdigit() else part for part in path.split("__"))
        inner: Any = request
        for name in outer:
            inner = inner[name] if isinstance(name, int) else inner.setdefault(name, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = value
    return request


class Clock:
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
