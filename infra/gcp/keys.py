"""The zone's customer-managed keys in a ring of its own: data, registry and logs, each for one use, rotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms

from infra.gcp.lookup import found
from infra.gcp.service_agents import table
from infra.gcp.site import Site

ROTATION = "7776000s"  # 90 days
# How long a destroyed version can be restored: a durable zone's 30 days are KMS's default, 1 day is its least.
DESTROY_AFTER = "2592000s"
DISPOSABLE_DESTROY_AFTER = "86400s"
USE_KEY = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
USES = ("data", "registry", "logs")


@dataclass(frozen=True, slots=True)
class KeysArgs:
    """`agents` are members by the short names of data/service_agents.yaml.

    `data`, `registry`, `logs` are names of keys to adopt (`projects/P/locations/L/keyRings/R/cryptoKeys/K`).
    `grant_adopted` gives the service agents the use of adopted keys too; without it, their owner has.
    """

    site: Site
    agents: Mapping[str, pulumi.Output[str]]
    data: str | None = None
    registry: str | None = None
    logs: str | None = None
    grant_adopted: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """A key's full name, and the grants that what it encrypts must wait for."""

    name: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]


class Keys(pulumi.ComponentResource):
    """Three keys: a bucket's key opens no image, and the key of the logs opens no data."""

    data: Key
    registry: Key
    logs: Key
