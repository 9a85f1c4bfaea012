"""What a zone on Google Cloud says in a stack's configuration: names, types and ranges only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from infra import base
from infra.base import Cidr, Settings

Project = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
MachineType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)+(\+\d+x[A-Za-z0-9-]+)?$")]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$")]
Key = Annotated[
    str, StringConstraints(pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[\w-]{1,63}/cryptoKeys/[\w-]{1,63}$")
]
_PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_NAME = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"

# Which Google APIs a PSC endpoint leads to: all of them, or those that VPC Service Controls protects.
Bundle = Literal["all-apis", "vpc-sc"]


class Network(Settings):
    """Where jobs and agents run. `private`: a network of our own. `existing`: one by name. `public`: none.

    `jobs` is how a job reaches it: a network interface of its own (`psc-interface`), Google's network peered
    with ours (`peering`, with the range Google takes addresses from), or not at all (`google`).
    `endpoint` is the PSC endpoint for Google APIs that agents in the network use; `endpointRule` its name.
    """

    mode: Literal["private", "public", "existing"] = "private"
    cidr: Cidr = ipaddress.IPv4Network("10.64.0.0/16")
    egress: Literal["none", "nat"] | None = None
    jobs: Literal["psc-interface", "peering", "google"] | None = None
    peering_range: Cidr | None = None
    endpoint: Literal["all-apis", "vpc-sc", "none"] | None = None
    endpoint_rule: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,19}$")] | None = None
    network: (
        Annotated[str, StringConstraints(pattern=rf"^projects/{_PROJECT}/global/networks/{_NAME}$")] | None
    ) = None
    subnetwork: (
        Annotated[str, StringConstraints(pattern=rf"^projects/{_PROJECT}/regions/[a-z0-9-]+/subnetworks/{_NAME}$")]
        | None
    ) = None
    network_attachment: (
        Annotated[
            str, StringConstraints(pattern=rf"^projects/{_PROJECT}/regions/[a-z0-9-]+/networkAttachments/{_NAME}$")
        ]
        | None
    ) = None
    reserved_ranges: tuple[Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")], ...] = ()
    endpoints: dict[Bundle, Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]] = Field(
        default_factory=dict
    )


class ExistingBuckets(Settings):
    """Buckets to adopt by name. An adopted bucket is used as it is: none of its settings is touched."""

    data: BucketName | None = None
    output: BucketName | None = None
    checkpoints: BucketName | None = None
    staging: BucketName | None = None


class ExistingKeys(Settings):
    """Customer-managed keys to adopt, by their full names."""

    data: Key | None = None
    registry: Key | None = None
    logs: Key | None = None


class Existing(Settings):
    """What is already there and is to be used instead of being built.

    `registry` is a repository's id in the zone's project and region. `log_bucket` takes the audit log,
    `perimeter` is enforced by whoever keeps it.
    """

    buckets: ExistingBuckets = ExistingBuckets()
    keys: ExistingKeys = ExistingKeys()
    registry: Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")] | None = None
    federation: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}$"
            ),
        ]
        | None
    ) = None
    log_bucket: (
        Annotated[str, StringConstraints(pattern=rf"^projects/{_PROJECT}/locations/[a-z0-9-]+/buckets/[\w.-]+$")]
        | None
    ) = None
    perimeter: Annotated[str, StringConstraints(pattern=r"^accessPolicies/\d+/servicePerimeters/\w+$")] | None = (
        None
    )


class Compute(base.Compute):
    """Hardware a queue may name, by its machine type (the accelerators follow from it)."""

    instance: MachineType


class Federation(base.Federation):
    """The identity provider of CI, and whose tokens may be the agent. Without `audience`, the provider's name."""

    audience: str | None = None


class Perimeter(Settings):
    """A VPC Service Controls perimeter around the project; it only reports until `enforced`.

    `accessLevels` are names of levels of the policy that let people in from outside.
    """

    access_policy: Annotated[str, StringConstraints(pattern=r"^\d+$")]
    enforced: bool = False
    access_levels: tuple[
        Annotated[str, StringConstraints(pattern=r"^accessPolicies/\d+/accessLevels/\w+$")], ...
    ] = ()


class Zone(base.BaseZone):
    """One landing zone in one Google Cloud project and region.

    `imageProjects` are other projects whose images jobs may use, once their owner lets the service agents read
    them. `customCode` says that the project has run a custom job, so that the agent made by it is there.
    """

    cloud: Literal["gcp"]
    project: Project
    network: Network = Network()
    existing: Existing = Existing()
    principals: tuple[
        Annotated[
            str,
            StringConstraints(
                pattern=r"^((user|group|serviceAccount):[^@\s*]+@[a-z0-9.-]+|principal(Set)?://iam\.googleapis\.com/.+)$"
            ),
        ],
        ...,
    ] = ()
    federation: Federation | None = None
    perimeter: Perimeter | None = None
    image_projects: tuple[Project, ...] = ()
    custom_code: bool = False
    billing_account: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{6}(-[0-9A-F]{6}){2}$")] | None = None
    compute: tuple[Compute, ...] = ()
    instance_types: tuple[MachineType, ...] = ()
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 365  # what Cloud Logging takes

    account_settings: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        **base.ACCOUNT_SETTINGS,
        "customCode": lambda zone: base.chosen(zone, "custom_code"),
        "billingAccount": lambda zone: zone.billing_account,
        "existing.logBucket": lambda zone: zone.existing.log_bucket,
        "existing.perimeter": lambda zone: zone.existing.perimeter,
        "perimeter": lambda zone: zone.perimeter,
    }

    @property
    def account(self) -> str:
        """The project: what this cloud bills, limits and audits as one."""
        return self.project

    @property
    def jobs(self) -> Literal["psc-interface", "peering", "google"]:
        """How jobs reach the zone's network: what it says, else what it names, else an interface of their own."""
        network = self.network
        if network.jobs or network.mode == "private":
            return network.jobs or "psc-interface"
        if network.mode == "existing" and network.network_attachment:
            return "psc-interface"
        return "peering" if network.mode == "existing" and network.reserved_ranges else "google"


_TYPE = "a machine type", "g2-standard-8"
# What a text must look like, in words and as an example, by the key it stands under.
FORMS: Mapping[int | str, tuple[str, str]] = {
    "project": (
        "a project id: 6 to 30 lower-case letters, digits and hyphens, a letter first, no hyphen last",
        "acme-ml-eu",
    ),
    "imageProjects": ("a project id", "acme-images"),
    "endpointRule": ("the name of a PSC endpoint: at most 20 letters and digits, a letter first", "gcpusc1"),
    "network": ("the name of a network", "projects/acme-net/global/networks/shared"),
    "subnetwork": ("the name of a subnetwork", "projects/acme-net/regions/europe-west4/subnetworks/ml"),
    "networkAttachment": (
        "the name of a network attachment",
        "projects/acme-net/regions/europe-west4/networkAttachments/ml",
    ),
    "reservedRanges": ("the name of a reserved range", "vertex-peering"),
    "endpoints": ("the address of a PSC endpoint", "10.255.0.2"),
    "buckets": (
        "the name of a bucket: 3 to 63 lower-case letters, digits, dots, hyphens and underscores",
        "acme-training-data",
    ),
    "keys": (
        "the name of a key",
        "projects/acme-ml-eu/locations/europe-west4/keyRings/ml/cryptoKeys/data",
    ),
    "registry": ("the id of a repository in the zone's project and region", "images"),
    "federation": (
        "the name of a workload identity provider",
        "projects/112233445566/locations/global/workloadIdentityPools/ci-pool/providers/github",
    ),
    "logBucket": ("the name of a log bucket", "projects/acme-ml-eu/locations/europe-west4/buckets/audit"),
    "perimeter": ("the name of a service perimeter", "accessPolicies/123456789/servicePerimeters/ml"),
    "accessPolicy": ("the number of an access policy", '"123456789"'),
    "accessLevels": ("the name of an access level", "accessPolicies/123456789/accessLevels/office"),
    "billingAccount": ("the id of a billing account", "012345-6789AB-CDEF01"),
    "principals": ("a member", "user:ada@example.com, group:ml@example.com or serviceAccount:ci@..."),
    "issuer": ("an issuer without https://", "token.actions.githubusercontent.com"),
    "instance": _TYPE,
    "instanceTypes": _TYPE,
}
# What to add where a required key is missing.
MEANING: Mapping[str, str] = {
    "project": "the id of the project, such as project: acme-ml-eu",
    "region": "such as region: europe-west4",
    "name": "a short name such as name: gcp-euw4",
}
