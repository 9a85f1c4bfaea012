"""The conformance suite over this machine, and over SageMaker, Vertex AI and Azure ML on a local cloud."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.backends import open_backend
from dispatcher.backends.base import Backend, Request, Submission
from dispatcher.job import Job
from dispatcher.queue import Queue
from tests.backends.azureml.landing import AzureLanding
from tests.backends.conformance import Conformance, Stand
from tests.backends.sagemaker.landing import Landing
from tests.backends.vertex.landing import VertexLanding

pytestmark = pytest.mark.wire


class OnThisMachine(Stand):
    def __init__(self, place: Path) -> None:
        self.place = place
        self.ids = itertools.count(1)

    def backend(self) -> Backend:
        return open_backend(None, user="ada", place=self.place)

    def program(self, backend: Backend, *lines: str, job: Callable[[Job], Job] = lambda job: job) -> Request:
        plain = Job(image="none", command=(sys.executable, "-u", "-c", "\n".join(lines)))
        return backend.render(
            job(plain), Queue("local", "local"), Submission(f"id{next(self.ids):06d}", 1, "local")
        )


class OnACloud(Stand):
    def __init__(self, landing: Landing | VertexLanding | AzureLanding) -> None:
        self.landing = landing

    def backend(self) -> Backend:
        return self.landing.backend()

    def program(self, backend: Backend, *lines: str, job: Callable[[Job], Job] = lambda job: job) -> Request:
        return self.landing.request(backend, *lines, job=job)


class TestLocal(Conformance):
    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        return OnThisMachine(tmp_path / "place")


class TestSagemaker(Conformance):
    @pytest.fixture
    def stand(self, landing: Landing) -> Stand:
        return OnACloud(landing)


class TestVertex(Conformance):
    @pytest.fixture
    def stand(self, vertex_landing: VertexLanding) -> Stand:
        return OnACloud(vertex_landing)


class TestAzureML(Conformance):
    @pytest.fixture
    def stand(self, azure_landing: AzureLanding) -> Stand:
        return OnACloud(azure_landing)
