"""Which module handles which type or invoke; a module is loaded when its first resource comes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.plugin.aws.resource import Resource
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties


@dataclass(frozen=True, slots=True)
class Invoke:
    """A function of the provider: the arguments it takes and what answers it."""

    arguments: frozenset[str]
    run: Callable[[Aws, Properties], Properties]


PACKAGE = "localcloud.plugin.aws.handlers"
MODULES = {
    "budgets": ("budgets",),
    "cloudtrail": ("cloudtrail",),
    "cloudwatch": ("logs",),
    "ec2": ("network", "gateways", "routes", "groups", "endpoints"),
    "ecr": ("ecr",),
    "iam": ("iam",),
    "index": ("account",),
    "kms": ("kms",),
    "s3": ("s3", "s3_settings", "s3_lifecycle"),
    "secretsmanager": ("secretsmanager",),
    "vpc": ("groups",),
}
"""Module of a token (`aws:MODULE/...`) -> handler modules, each with RESOURCES and INVOKES."""


def resource(token: str) -> Resource:
    for name in MODULES.get(_module(token), ()):
        found: Resource | None = getattr(importlib.import_module(f"{PACKAGE}.{name}"), "RESOURCES", {}).get(token)
        if found:
            return found
    raise ProviderError(f"the stand-in plugin has no handler for {token}")


def invoke(token: str) -> Invoke | None:
    for name in MODULES.get(_module(token), ()):
        found: Invoke | None = getattr(importlib.import_module(f"{PACKAGE}.{name}"), "INVOKES", {}).get(token)
        if found:
            return found
    return None


def _module(token: str) -> str:
    return token.split(":")[1].split("/")[0]
