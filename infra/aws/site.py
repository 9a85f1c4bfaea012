"""One account and region as a provider: every resource gets this explicit provider, never a default one."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from infra.aws.place import Place
from infra.aws.regions import Region

# The services the zone's resources call; an emulator must answer all of them at one address.
EMULATED = ("budgets", "cloudtrail", "cloudwatchlogs", "ec2", "ecr", "iam", "kms", "s3", "s3control", "sts")


@dataclass(frozen=True, slots=True)
class Site:
    """A place with the provider pinned to it; makes the names and options of what is built there.

    `settings` is where the stack's file speaks of it, such as `launchway:zones[0]`.
    """

    place: Place
    region: Region
    provider: aws.Provider
    settings: str = ""

    def name(self, concern: str, use: str = "") -> str:
        """The logical name `<zone>-<concern>-<use>`."""
        return "-".join(filter(None, (self.place.name, concern, use)))

    def child(
        self,
        parent: pulumi.Resource,
        *,
        after: Sequence[pulumi.Resource] = (),
        keep: bool = False,
        renamed_from: Sequence[str] = (),
        hooks: pulumi.ResourceHookBinding | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of a resource: parent, provider, and protection of what holds data unless it is disposable.

        `keep` marks what must outlive a careless destroy. `renamed_from` are earlier logical names, so that a
        rename in a new release moves the resource instead of replacing it.
        """
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=list(after) or None,
            protect=keep and not self.place.disposable,
            aliases=[pulumi.Alias(name=name) for name in renamed_from] or None,
            hooks=hooks,
        )

    def setting(self, path: str) -> str:
        """The whole path of a setting of this place."""
        return f"{self.settings}.{path}"

    def ask(self, parent: pulumi.Resource) -> pulumi.InvokeOptions:
        """Options of a lookup: this provider, like everything else."""
        return pulumi.InvokeOptions(parent=parent, provider=self.provider)


def emulator_url() -> str:
    """The emulator's address from AWS_ENDPOINT_URL; raises pulumi.RunError unless it is on this machine."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    host = urlsplit(url).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        where = f"AWS_ENDPOINT_URL is {url!r}, not a loopback address" if url else "AWS_ENDPOINT_URL is not set"
        raise pulumi.RunError(f"launchway:emulator is on, but {where}; run it as `localcloud run -- pulumi ...`")
    return url


def provider(name: str, place: Place, tags: Mapping[str, str], emulator: bool) -> aws.Provider:
    """The provider of one place: refuses every other account, and tags everything that can be tagged."""
    url = emulator_url() if emulator else None
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
