"""The typed stack output that `infra` exports and `dispatch sync` reads: version 1 of the contract.

Frozen dataclasses, so that commands which only read an already checked contract start without pydantic
(docs/decisions/0001-contract-as-dataclasses.md). `parse` checks a document in full and names every
problem with its path; `trusted` rebuilds one that `parse` has accepted before. Unknown fields of a newer
minor revision are ignored by the types and kept in the stored document; a newer `version` is refused.
No secret is ever in it: references and names only.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from dispatcher import records
from dispatcher.errors import Problem, SpecError

VERSION = 1

CODE_FOLDER = "code"
"""Folder of a zone's data bucket where the agent puts the code of jobs, and the only one it may write to."""
CODE_DAYS = 180
"""Days after which a zone deletes an archive of code. One folder gets a new archive twice in that time."""

Regime = Literal["none", "gdpr", "hipaa"]
NetworkMode = Literal["private", "public", "existing"]
Egress = Literal["none", "nat"]
Tier = Literal["on-demand", "spot"]
WandbMode = Literal["disabled", "offline", "online"]
WandbRoute = Literal["none", "nat", "private-link"]


@dataclass(frozen=True, slots=True)
class Registry:
    """Where images live. `url` is what an image reference starts with; `id` is the cloud's own id (ARN)."""

    url: str
    id: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket or container; `uri` (`s3://`, `gs://`, `https://`, `azureml://`) has no trailing slash."""

    name: str
    uri: str


@dataclass(frozen=True, slots=True)
class Buckets:
    """The zone's buckets; `staging` exists on GCP only, `logs` wherever access logs are objects."""

    data: Bucket
    output: Bucket
    checkpoints: Bucket
    staging: Bucket | None = None
    logs: Bucket | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """Ids of the customer-managed keys, one per use: key ARN, crypto key name, or key identifier."""

    data: str
    registry: str
    logs: str


@dataclass(frozen=True, slots=True)
class Identities:
    """Who runs the job (`execution`), who submits it (`agent`), and what CI signs in through.

    AWS: role ARNs and the OIDC provider's ARN. GCP: service account e-mails and the workload identity
    provider's name. Azure: resource ids of user-assigned identities and of the federated credential.
    """

    execution: str
    agent: str
    federation: str | None = None
    execution_client_id: str | None = None
    agent_client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """The store that secret references of this zone resolve in: a prefix of names (AWS, GCP), or a vault URI."""

    store: str


@dataclass(frozen=True, slots=True)
class AwsNetworkIds:
    """Ids of the VPC, its private subnets and the job security groups; empty lists when jobs run outside."""

    vpc: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GcpNetworkIds:
    """Resource names of the network, its subnetwork and the network attachment for PSC interfaces."""

    network: str | None = None
    subnetwork: str | None = None
    network_attachment: str | None = None
    reserved_ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AzureNetworkIds:
    """Resource ids of the virtual network and its subnets; `managed` when the workspace owns the network."""

    vnet: str | None = None
    subnets: tuple[str, ...] = ()
    managed: bool = False


@dataclass(frozen=True, slots=True)
class AwsNetwork:
    """`endpoints` maps a service's short name (`sagemaker.api`, `s3`) to its VPC endpoint id."""

    mode: NetworkMode
    egress: Egress
    ids: AwsNetworkIds
    endpoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GcpNetwork:
    """`endpoints` maps a PSC bundle (`all-apis`, `vpc-sc`) to its address; `perimeter` is enforced VPC-SC."""

    mode: NetworkMode
    egress: Egress
    ids: GcpNetworkIds
    endpoints: Mapping[str, str] = field(default_factory=dict)
    perimeter: str | None = None


@dataclass(frozen=True, slots=True)
class AzureNetwork:
    """`endpoints` maps a group id (`amlworkspace`, `blob`, `vault`) to its private endpoint's resource id."""

    mode: NetworkMode
    egress: Egress
    ids: AzureNetworkIds
    endpoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compute:
    """Hardware that a queue may name; `min` and `max` count instances. On Azure each one is a cluster."""

    name: str
    instance: str
    min: int = 0
    max: int = 1
    tier: Tier = "on-demand"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may ask for: allowed instance types (empty: any), nodes, and run time in seconds."""

    instance_types: tuple[str, ...] = ()
    max_nodes: int = 1
    max_runtime: int = 432_000


@dataclass(frozen=True, slots=True)
class WandbControls:
    """Whether jobs may talk to W&B, to which host, and by which declared route."""

    host: str | None = None
    route: WandbRoute = "none"
    mode: WandbMode = "disabled"


@dataclass(frozen=True, slots=True)
class Controls:
    """Rules of the zone that the dispatcher enforces on every request."""

    network_isolation: bool
    wandb: WandbControls
    retention_days: int


@dataclass(frozen=True, slots=True)
class Actions:
    """The exact cloud actions each identity was given, for `dispatch doctor` and for error messages."""

    agent: tuple[str, ...] = ()
    execution: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AwsZone:
    """A landing zone in one AWS account and region."""

    cloud: Literal["aws"]
    region: str
    account: str
    partition: str
    registry: Registry
    buckets: Buckets
    keys: Keys
    identities: Identities
    secrets: Secrets
    network: AwsNetwork
    limits: Limits
    controls: Controls
    compute: tuple[Compute, ...] = ()
    actions: Actions = Actions()


@dataclass(frozen=True, slots=True)
class GcpZone:
    """A landing zone in one GCP project and region; `project_number` names the network in job requests.

    `image_projects` are other projects whose Artifact Registry the Vertex service agent may read.
    """

    cloud: Literal["gcp"]
    region: str
    project: str
    project_number: str
    registry: Registry
    buckets: Buckets
    keys: Keys
    identities: Identities
    secrets: Secrets
    network: GcpNetwork
    limits: Limits
    controls: Controls
    compute: tuple[Compute, ...] = ()
    actions: Actions = Actions()
    image_projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AzureZone:
    """A landing zone around one Azure ML workspace; `azure_cloud` chooses endpoints and DNS suffixes."""

    cloud: Literal["azure"]
    region: str
    subscription: str
    resource_group: str
    workspace: str
    azure_cloud: Literal["public", "usgovernment"]
    registry: Registry
    buckets: Buckets
    keys: Keys
    identities: Identities
    secrets: Secrets
    network: AzureNetwork
    limits: Limits
    controls: Controls
    compute: tuple[Compute, ...] = ()
    actions: Actions = Actions()


Zone = AwsZone | GcpZone | AzureZone
ZONES: Mapping[str, type[Zone]] = {"aws": AwsZone, "gcp": GcpZone, "azure": AzureZone}


@dataclass(frozen=True, slots=True)
class Contract:
    """One environment: its zones by name. `updated_at` is UTC, RFC 3339, the time of the last `pulumi up`."""

    current: ClassVar[int] = VERSION

    version: int
    updated_at: str
    environment: str
    regime: Regime
    zones: Mapping[str, Zone]


def parse(document: object, source: str = "contract") -> Contract:
    """Check a contract document (the decoded JSON of the stack output) and return it typed.

    Raises SpecError with every problem and its path, among them a `version` newer than this program's.
    """
    if not isinstance(document, Mapping):
        raise SpecError([Problem(source, None, "", "the contract is not a JSON object", _RESYNC)])
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        rule = f"contract version {version} is newer than this program understands ({VERSION})"
        raise SpecError([Problem(source, None, "version", rule, "upgrade launchway: pip install -U launchway")])
    zones = document.get("zones")
    problems: list[Problem] = []
    typed: dict[str, Zone] = {}
    for name, zone in zones.items() if isinstance(zones, Mapping) else ():
        cloud = zone.get("cloud") if isinstance(zone, Mapping) else None
        kind = ZONES.get(cloud) if isinstance(cloud, str) else None
        if kind is None:
            rule = f"cloud is {cloud!r}, not one of {', '.join(ZONES)}"
            problems.append(Problem(source, None, f"zones.{name}.cloud", rule))
        elif checked := _check(kind, zone, f"zones.{name}", source, problems):
            typed[name] = checked
    outer = {**document, "zones": {}} if isinstance(zones, Mapping) else document
    contract = _check(Contract, outer, "", source, problems)
    if problems or contract is None:
        raise SpecError(problems)
    checked_contract: Contract = dataclasses.replace(contract, zones=typed)
    return checked_contract


_RESYNC = "it is the output `contract` of the stack: run `pulumi up`, then `dispatch sync`"


def _check(kind: type[Any], data: object, prefix: str, source: str, problems: list[Problem]) -> Any | None:
    """Validate strictly with pydantic; on failure append one Problem per error and return None."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(_json(data), strict=True)
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_input=False):
            path = ".".join(filter(None, [prefix, *map(str, wrong["loc"])]))
            problems.append(Problem(source, None, path, wrong["msg"][:1].lower() + wrong["msg"][1:], _RESYNC))
        return None


def _json(data: object) -> str:
    import json

    return json.dumps(data)


def as_json(value: Contract | Zone) -> dict[str, Any]:
    """Return the document of a contract or zone, ready for `json.dumps`; absent optional values are left out."""

    return typing.cast(dict[str, Any], records.plain(value))


def trusted(document: Mapping[str, Any]) -> Zone:
    """Rebuild a zone from JSON that `parse` accepted before (a row of the ledger), without checking it again."""
    zone: Zone = records.rebuild(ZONES[document["cloud"]], document)
    return zone
