"""Putting code into a zone's data bucket: never over what is there, and with errors a person can act on."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.azureml.faults import NotFromHere
from dispatcher.backends.base import Backend, State, Upload
from dispatcher.backends.faults import NotAllowed
from dispatcher.code import keeping, packing
from dispatcher.errors import NotHereError, PolicyRefusal, SpecError, UsageError
from dispatcher.job import Job
from tests.backends.azureml.landing import AzureLanding
from tests.backends.cases import CODE, train
from tests.backends.conformance import until
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
@pytest.mark.parametrize("late", [False, True], ids=["there", "there a moment later"])
@pytest.mark.parametrize("long", [False, True], ids=["same size", "another size"])
def test_another_object_under_the_name_of_the_code_is_told_with_what_to_do(
    landed_on: Land, cloud: str, tmp_path: Path, long: bool, late: bool
) -> None:
    backend = landed_on.backend()
    word = f"{cloud} {long} {late}"
    _, upload, archive = sent(landed_on, backend, tmp_path / "src", word)
    size = upload.size + long
    body = bytes(size)
    foreign = tmp_path / "foreign"
    foreign.write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    other = dataclasses.replace(upload, sha256=digest, size=size)  # whoever wrote it believed in it
    backend.stage(other, foreign)
    if late:
        landed_on.cloud.fault("missing", operation=LOOK[cloud])
    with pytest.raises(UsageError, match="is there and is not what it is called") as caught:
        backend.stage(upload, archive)
    assert "somebody who may delete in that bucket remove it" in caught.value.remedy


@pytest.mark.wire
def test_a_damaged_archive_goes_nowhere_and_is_made_anew(landed_on: Land, cloud: str, tmp_path: Path) -> None:
    backend = landed_on.backend()
    folder = tmp_path / "src"
    _, upload, archive = sent(landed_on, backend, folder, f"damaged {cloud}")
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-1])
    before = len(landed_on.cloud.requests(operation=PUT[cloud]))
    with pytest.raises(NotHereError, match="is damaged"):
        backend.stage(upload, archive)
    assert len(landed_on.cloud.requests(operation=PUT[cloud])) == before
    assert keeping.keep(packing.pack(folder), archive.parent).read_bytes() == whole


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
