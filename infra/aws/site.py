"""One account and region as a provider: every resource gets this explicit provider, never a default one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws

from infra import emulator
from infra.aws.place import Place
from infra.aws.regions import Region, table
from infra.site import BaseSite

# The services the zone's resources call; an emulator must answer all of them at one address.
EMULATED = (
    "budgets", "cloudtrail", "cloudwatchlogs", "ec2", "ecr", "iam", "kms", "s3", "s3control",
    "secretsmanager", "sts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site(BaseSite[Place, aws.Provider]):
    """A place on AWS with the provider pinned to it."""

    @property
    def region(self) -> Region:
        """What follows from the region: partition, DNS suffix, names of endpoints."""
        return table()[self.place.region]


def provider(name: str, place: Place, tags: Mapping[str, str], emulated: bool) -> aws.Provider:
    """The provider of one place: refuses every other account, and tags everything that can be tagged."""
    url = emulator.url("AWS_ENDPOINT_URL") if emulated else None
    return aws.Provider(
        name,
        region=place.region,
        allowed_account_ids=[place.account],
        default_tags={"tags": dict(tags)},
        access_key="testing" if url else None,
        secret_key="testing" if url else None,
        skip_credentials_validation=True if url else None,
        skip_metadata_api_check=True if url else None,
        s3_use_path_style=True if url else None,
        endpoints=[_endpoints(url)] if url else None,
        # S3 Control puts the account before the host name, which loopback does not resolve: the emulator is
        # the proxy for such names, and is called directly otherwise.
        http_proxy=url,
        no_proxy="127.0.0.1,localhost" if url else None,
    )


def _endpoints(url: str) -> aws.ProviderEndpointArgs:
    return aws.ProviderEndpointArgs(**dict.fromkeys(EMULATED, url))
