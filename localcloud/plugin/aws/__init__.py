"""The stand-in for the AWS plugin: the real provider's inputs, checks and outputs over boto3 on the local AWS."""

from __future__ import annotations

from localcloud.plugin.provider import Provider


def provider() -> Provider:
    """A provider that is not configured yet."""
    from localcloud.plugin.aws.provider import AwsProvider

    return AwsProvider()
