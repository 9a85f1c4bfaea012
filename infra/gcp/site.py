"""One project and region as a provider: every resource gets this explicit provider, never a default one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi_gcp as gcp

from infra import emulator
from infra.gcp.place import Place
from infra.gcp.rest import Rest
from infra.naming import labels
from infra.settings import Environment
from infra.site import BaseSite

# Where the provider finds each service the zone's resources call, below the emulator's address: the service (the
# first label of Google's host) and the path that the provider's own default for this setting has.
EMULATED = {
    "access_context_manager": "accesscontextmanager/v1/",
    "artifact_registry": "artifactregistry/v1/",
    "billing_budgets": "billingbudgets/v1/",
    "cloud_billing": "cloudbilling/v1/",
    "compute": "compute/compute/v1/",
    "dns": "dns/dns/v1/",
    "iam": "iam/v1/",
    "iam_beta": "iam/v1/",
    "iam_credentials": "iamcredentials/v1/",
    "kms": "cloudkms/v1/",
    "logging": "logging/v2/",
    "monitoring": "monitoring/",
    "resource_manager": "cloudresourcemanager/v1/",
    "resource_manager_v3": "cloudresourcemanager/v3/",
    "secret_manager": "secretmanager/v1/",
    "service_networking": "servicenetworking/v1/",
    "service_usage": "serviceusage/v1beta1/",  # where generateServiceIdentity is
    "storage": "storage/storage/v1/",
}


@dataclass(frozen=True, slots=True)
class Site(BaseSite[Place, gcp.Provider]):
    """A place on Google Cloud with the provider pinned to it. `emulator` is the address in Google's stead."""

    emulator: str | None = None

    @property
    def rest(self) -> Rest:
        """The way to ask Google what the provider does not wait for."""
        return Rest(self.place.project, self.emulator)


def emulated(environment: Environment) -> str | None:
    """The address that stands for Google's in this environment; raises pulumi.RunError unless it is loopback."""
    return emulator.url("DISPATCH_GCP_ENDPOINT").rstrip("/") if environment.emulator else None


def provider(name: str, place: Place, tags: Mapping[str, str], url: str | None) -> gcp.Provider:
    """The provider of one place, which labels everything that can be labelled; `url` is the emulator's.

    Calls are billed to, and count against the quota of, the zone's own project: without that, a person's own
    credentials (`gcloud auth application-default login`) are refused by half of the services.
    """
    # Any: the provider has some hundred settings of this form, and no type that names them.
    endpoints: dict[str, Any] = {
        f"{service}_custom_endpoint": f"{url}/{path}" for service, path in EMULATED.items()
    }
    pinned: gcp.Provider = gcp.Provider(
        name,
        project=place.project,
        region=place.region,
        default_labels=labels(tags),
        add_pulumi_attribution_label=False,  # `managed-by` says it already
        user_project_override=True,
        billing_project=place.project,
        access_token="testing" if url else None,
        **(endpoints if url else {}),
    )
    return pinned
