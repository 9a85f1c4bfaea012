"""The zones on local clouds that the wire tests of every backend share."""

from tests.backends.azureml.landing import azure_landed, azure_landing
from tests.backends.sagemaker.landing import landed, landing
from tests.backends.vertex.landing import vertex_landed, vertex_landing

__all__ = ["azure_landed", "azure_landing", "landed", "landing", "vertex_landed", "vertex_landing"]
