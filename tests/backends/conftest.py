"""The zones on local clouds that the wire tests of every backend share."""

from tests.backends.sagemaker.landing import landed, landing
from tests.backends.vertex.landing import vertex_landed, vertex_landing

__all__ = ["landed", "landing", "vertex_landed", "vertex_landing"]
