"""Which APIs the project has enabled, and the refusal of those that it has not."""

from __future__ import annotations

from dataclasses import dataclass, field

from localcloud.gcp.errors import GoogleError, info
from localcloud.gcp.state import NUMBER, State

# cloud.google.com/service-usage/docs/enabled-service (enabled by default), and what a deployer must have enabled
# by hand before a provider can enable anything: cloudresourcemanager.
FROM_THE_START = (
    "bigquery.googleapis.com",
    "bigquerystorage.googleapis.com",
    "cloudapis.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudtrace.googleapis.com",
    "datastore.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "servicemanagement.googleapis.com",
    "serviceusage.googleapis.com",
    "sql-component.googleapis.com",
    "storage-api.googleapis.com",
    "storage-component.googleapis.com",
    "storage.googleapis.com",
)


@dataclass
class Enabled:
    """The enabled services by name, such as `cloudkms.googleapis.com`."""

    state: State
    services: set[str] = field(default_factory=lambda: set(FROM_THE_START))


def require(state: State, service: str) -> None:
    """Raises GoogleError as an API does that the project has not enabled."""
    with state.lock:
        if service in state.store(Enabled).services:
            return
    console = f"https://console.developers.google.com/apis/api/{service}/overview?project={NUMBER}"
    text = (
        f"{service} API has not been used in project {NUMBER} before or it is disabled. Enable it by visiting "
        f"{console} then retry. If you enabled this API recently, wait a few minutes for the action to propagate "
        "to our systems and retry."
    )
    detail = info("SERVICE_DISABLED", service=service, consumer=f"projects/{NUMBER}", activationUrl=console)
    raise GoogleError("PERMISSION_DENIED", text, reason="accessNotConfigured", details=[detail])
