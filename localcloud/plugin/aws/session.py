"""The AWS connection of one configured provider: settings, one boto3 session, clients made when first needed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from localcloud.plugin.provider import ProviderError
from localcloud.plugin.settings import parsed
from localcloud.plugin.values import Properties

SERVICES = {"cloudwatchlogs": "logs"}  # endpoint names of the provider that differ from boto3's


@dataclass(frozen=True, slots=True)
class Settings:
    """The provider's configuration, typed."""

    region: str
    access_key: str | None = None
    secret_key: str | None = None
    token: str | None = None
    profile: str | None = None
    endpoints: dict[str, str] = field(default_factory=dict)
    default_tags: dict[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    path_style: bool = False
    max_attempts: int | None = None

    @classmethod
    def read(cls, config: Properties, types: dict[str, str]) -> Settings:
        """From configuration values; `types` is property -> string, bool, number, list or object."""
        values = {name: parsed(value, types.get(name, "string")) for name, value in config.items()}
        region = values.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise ProviderError("invalid AWS Region: no region is configured; set aws:region or AWS_REGION")
        endpoints = {
            SERVICES.get(name, name): url
            for entry in values.get("endpoints") or []
            for name, url in entry.items()
            if url
        }
        return cls(
            region=region,
            access_key=values.get("accessKey"),
            secret_key=values.get("secretKey"),
            token=values.get("token"),
            profile=values.get("profile"),
            endpoints=endpoints,
            default_tags=(values.get("defaultTags") or {}).get("tags") or {},
            allowed=tuple(values.get("allowedAccountIds") or ()),
            forbidden=tuple(values.get("forbiddenAccountIds") or ()),
            path_style=bool(values.get("s3UsePathStyle")),
            max_attempts=values.get("maxRetries"),
        )


class Aws:
    """Clients and names of one region; `at` gives the same connection in another region."""

    def __init__(self, settings: Settings, region: str | None = None, shared: Aws | None = None) -> None:
        self.settings, self.region = settings, region or settings.region
        self._root = shared or self
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.RLock()

    def at(self, region: str | None) -> Aws:
        return self if region in (None, self.region) else Aws(self.settings, region, self._root)

    def client(self, service: str) -> Any:
        """The boto3 client of a service; boto3 itself is imported with the first one."""
        root = self._root
        with root._lock:  # a boto3 session is not safe to make clients from in parallel
            key = (service, self.region)
            if key not in root._clients:
                root._clients[key] = root._make(service, self.region)
            return root._clients[key]

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config

        style = (
            {"addressing_style": "path"} if self.settings.path_style or self.settings.endpoints.get("s3") else {}
        )
        config = Config(
            retries={"max_attempts": self.settings.max_attempts or 5, "mode": "standard"},
            s3=style or None,
            max_pool_connections=32,
        )
        return self._session.client(
            service, region_name=region, endpoint_url=self.settings.endpoints.get(service), config=config
        )

    @cached_property
    def _session(self) -> Any:
        import boto3

        settings = self.settings
        return boto3.Session(
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            aws_session_token=settings.token,
            profile_name=settings.profile,
        )

    @property
    def identity(self) -> dict[str, str]:
        """`sts get-caller-identity`, asked once."""
        return self._root._identity

    @cached_property
    def _identity(self) -> dict[str, str]:
        answer = self.client("sts").get_caller_identity()
        return {"account": answer["Account"], "arn": answer["Arn"], "user": answer["UserId"]}

    @property
    def account(self) -> str:
        return self.identity["account"]

    @property
    def partition(self) -> str:
        return partition(self.region)[0]

    @property
    def suffix(self) -> str:
        """DNS suffix of the partition, e.g. amazonaws.com."""
        return partition(self.region)[1]

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def partition(region: str) -> tuple[str, str]:
    """(partition, DNS suffix) of a region, from botocore's partition table."""
    for entry in _partitions():
        if region in entry["regions"] or entry["regex"].match(region):
            return entry["id"], entry["suffix"]
    raise ProviderError(f"invalid AWS Region: {region}")


_PARTITIONS: list[dict[str, Any]] = []


def _partitions() -> list[dict[str, Any]]:
    if not _PARTITIONS:
        import re

        from botocore.loaders import create_loader

        for entry in create_loader().load_data("partitions")["partitions"]:
            outputs = entry["outputs"]
            _PARTITIONS.append(
                {
                    "id": entry["id"],
                    "suffix": outputs["dnsSuffix"],
                    "regex": re.compile(entry["regionRegex"]),
                    "regions": entry["regions"],
                }
            )
    return _PARTITIONS
