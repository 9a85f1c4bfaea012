"""The local Azure set up for command jobs, and the words tests use about it."""

from __future__ import annotations

import copy
import itertools
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud import Cloud
from localcloud.azure.ml.record import FINAL
from localcloud.place import AZURE
from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    GROUP,
    HERE,
    IDENTITY,
    SUBSCRIPTION_ID,
    WORKSPACE,
    Json,
    api_version,
)  # fmt: skip

CLUSTER = f"{WORKSPACE}/computes/cpu"
HISTORY = f"ml/westeurope/history/v1.0{WORKSPACE}"
CONTAINERS = ("data", "output", "checkpoints")
_NAMESPACES = (
    *("ManagedIdentity", "Storage", "KeyVault", "OperationalInsights", "Insights"),
    "MachineLearningServices",
)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stage:
    """What a job needs, made once; `job` gives a request that is right in every way."""

    cloud: Cloud
    client: str

    def ask(self, method: str, id: str, body: object = None) -> Any:
        path, _, query = id.partition("?")
        return self.cloud.azure(method, f"arm{path}?{query}&api-version={api_version(path)}", body)

    def job(self, *script: str, **changes: Any) -> Json:
        """A request whose image holds the lines as `program.py`; `a__b=value` changes a field, None removes it."""
        name = f"job-{next(_numbers)}"
        folder = self.cloud.place.root / "programs" / name
        folder.mkdir(parents=True)
        (folder / "program.py").write_text("\n".join(script))
        self.cloud.images.add(name, folder)
        version = f"{WORKSPACE}/environments/dispatch/versions/{name}"
        self.ask("PUT", version, {"properties": {"image": f"docker.io/{name}:v1"}})
        store = "azureml://datastores/{}/paths/" + name
        outputs = {
            use: {"jobOutputType": "uri_folder", "mode": "ReadWriteMount", "uri": store.format(use)}
            for use in ("output", "checkpoints")
        }
        request: Json = {
            "name": name,
            "properties": {
                "jobType": "Command",
                "command": "exec python -u program.py",
                "environmentId": version,
                "computeId": CLUSTER,
                "limits": {"jobLimitsType": "Command", "timeout": "PT1M"},
                "identity": {"identityType": "Managed", "clientId": self.client},
                "outputs": outputs,
            },
        }
        return change(request, changes)

    def serverless(self, *script: str, tier: str = "Spot", **changes: Any) -> Json:
        """A request for machines that Azure ML finds itself."""
        machines = {
            "computeId": None,
            "resources": {"instanceType": "Standard_D4s_v3", "instanceCount": 1},
            "queueSettings": {"jobTier": tier},
        }
        return self.job(*script, **(machines | changes))

    def create(self, request: Json) -> Json:
        created: Json = self.ask("PUT", self.id(request["name"]), {"properties": request["properties"]})
        return created

    def id(self, name: str) -> str:
        return f"{WORKSPACE}/jobs/{name}"

    def get(self, name: str) -> Json:
        found: Json = self.ask("GET", self.id(name))
        return found

    def status(self, name: str) -> str:
        return str(self.get(name)["properties"]["status"])

    def cancel(self, name: str) -> None:
        self.ask("POST", f"{self.id(name)}/cancel")

    def details(self, name: str) -> Json:
        """The run as run history tells it."""
        found: Json = self.cloud.azure("GET", f"{HISTORY}/runs/{name}/details")
        return found

    def run(self, *script: str, **changes: Any) -> str:
        """Create a job and wait for its end; its name."""
        name = str(self.create(self.job(*script, **changes))["name"])
        self.ended(name)
        return name

    def ended(self, name: str) -> Json:
        """The run's details once it has ended."""
        self.until(name, lambda: self.status(name) in FINAL)
        return self.details(name)

    def until(self, name: str, right: Callable[[], bool], seconds: float = 40) -> None:
        """Wait until `right` holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if right():
                return
            time.sleep(0.03)
        raise AssertionError(f"{name} is still {self.status(name)}: {self.logs(name)}")

    def logs(self, name: str) -> dict[str, list[str]]:
        """The lines of each log that run history points to."""
        found = {}
        for path, address in self.details(name)["logFiles"].items():
            with urllib.request.urlopen(address) as answer:
                found[path] = answer.read().decode().splitlines()
        return found

    def lines(self, name: str, log: str = "user_logs/std_log.txt") -> list[str]:
        """What a job printed."""
        return self.logs(name).get(log, [])

    def said(self, name: str, text: str, log: str = "user_logs/std_log.txt") -> None:
        """Wait until a job has printed something."""
        self.until(name, lambda: any(text in line for line in self.lines(name, log)))

    def put(self, path: str, content: str) -> None:
        """Upload a blob: `<container>/<name>`."""
        headers = {"Authorization": "Bearer testing", "x-ms-blob-type": "BlockBlob"}
        url = f"{self.cloud.url}{AZURE}/blob/acct/{path}"
        with urllib.request.urlopen(
            urllib.request.Request(url, content.encode(), headers, method="PUT")
        ) as answer:
            assert answer.status == 201

    def read(self, path: str) -> str:
        """Download a blob."""
        url = f"{self.cloud.url}{AZURE}/blob/acct/{path}"
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Authorization": "Bearer testing"})
        ) as answer:
            return str(answer.read().decode())


def change(request: Json, changes: Json) -> Json:
    """The request with properties changed: `a__b=value`, None removes."""
    whole = copy.deepcopy(request)
    for path, value in changes.items():
        *steps, last = path.split("__")
        target = whole["properties"]
        for step in steps:
            target = target[step]
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
    return whole


def make(cloud: Cloud, region: str = HERE["location"]) -> Stage:
    """Register the providers and make what jobs need, each over Resource Manager."""
    stage, here = Stage(cloud, ""), {"location": region}
    stage.ask("PUT", GROUP, here)
    for name in _NAMESPACES:
        at = f"arm{SUBSCRIPTION_ID}/providers/Microsoft.{name}"
        cloud.azure("POST", f"{at}/register?api-version=2021-04-01")
        cloud.azure("GET", f"{at}?api-version=2021-04-01")
    for id, body in BODIES.items():
        if "Microsoft.Network" not in id:
            stage.ask("PUT", id, body | here)
    for name in CONTAINERS:
        stage.ask("PUT", f"{ACCOUNT}/blobServices/default/containers/{name}", {"properties": {}})
        store = {
            "datastoreType": "AzureBlob",
            "accountName": "acct",
            "containerName": name,
            "credentials": {"credentialsType": "None"},
        }
        stage.ask("PUT", f"{WORKSPACE}/datastores/{name}", {"properties": store})
    cluster = {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {
            "computeType": "AmlCompute",
            "properties": {
                "vmSize": "Standard_D4s_v3",
                "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 3},
            },
        },
    }
    stage.ask("PUT", CLUSTER, here | cluster)
    client = stage.ask("GET", IDENTITY)["properties"]["clientId"]
    return Stage(cloud, client)
