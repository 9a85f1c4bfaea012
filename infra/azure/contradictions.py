"""Rules between the settings of zones on Azure. One small function per rule."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator

from pydantic.alias_generators import to_camel

from infra.azure import regions, together
from infra.azure.dns import dns_zones
from infra.azure.resource_id import parse
from infra.azure.settings import Zone

# (path in the zone, rule, remedy)
Found = tuple[str, str, str]

# Four blocks share the zone's range. A subnet takes /29 at least, and Azure keeps five addresses of each; a
# cluster takes one per node.
SMALLEST_RANGE, LARGEST_RANGE = 24, 8
# Names of clusters (the pattern of Microsoft.MachineLearningServices/workspaces/computes).
CLUSTER_NAME = re.compile(r"^[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9-]{2,23}$")
LONGEST_JOB_HOURS = 504  # 21 days (learn.microsoft.com/azure/machine-learning/how-to-manage-quotas)
LOW_PRIORITY = (
    "clusters of low priority ended on 2026-03-31, and vmPriority knows no Spot "
    "(learn.microsoft.com/azure/machine-learning/how-to-manage-optimize-cost)"
)


def _region(zone: Zone) -> Iterator[Found]:
    known = regions.table()
    if zone.region in known[zone.environment]:
        return
    for cloud, names in known.items():
        if zone.region in names:
            yield "environment", f"{zone.region} is a region of {cloud}, not {zone.environment}", f"set {cloud}"
            return
    close = difflib.get_close_matches(zone.region, known[zone.environment], n=1)
    guess = f"did you mean {close[0]}?" if close else f"one of {', '.join(known[zone.environment])}"
    yield "region", f"{zone.region!r} is not a region of Azure ({zone.environment})", guess


def _subscriptions(zone: Zone) -> Iterator[Found]:
    """What is adopted is looked up by the zone's provider, which knows one subscription; DNS zones are not."""
    existing, network = zone.existing, zone.network
    named = {f"existing.{use}": getattr(existing, field) for use, field in _ADOPTED.items()}
    named |= {f"existing.keys.{use}": getattr(existing.keys, use) for use in type(existing.keys).model_fields}
    named |= {f"network.{to_camel(field)}": getattr(network, field) for field in _NETWORK}
    for path, id in named.items():
        if id and parse(id).subscription != zone.subscription:
            rule = f"{parse(id).name} is in subscription {parse(id).subscription}, the zone in {zone.subscription}"
            yield path, rule, "name one of the zone's own subscription"


_ADOPTED = {
    "storage": "storage",
    "vault": "vault",
    "registry": "registry",
    "workspace": "workspace",
    "logAnalytics": "log_analytics",
}
_NETWORK = ("vnet", "endpoints_subnet", "jobs_subnet")


def _private_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode != "private":
        for name in ("cidr", "agents"):
            if name in network.model_fields_set:
                yield (
                    f"network.{name}",
                    f"mode {network.mode} builds no network",
                    "remove it, or set mode: private",
                )
        return
    if not LARGEST_RANGE <= network.cidr.prefixlen <= SMALLEST_RANGE:
        size = "too small" if network.cidr.prefixlen > SMALLEST_RANGE else "larger than a network can be"
        rule = f"{network.cidr} is {size}"
        yield "network.cidr", rule, f"take a range from /{LARGEST_RANGE} to /{SMALLEST_RANGE}"
    for name in _NETWORK:
        if getattr(network, name):
            yield f"network.{to_camel(name)}", "mode private builds its own", "set mode: existing, or remove it"


def _existing_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode != "existing":
        return
    for name, example in (("vnet", "virtualNetworks/NAME"), ("endpoints_subnet", "subnets/NAME")):
        if getattr(network, name) is None:
            rule = f"mode existing needs the id of the {'network' if name == 'vnet' else 'subnet for endpoints'}"
            yield f"network.{to_camel(name)}", rule, f"add {to_camel(name)}: /subscriptions/.../{example}"
    for name in ("endpoints_subnet", "jobs_subnet"):
        subnet = getattr(network, name)
        if subnet and network.vnet and not subnet.startswith(f"{network.vnet}/subnets/"):
            yield f"network.{to_camel(name)}", f"it is not a subnet of {network.vnet}", "name one of that network"
    if zone.managed_network is False and network.jobs_subnet is None:
        rule = "managedNetwork: false needs a subnet that jobs run in"
        yield "network.jobsSubnet", rule, "name it, or remove managedNetwork"
    if zone.managed_network and network.jobs_subnet:
        rule = "jobs run in the workspace's managed network"
        yield "network.jobsSubnet", rule, "remove it, or set managedNetwork: false"


def _public_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode != "public":
        return
    for name in (*_NETWORK, "dns_zones", "fqdns"):
        if getattr(network, name):
            rule = "mode public attaches jobs to no network"
            yield f"network.{to_camel(name)}", rule, "remove it, or set mode: existing"
    if network.egress == "none":
        rule = "nothing keeps jobs without a network off the internet"
        yield "network.egress", rule, "remove it, or set network.mode: private"
    if zone.managed_network:
        rule = "mode public is a zone without private networking"
        yield "managedNetwork", rule, "remove it, or set network.mode: private"
    for index, compute in enumerate(zone.compute):
        if compute.min:
            rule = "mode public has no clusters: jobs run serverless, and no node waits for them"
            yield f"compute[{index}].min", rule, "remove it, or set network.mode: private"


def _hosts(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.fqdns and network.mode != "public":
        if not zone.managed:
            rule = "rules of a network of your own know addresses, not hosts"
            yield "network.fqdns", rule, "remove managedNetwork: false, or use network.egress: nat"
        elif zone.egress == "nat":
            yield "network.fqdns", "egress: nat reaches every host already", "remove one of them"
    known = {name for names in dns_zones(zone.environment).values() for name in names}
    for name, id in zone.network.dns_zones.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            guess = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
            yield f"network.dnsZones.{name}", "no private endpoint of a zone is found by it", guess
        elif parse(id).name != name:
            yield f"network.dnsZones.{name}", f"{id} is the zone {parse(id).name}", "correct one of them"


def _clusters(zone: Zone) -> Iterator[Found]:
    for index, compute in enumerate(zone.compute if zone.private else ()):
        if not CLUSTER_NAME.match(compute.name):
            rule = f"{compute.name!r} is no name of a cluster: 3 to 24 letters, digits and hyphens, no number last"
            yield f"compute[{index}].name", rule, "such as gpu-a100"
        if compute.tier == "spot":
            remedy = "remove tier, or use network.mode: public, where spot jobs run serverless"
            yield f"compute[{index}].tier", LOW_PRIORITY, remedy


def _isolation(zone: Zone) -> Iterator[Found]:
    if zone.network_isolation:
        rule = "Azure ML has no switch that cuts a job off from every network"
        yield "networkIsolation", rule, "use network.egress: none, which approves nothing but the zone's own"


def _wandb(zone: Zone) -> Iterator[Found]:
    wandb = zone.wandb
    if wandb.route == "nat" and zone.egress == "none" and wandb.host not in zone.network.fqdns:
        rule = "route nat needs a way to the internet, and the zone has none"
        host = wandb.host or "HOST"
        yield "wandb.route", rule, f"set network.egress: nat, network.fqdns: [{host}], or route: private-link"


def _adopted(zone: Zone) -> Iterator[Found]:
    existing = zone.existing
    named = [use for use in type(existing.buckets).model_fields if getattr(existing.buckets, use)]
    if named and not existing.storage:
        rule = "a container has no meaning without its storage account"
        yield f"existing.buckets.{named[0]}", rule, "name the account: existing.storage"
    names = [getattr(existing.buckets, use) or use for use in type(existing.buckets).model_fields]
    if existing.storage and len(set(names)) < len(names):
        yield "existing.buckets", "a container is named for two uses", "give each use its own"
    if existing.keys.logs and not existing.workspace and "/versions/" not in existing.keys.logs:
        rule = "a workspace uses one version of its key, and does not follow a rotation"
        yield "existing.keys.logs", rule, "name the version: .../keys/NAME/versions/VERSION"
    if existing.workspace and zone.cosmos_principal:
        rule = "Azure Cosmos DB gets no role on the key of an adopted workspace"
        yield "cosmosPrincipal", rule, "remove it, or existing.workspace"
    if existing.workspace:
        for path, said in (
            ("managedNetwork", zone.managed_network is not None),
            ("network.fqdns", bool(zone.network.fqdns)),
        ):
            if said:
                rule = "an adopted workspace keeps the network it has"
                yield path, rule, "remove it, or existing.workspace"
        yield from _adopted_workspace(zone)


def _adopted_workspace(zone: Zone) -> Iterator[Found]:
    """An adopted workspace gets neither an identity nor a way to anything: jobs can have what it has."""
    if not zone.private:
        rule = "serverless jobs run as identities of their workspace, and an adopted one does not have the zone's"
        yield "existing.workspace", rule, "remove it, or set network.mode: existing"
    elif zone.managed:
        # The private endpoints that a managed network has are for what belongs to the workspace
        # (learn.microsoft.com/azure/machine-learning/how-to-managed-network, List of required rules).
        for use in ("storage", "vault", "registry"):
            if getattr(zone.existing, use) is None:
                rule = "jobs in the network of an adopted workspace reach what that workspace has, nothing new"
                yield f"existing.{use}", rule, f"name the workspace's own {use}, or remove existing.workspace"


def _twice(zone: Zone) -> Iterator[Found]:
    """What is made once of each of these would be made twice under one name."""
    listed = {"submitters": zone.submitters, "network.fqdns": zone.network.fqdns}
    listed["federation.subjects"] = zone.federation.subjects if zone.federation else ()
    for path, values in listed.items():
        for index, value in enumerate(values):
            if value in values[:index]:
                yield f"{path}[{index}]", f"{value!r} is named twice", "remove one of them"


def _tokens(zone: Zone) -> Iterator[Found]:
    for index, subject in enumerate(zone.federation.subjects if zone.federation else ()):
        if "*" in subject or "?" in subject:
            rule = "federated credentials of managed identities know no wildcards"
            yield f"federation.subjects[{index}]", rule, "name each subject in full"
    if zone.federation and len(zone.federation.subjects) > MOST_SUBJECTS:
        rule = f"an identity takes {MOST_SUBJECTS} federated credentials"
        yield "federation.subjects", rule, "name fewer, such as one environment of GitHub"


MOST_SUBJECTS = 20


def _limits(zone: Zone) -> Iterator[Found]:
    if zone.max_runtime_hours > LONGEST_JOB_HOURS:
        rule = f"Azure ML ends a job after {LONGEST_JOB_HOURS} hours"
        yield "maxRuntimeHours", rule, f"{LONGEST_JOB_HOURS} at most"


def _secrets(zone: Zone) -> Iterator[Found]:
    if zone.secrets:
        rule = "Key Vault has no secret without a value, and none is written from here"
        yield "secrets", rule, "remove it: the zone's vault is there, and az keyvault secret set puts secrets in"


ZONE_RULES: tuple[Callable[[Zone], Iterator[Found]], ...] = (
    _region, _subscriptions, _private_network, _existing_network, _public_network, _hosts, _clusters, _isolation,
    _wandb, _adopted, _twice, _tokens, _limits, _secrets,
)  # fmt: skip

# Rules about what several zones say of their subscription.
TOGETHER = together.TOGETHER
