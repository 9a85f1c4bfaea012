"""Putting code into a zone's data bucket: never over what is there, and with errors a person can act on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.azureml.faults import NotFromHere
from dispatcher.backends.base import Backend, Upload
from dispatcher.backends.faults import NotAllowed
from dispatcher.code import keeping, packing
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.job import Job
from tests.backends.azureml.landing import AzureLanding
from tests.backends.cases import CODE, train
from tests.backends.conformance import State, until
from tests.backends.sagemaker import cases
from tests.backends.sagemaker.landing import Landing
from tests.backends.vertex.landing import VertexLanding

Land = Landing | VertexLanding | AzureLanding
LANDINGS = {"aws": "landing", "gcp": "vertex_landing", "azure": "azure_landing"}
LOOK = {"aws": "HeadObject", "gcp": "GetObject", "azure": "HeadBlob"}
PUT = {"aws": "PutObject", "gcp": "InsertObject", "azure": "PutBlob"}


@pytest.fixture(params=LANDINGS)
def cloud(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def landed_on(cloud: str, request: pytest.FixtureRequest) -> Land:
    found: Land = request.getfixturevalue(LANDINGS[cloud])
    return found


def sent(landing: Land, backend: Backend, folder: Path, word: str) -> tuple[Any, Upload, Path]:
    """A request of a job that prints a word, its upload, and the archive."""
    folder.mkdir()
    (folder / "main.py").write_text(f"print({word!r})")
    packed = packing.pack(folder)

    def coded(job: Job) -> Job:
        return dataclasses.replace(job, command=("python", "-u", "main.py"), runtime=True, code=packed.code)

    request = landing.request(backend, job=coded)
    (upload,) = request.uploads
    return request, upload, keeping.keep(packed, folder.parent / "archives")


@pytest.mark.wire
def test_what_is_there_is_not_replaced_even_by_two_at_once(landed_on: Land, cloud: str, tmp_path: Path) -> None:
    backend = landed_on.backend()
    request, upload, archive = sent(landed_on, backend, tmp_path / "first", "first")
    backend.stage(upload, archive)
    landed_on.cloud.fault("missing", operation=LOOK[cloud])  # somebody put it there after we had looked
    backend.stage(upload, archive)
    puts = [call["status"] for call in landed_on.cloud.requests(operation=PUT[cloud])]
    assert puts == [{"azure": 201}.get(cloud, 200), {"azure": 409}.get(cloud, 412)]
    backend.submit(request)
    assert until(backend, request.name).state is State.SUCCEEDED
    assert [line.text for line in backend.logs(request.name)] == ["first"]


@pytest.mark.wire
def test_a_right_that_is_missing_is_named(landed_on: Land, cloud: str, tmp_path: Path) -> None:
    backend = landed_on.backend()
    _, upload, archive = sent(landed_on, backend, tmp_path / "src", f"denied {cloud}")
    landed_on.cloud.fault("denied", operation=PUT[cloud])
    with pytest.raises(NotAllowed) as caught:
        backend.stage(upload, archive)
    named = {"aws": "s3:PutObject", "gcp": "storage.InsertObject", "azure": "adds code"}
    assert named[cloud] in str(caught.value)


@pytest.mark.wire
def test_from_outside_a_private_zone_on_azure_code_goes_nowhere_and_the_error_says_what_to_do(
    azure_landing: AzureLanding, tmp_path: Path
) -> None:
    backend = azure_landing.backend()
    _, upload, archive = sent(azure_landing, backend, tmp_path / "src", "outside")
    azure_landing.cloud.fault("error", operation="HeadBlob", code="AuthorizationFailure", status=403)
    with pytest.raises(NotFromHere, match="code cannot be put into zone") as caught:
        backend.stage(upload, archive)
    assert "from a machine in the zone's network" in caught.value.remedy


CODED = train(runtime=True, code=CODE)


def test_code_needs_dispatch_run_in_the_image() -> None:
    from dispatcher.backends.sagemaker.render import render

    case = cases.Case(dataclasses.replace(CODED, runtime=None))
    with pytest.raises(SpecError, match="code: is unpacked by dispatch-run") as caught:
        render(case.job, case.queue, case.submission, case.context)
    assert "runtime: true" in str(caught.value)


def test_an_isolated_container_takes_no_code() -> None:
    from dispatcher.backends.sagemaker.render import render

    case = cases.Case(CODED, queue=cases.queue(overrides={"EnableNetworkIsolation": True}))
    with pytest.raises(PolicyRefusal, match=r"controls.network_isolation: an isolated container takes no code"):
        render(case.job, case.queue, case.submission, case.context)
