"""Which module answers for which service: the first label of the API's host, and the modules whose `API` it is."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping

from localcloud.gcp.api import Api

MODULES: Mapping[str, tuple[str, ...]] = {
    "accesscontextmanager": ("localcloud.gcp.accesscontextmanager",),
    "aiplatform": ("localcloud.gcp.vertex.api",),
    "artifactregistry": ("localcloud.gcp.artifactregistry",),
    "billingbudgets": ("localcloud.gcp.billingbudgets",),
    "cloudkms": ("localcloud.gcp.cloudkms",),
    "cloudresourcemanager": ("localcloud.gcp.cloudresourcemanager",),
    "compute": ("localcloud.gcp.compute",),
    "dns": ("localcloud.gcp.dns",),
    "iam": ("localcloud.gcp.iam",),
    "iamcredentials": ("localcloud.gcp.iamcredentials",),
    "logging": ("localcloud.gcp.logging.api", "localcloud.gcp.logging_config"),
    "metadata": ("localcloud.gcp.metadata",),
    "monitoring": ("localcloud.gcp.monitoring",),
    "oauth2": ("localcloud.gcp.oauth2",),
    "openidconnect": ("localcloud.gcp.openidconnect",),
    "secretmanager": ("localcloud.gcp.secretmanager",),
    "servicenetworking": ("localcloud.gcp.servicenetworking",),
    "serviceusage": ("localcloud.gcp.serviceusage",),
    "storage": ("localcloud.gcp.storage.api",),
}
"""Modules are loaded when the first call of their service comes; those of one service share its routes."""


@functools.cache
def find(service: str) -> Api | None:
    """The API of a service; None when localcloud has none."""
    apis: list[Api] = [importlib.import_module(module).API for module in MODULES.get(service, ())]
    if not apis:
        return None
    routes = [route for api in apis for route in api.routes]
    return Api(routes, anonymous=any(api.anonymous for api in apis))
