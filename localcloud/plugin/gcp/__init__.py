"""The stand-in for the Google Cloud plugin: the real provider's checks and outputs over the local REST APIs."""

from __future__ import annotations

from localcloud.plugin.provider import Provider


def provider() -> Provider:
    """A provider that is not configured yet."""
    from localcloud.plugin.gcp.provider import GcpProvider

    return GcpProvider()
