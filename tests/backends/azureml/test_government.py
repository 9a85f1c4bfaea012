"""A zone in Azure Government, from the submission to its outputs: its own hosts, audiences and api-version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.backends.azureml import place
from dispatcher.backends.base import State
from dispatcher.errors import AuthError
from localcloud import running
from tests.backends.azureml.landing import OURS, AzureLanding, land
from tests.backends.conformance import until
from tests.localcloud.azure.inside import ACCOUNT, VAULT

pytestmark = pytest.mark.wire


@pytest.fixture
def government(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureLanding]:
    with running(tmp_path / "cloud") as cloud:
        for name, value in cloud.environment.items():
            if name.startswith(OURS):
                monkeypatch.setenv(name, value)
        yield land(tmp_path, cloud, region="usgovvirginia", of="usgovernment")


def test_a_job_in_azure_government_is_sent_watched_read_and_fetched(
    government: AzureLanding, tmp_path: Path
) -> None:
    backend = government.backend()
    request = government.request(
        backend,
        "import os, pathlib",
        "print('hello')",
        "(pathlib.Path(os.environ['DISPATCH_OUTPUT_DIR']) / 'model.txt').write_text('weights')",
    )
    backend.submit(request)
    final = until(backend, request.name)
    assert final.state is State.SUCCEEDED, final.reason
    assert final.billable_seconds is not None, "run history was asked with a token of its own cloud"
    assert final.links["console"].startswith(f"https://ml.azure.us/runs/{request.name}")
    assert final.model_uri == f"https://acct.blob.core.usgovcloudapi.net/output/{request.name}"
    assert [line.text for line in backend.logs(request.name)] == ["hello"]
    (file,) = backend.fetch(request.name, tmp_path / "results")
    assert file.read_text() == "weights"
    asked = {one["parameters"]["resource"] for one in government.cloud.requests("identity")}
    assert asked == {"https://management.usgovcloudapi.net", "https://ml.azure.us", "https://storage.azure.com"}


def test_what_a_resource_is_called_there_ends_as_in_its_cloud(government: AzureLanding) -> None:
    ask = government.stage.ask
    assert ask("GET", VAULT)["properties"]["vaultUri"] == "https://vault.vault.usgovcloudapi.net/"
    endpoints = ask("GET", ACCOUNT)["properties"]["primaryEndpoints"]
    assert endpoints["blob"] == "https://acct.blob.core.usgovcloudapi.net/"


def test_a_token_of_the_public_cloud_is_refused_there(government: AzureLanding) -> None:
    backend = government.backend()
    backend.submit(request := government.request(backend, "pass"))
    until(backend, request.name)
    session = government.backend()._session
    session._cloud = replace(session._cloud, studio=place.clouds()["public"].studio)
    with pytest.raises(AuthError, match="not signed in to Azure"):
        session.history("GetRun", "GET", f"runs/{request.name}")
