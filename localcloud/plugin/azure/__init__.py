"""The stand-in for the azure-native plugin: the real provider's checks, bodies and outputs over the local ARM."""

from __future__ import annotations

from localcloud.plugin.provider import Provider


def provider() -> Provider:
    """A provider that is not configured yet."""
    from localcloud.plugin.azure.provider import AzureProvider

    return AzureProvider()
