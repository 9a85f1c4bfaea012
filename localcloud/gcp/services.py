"""Which module answers for which service: the first label of the API's host, and a module whose `API` it is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from localcloud.gcp.api import Api

MODULES: Mapping[str, str] = {
    "iamcredentials": "localcloud.gcp.iamcredentials",
    "oauth2": "localcloud.gcp.oauth2",
}
"""Modules are loaded when the first call of their service comes."""


def find(service: str) -> Api | None:
    """The API of a service; None when localcloud has none."""
    module = MODULES.get(service)
    if module is None:
        return None
    api: Api = importlib.import_module(module).API
    return api
