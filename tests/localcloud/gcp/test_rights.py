"""A job's own account on a local Google Cloud: what its metadata server tells, and which secrets it reads."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from localcloud import Cloud
from localcloud.cloud import Refused
from tests.localcloud.gcp.stage import NUMBER, PROJECT, Stage

pytestmark = pytest.mark.wire
ACCESSOR = "roles/secretmanager.secretAccessor"
SECRETS = f"secretmanager/v1/projects/{PROJECT}/secrets"
SHOW = "import os, json, urllib.error, urllib.request as u"


def token(cloud: Cloud, email: str) -> str:
    asked = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
    path = f"iamcredentials/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    return str(cloud.google("POST", path, asked)["accessToken"])


def grant(cloud: Cloud, resource: str, *bindings: dict[str, Any]) -> None:
    policy = {"version": 3, "bindings": list(bindings)}
    cloud.google("POST", f"{resource}:setIamPolicy", {"policy": policy})


def binding(email: str, role: str = ACCESSOR, starts: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"role": role, "members": [f"serviceAccount:{email}"]}
    if starts:
        expression = f'resource.name.startsWith("projects/{NUMBER}/secrets/{starts}")'
        made["condition"] = {"title": "zone", "expression": expression}
    return made


@pytest.fixture(scope="module", autouse=True)
def secrets(made: Stage) -> None:
    cloud = made.cloud
    services = f"serviceusage/v1/projects/{PROJECT}/services"
    cloud.google("POST", f"{services}/secretmanager.googleapis.com:enable", {})
    for name in ("zone-token", "other-token"):
        cloud.google("POST", f"{SECRETS}?secretId={name}", {"replication": {"automatic": {}}})
        data = base64.b64encode(b"s3cret").decode()
        cloud.google("POST", f"{SECRETS}/{name}:addVersion", {"payload": {"data": data}})


def read(stage: Stage, name: str) -> str:
    """What the jobs' account reads of a secret, or why it does not."""
    path = f"{SECRETS}/{name}/versions/latest:access"
    try:
        found = stage.cloud.google("GET", path, token=token(stage.cloud, stage.account))
    except Refused as refused:
        return str(refused.error["status"])
    return base64.b64decode(found["payload"]["data"]).decode()


def test_without_a_role_nothing_is_read_whether_it_exists_or_not(stage: Stage) -> None:
    grant(stage.cloud, f"cloudresourcemanager/v1/projects/{PROJECT}")
    assert {read(stage, name) for name in ("zone-token", "other-token", "not-there")} == {"PERMISSION_DENIED"}
    assert stage.cloud.google("GET", f"{SECRETS}/zone-token/versions/latest:access"), "the person may all"


def test_a_role_on_the_secret_opens_that_one(stage: Stage) -> None:
    grant(stage.cloud, f"cloudresourcemanager/v1/projects/{PROJECT}")
    grant(stage.cloud, f"{SECRETS}/zone-token", binding(stage.account))
    assert (read(stage, "zone-token"), read(stage, "other-token")) == ("s3cret", "PERMISSION_DENIED")
    grant(stage.cloud, f"{SECRETS}/zone-token")


def test_a_role_of_the_projects_own_counts_within_its_condition(stage: Stage) -> None:
    role = {"includedPermissions": ["secretmanager.versions.access"]}
    stage.cloud.google("POST", f"iam/v1/projects/{PROJECT}/roles", {"roleId": "reads", "role": role})
    own = f"projects/{PROJECT}/roles/reads"
    grant(stage.cloud, f"cloudresourcemanager/v1/projects/{PROJECT}", binding(stage.account, own, "zone-"))
    assert (read(stage, "zone-token"), read(stage, "other-token")) == ("s3cret", "PERMISSION_DENIED")
    assert read(stage, "zone-missing") == "NOT_FOUND"
    unknown = binding(stage.account, own) | {
        "condition": {"title": "t", "expression": "request.time.getHours() > 9"}
    }
    grant(stage.cloud, f"cloudresourcemanager/v1/projects/{PROJECT}", unknown)
    assert read(stage, "zone-token") == "PERMISSION_DENIED"


def test_a_job_asks_its_own_metadata_server_and_no_key_lies_about(stage: Stage) -> None:
    job = stage.run(
        SHOW,
        "host = os.environ['GCE_METADATA_HOST']",
        "def ask(path, host=host, **headers):",
        "    try: return u.urlopen(u.Request(f'http://{host}/computeMetadata/v1/{path}', headers=headers)).read()",
        "    except urllib.error.HTTPError as refused: return refused.code",
        "google = {'Metadata-Flavor': 'Google'}",
        "print(ask('instance/service-accounts/default/email', **google).decode())",
        "print(ask('project/project-id', **google).decode(), ask('project/project-id'))",
        "print(ask('instance/service-accounts/someone@else/token', **google))",
        "print(ask('project/project-id', host.rpartition('/')[0] + '/guessed', **google))",
        "print('GOOGLE_APPLICATION_CREDENTIALS' in os.environ)",
    )
    assert stage.lines(job["name"]) == [stage.account, f"{PROJECT} 403", "404", "404", "False"]


def test_a_job_without_an_account_has_no_metadata_server(stage: Stage) -> None:
    show = "import os; print(os.environ.get('GCE_METADATA_HOST'), os.environ['NO_GCE_CHECK'])"
    assert stage.lines(stage.run(show, jobSpec__serviceAccount=None)["name"]) == ["None true"]
