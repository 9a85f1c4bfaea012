"""What a zone on Azure says in a stack's configuration: names, types and ranges only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from infra import base
from infra.base import Cidr, Settings

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = r"[A-Za-z0-9_.()-]+"
_GROUP = rf"^/subscriptions/{GUID}/resourceGroups/{_NAME}"


def _id(kind: str, tail: str = "") -> StringConstraints:
    """The form of a resource id of `kind`, such as `Microsoft.Storage/storageAccounts`, that may end in `tail`."""
    provider, *types = kind.split("/")
    parts = "".join(rf"/{part}/{_NAME}" for part in types)
    return StringConstraints(pattern=rf"{_GROUP}/providers/{provider.replace('.', '[.]')}{parts}{tail}$")


Guid = Annotated[str, StringConstraints(pattern=rf"^{GUID}$")]
VmSize = Annotated[str, StringConstraints(pattern=r"^Standard_[A-Z][A-Za-z0-9]*(-\d+[a-z]*)?(_[A-Za-z0-9]+)*$")]
ContainerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")]
Host = Annotated[str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+$")]
KeyId = Annotated[str, _id("Microsoft.KeyVault/vaults/keys")]
VersionedKeyId = Annotated[str, _id("Microsoft.KeyVault/vaults/keys", r"(/versions/[0-9a-f]{32})?")]
VnetId = Annotated[str, _id("Microsoft.Network/virtualNetworks")]
SubnetId = Annotated[str, _id("Microsoft.Network/virtualNetworks/subnets")]
DnsZoneId = Annotated[str, _id("Microsoft.Network/privateDnsZones")]


class Network(Settings):
    """Where jobs and agents run. `private`: a network of our own. `existing`: one by ids. `public`: none.

    Private endpoints lie in the network, or in `endpointsSubnet` of an existing one. Jobs run in the workspace's
    managed network, or in the network itself (`managedNetwork: false`; `jobsSubnet` of an existing one).
    `agents` gives agents in a network of our own a way to Azure's sign-in and management, which have no private
    endpoints. `egress: nat` lets jobs reach the internet; `fqdns` are hosts that jobs in a managed network
    without it may reach nevertheless, through a firewall that costs by the hour. `dnsZones` are central private
    DNS zones by their names (`privatelink.api.azureml.ms`); what is not named is built.
    """

    mode: Literal["private", "public", "existing"] = "private"
    cidr: Cidr = ipaddress.IPv4Network("10.128.0.0/16")
    egress: Literal["none", "nat"] | None = None
    agents: bool = False
    fqdns: tuple[Host, ...] = ()
    vnet: VnetId | None = None
    endpoints_subnet: SubnetId | None = None
    jobs_subnet: SubnetId | None = None
    dns_zones: dict[str, DnsZoneId] = Field(default_factory=dict)


class ExistingBuckets(Settings):
    """Containers of an adopted storage account, when they are called otherwise than data, output, checkpoints."""

    data: ContainerName | None = None
    output: ContainerName | None = None
    checkpoints: ContainerName | None = None


class ExistingKeys(Settings):
    """Customer-managed keys to adopt, by their resource ids.

    Storage and registry follow the rotation of theirs. A workspace does not: for one that is built, the id of the
    key of logs ends in the version that it uses.
    """

    data: KeyId | None = None
    registry: KeyId | None = None
    logs: VersionedKeyId | None = None


class Existing(Settings):
    """What is already there and is to be used instead of being built, by resource ids.

    None of an adopted thing's settings is touched. The zone's identities are new, so they are given their roles on
    it: whoever deploys must be allowed to assign roles there.
    """

    storage: Annotated[str, _id("Microsoft.Storage/storageAccounts")] | None = None
    buckets: ExistingBuckets = ExistingBuckets()
    vault: Annotated[str, _id("Microsoft.KeyVault/vaults")] | None = None
    keys: ExistingKeys = ExistingKeys()
    registry: Annotated[str, _id("Microsoft.ContainerRegistry/registries")] | None = None
    workspace: Annotated[str, _id("Microsoft.MachineLearningServices/workspaces")] | None = None
    log_analytics: Annotated[str, _id("Microsoft.OperationalInsights/workspaces")] | None = None


class Compute(base.Compute):
    """Hardware a queue may name: a cluster of VMs of one size."""

    instance: VmSize


class Federation(base.Federation):
    """The identity provider of CI, and whose tokens may be the agent. Without `audience`, Azure's own."""

    audience: str | None = None


class Zone(base.BaseZone):
    """One landing zone around one Azure ML workspace in one subscription and region.

    `submitters` are object ids of Entra groups whose members may submit as themselves; without any, whoever
    deploys may. `environment` is the Azure cloud, each with its own sign-in and addresses. `cosmosPrincipal` is
    the object id of Azure Cosmos DB's service principal, where whoever deploys may not read the directory.
    """

    cloud: Literal["azure"]
    subscription: Guid
    environment: Literal["public", "usgovernment"] = "public"
    network: Network = Network()
    managed_network: bool | None = None
    existing: Existing = Existing()
    submitters: tuple[Guid, ...] = ()
    cosmos_principal: Guid | None = None
    federation: Federation | None = None
    compute: tuple[Compute, ...] = ()
    instance_types: tuple[VmSize, ...] = ()
    retention_days: Annotated[int, Field(ge=30, le=3650)] = 365  # Log Analytics keeps a month at least

    account_settings: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "accountScope": base.ACCOUNT_SETTINGS["accountScope"],
        "audit": base.ACCOUNT_SETTINGS["audit"],
        "budget": base.ACCOUNT_SETTINGS["budget"],
        "environment": lambda zone: zone.environment,
    }

    @property
    def account(self) -> str:
        """The subscription: what this cloud bills, limits and audits as one."""
        return self.subscription

    @property
    def private(self) -> bool:
        """Whether workspace, storage, vault and registry are reached by private endpoints only."""
        return self.network.mode != "public"

    @property
    def managed(self) -> bool:
        """Whether jobs run in the workspace's managed network: what the zone says, else what it names."""
        if self.managed_network is not None:
            return self.managed_network
        return self.private and self.network.jobs_subnet is None

    @property
    def egress(self) -> Literal["none", "nat"]:
        """Whether jobs reach the internet: private zones say so themselves, public ones always do."""
        return self.network.egress or ("none" if self.private else "nat")

    @property
    def gateway(self) -> bool:
        """Whether the zone's own network has a NAT gateway.

        Azure has private endpoints neither for its sign-in nor for what manages resources. Whoever has to reach
        them from the network needs a way out, which the rules then narrow to these two.
        """
        return self.network.mode == "private" and (self.egress == "nat" or not self.managed or self.network.agents)


_GROUP_EXAMPLE = "/subscriptions/.../resourceGroups/ml/providers"


def _example(kind: str) -> str:
    provider, *types = kind.split("/")
    return "/".join([_GROUP_EXAMPLE, provider, *(f"{part}/NAME" for part in types)])


_SIZE = "a VM size", "Standard_D4s_v3"
_RESOURCE = "the resource id of"
# What a text must look like, in words and as an example, by the key it stands under.
FORMS: Mapping[int | str, tuple[str, str]] = {
    "subscription": ("the id of a subscription, in small letters", "11111111-2222-4333-8444-555555555555"),
    "submitters": ("the object id of an Entra group", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
    "cosmosPrincipal": ("the object id of a service principal", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
    "fqdns": ("the name of a host, without https://", "pypi.org"),
    "vnet": (f"{_RESOURCE} a virtual network", _example("Microsoft.Network/virtualNetworks")),
    "endpointsSubnet": (f"{_RESOURCE} a subnet", _example("Microsoft.Network/virtualNetworks/subnets")),
    "jobsSubnet": (f"{_RESOURCE} a subnet", _example("Microsoft.Network/virtualNetworks/subnets")),
    "dnsZones": (f"{_RESOURCE} a private DNS zone", _example("Microsoft.Network/privateDnsZones")),
    "storage": (f"{_RESOURCE} a storage account", _example("Microsoft.Storage/storageAccounts")),
    "buckets": ("the name of a container: 3 to 63 lower-case letters, digits and single hyphens", "train-data"),
    "vault": (f"{_RESOURCE} a key vault", _example("Microsoft.KeyVault/vaults")),
    "keys": (f"{_RESOURCE} a key", _example("Microsoft.KeyVault/vaults/keys")),
    "logs": (
        f"{_RESOURCE} a key with its version",
        f"{_example('Microsoft.KeyVault/vaults/keys')}/versions/0123456789abcdef0123456789abcdef",
    ),
    "registry": (f"{_RESOURCE} a container registry", _example("Microsoft.ContainerRegistry/registries")),
    "workspace": (
        f"{_RESOURCE} an Azure ML workspace",
        _example("Microsoft.MachineLearningServices/workspaces"),
    ),
    "logAnalytics": (
        f"{_RESOURCE} a Log Analytics workspace",
        _example("Microsoft.OperationalInsights/workspaces"),
    ),
    "issuer": ("an issuer without https://", "token.actions.githubusercontent.com"),
    "instance": _SIZE,
    "instanceTypes": _SIZE,
}
# What to add where a required key is missing.
MEANING: Mapping[str, str] = {
    "subscription": "the id of the subscription, such as subscription: 11111111-2222-4333-8444-555555555555",
    "region": "such as region: westeurope",
    "name": "a short name such as name: azure-weu",
}
