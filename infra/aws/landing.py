"""Wire the parts of an AWS zone together and tell the result as the contract's own types."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pulumi

from dispatcher import contract
from infra import compute
from infra.aws import compute as hardware_rules
from infra.aws import idle, storage
from infra.aws.account import Account
from infra.aws.adopted import AdoptedArgs, AdoptedNetwork
from infra.aws.audit import FlowLogs, FlowLogsArgs, flow_log_group
from infra.aws.identity import Identity, IdentityArgs, Tokens
from infra.aws.keys import Keys, KeysArgs
from infra.aws.network import DEFAULT_ZONES, Network, NetworkArgs
from infra.aws.place import Place
from infra.aws.policies import Landing
from infra.aws.registry import Registry, RegistryArgs
from infra.aws.secrets import Secrets, SecretsArgs
from infra.aws.settings import Zone
from infra.aws.site import Site
from infra.aws.sites import site_of_zone
from infra.aws.storage import Storage, StorageArgs
from infra.settings import Environment

# As long as the ids that only the cloud can tell, so that policies can be sized before it has.
ANY_KEY = f"mrk-{'0' * 32}"
ANY_SUBNET = f"subnet-{'0' * 17}"
ANY_GROUP = f"sg-{'0' * 17}"


@dataclass(frozen=True, slots=True)
class JobNetwork:
    """Where jobs are placed; empty when they run outside any VPC."""

    vpc: pulumi.Output[str] | None = None
    subnets: list[pulumi.Output[str]] = field(default_factory=list)
    security_groups: list[pulumi.Output[str]] = field(default_factory=list)
    endpoints: dict[str, pulumi.Output[str]] = field(default_factory=dict)


def build(
    environment: Environment, zone: Zone, account: Account, parent: pulumi.Resource
) -> pulumi.Output[contract.AwsZone]:
    """Build one zone under `parent` and return it as the contract tells it."""
    site = site_of_zone(environment, zone)
    place, existing = site.place, zone.existing
    under = pulumi.ResourceOptions(parent=parent)
    idle.PRICES.tell(zone.name, idle.lines(zone), parent)
    adopted_keys = (existing.keys.data, existing.keys.registry, existing.keys.logs)
    keys = Keys(site.name("keys"), KeysArgs(site, (flow_log_group(place),), *adopted_keys), under)
    registry = Registry(site.name("registry"), RegistryArgs(site, keys.registry, existing.registry), under)
    adopted_buckets = existing.buckets.model_dump()
    buckets = Storage(
        site.name("storage"), StorageArgs(site, keys.data, zone.retention_days, adopted_buckets), under
    )
    network = _network(site, zone, keys, under)
    sketch = _sketch(place, zone, network)
    tokens = None
    if zone.federation and account.federation is not None:
        named = zone.federation
        tokens = Tokens(account.federation, named.issuer, named.audience, named.subjects)
    identity = Identity(
        site.name("identity"),
        IdentityArgs(site, _landing(sketch, keys, registry, network), sketch, zone.principals, tokens),
        under,
    )
    if zone.secrets:
        held = SecretsArgs(site, zone.secrets, keys.data, identity.execution)
        Secrets(site.name("secrets"), held, under)
    return _contract(zone, place, account, keys, registry, buckets, network, identity)


def _network(site: Site, zone: Zone, keys: Keys, under: pulumi.ResourceOptions) -> JobNetwork:
    """The network of the zone's mode; a VPC of our own is watched by flow logs."""
    wanted = zone.network
    if wanted.mode == "public":
        return JobNetwork()
    if wanted.mode == "existing":
        args = AdoptedArgs(
            site, wanted.vpc or "", wanted.subnets, wanted.security_groups, tuple(sorted(wanted.endpoints.items()))
        )
        found = AdoptedNetwork(site.name("network"), args, under)
        return JobNetwork(found.vpc, found.subnets, found.security_groups, found.endpoints)
    gateways = 0
    if wanted.egress == "nat":
        gateways = 1 if wanted.nat_gateways == "one" else len(wanted.availability_zones) or DEFAULT_ZONES
    own = NetworkArgs(site, wanted.cidr, wanted.availability_zones, gateways, wanted.interface_endpoints)
    built = Network(site.name("network"), own, under)
    watch = FlowLogsArgs(site, built.vpc, keys.logs, zone.retention_days)
    FlowLogs(site.name("audit"), watch, under)
    return JobNetwork(built.vpc, built.subnets, [built.security_group], built.endpoints)


def _sketch(place: Place, zone: Zone, network: JobNetwork) -> Landing:
    """What the roles may touch, with stand-ins for the ids that are not known yet."""
    names = storage.names(place, zone.existing.buckets.model_dump())
    hardware = hardware_rules.allowed(zone)
    return Landing(
        place=place,
        data=place.bucket_arn(names["data"]),
        output=place.bucket_arn(names["output"]),
        checkpoints=place.bucket_arn(names["checkpoints"]),
        data_key=place.arn("kms", f"key/{ANY_KEY}"),
        repository=place.arn("ecr", f"repository/{zone.existing.registry or place.physical('ecr', 'images')}"),
        execution_role=place.role_arn(place.physical("iam-role", "execution")),
        secrets=place.arn("secretsmanager", f"secret:{place.name}/*"),
        vpc=zone.network.mode != "public",
        subnets=(ANY_SUBNET,) * len(network.subnets),
        security_groups=(ANY_GROUP,) * len(network.security_groups),
        ebs_types=hardware.ebs,
        nvme_types=hardware.nvme,
        max_runtime=compute.limits(zone).max_runtime,
        network_isolation=zone.network_isolation,
        image_push=zone.image_push,
    )


def _landing(sketch: Landing, keys: Keys, registry: Registry, network: JobNetwork) -> pulumi.Output[Landing]:
    """The sketch with the real ids in place of the stand-ins."""

    def exact(found: dict[str, Any]) -> Landing:
        return replace(
            sketch,
            data_key=found["key"],
            repository=found["repository"],
            subnets=tuple(found["subnets"]),
            security_groups=tuple(found["groups"]),
        )

    return pulumi.Output.all(
        key=keys.data,
        repository=registry.arn,
        subnets=pulumi.Output.all(*network.subnets),
        groups=pulumi.Output.all(*network.security_groups),
    ).apply(exact)


def _contract(
    zone: Zone,
    place: Place,
    account: Account,
    keys: Keys,
    registry: Registry,
    buckets: Storage,
    network: JobNetwork,
    identity: Identity,
) -> pulumi.Output[contract.AwsZone]:
    """Everything the dispatcher needs to know of the zone, once the cloud has told the ids."""

    def told(found: dict[str, Any]) -> contract.AwsZone:
        bucket = {use: contract.Bucket(name, f"s3://{name}") for use, name in found["buckets"].items()}
        ids = contract.AwsNetworkIds(found["vpc"], tuple(found["subnets"]), tuple(found["groups"]))
        egress = "nat" if zone.network.mode == "public" else zone.network.egress or "none"
        return contract.AwsZone(
            cloud="aws",
            region=place.region,
            account=place.account,
            partition=place.partition,
            registry=contract.Registry(found["url"], found["repository"]),
            buckets=contract.Buckets(**bucket),
            keys=contract.Keys(**found["keys"]),
            identities=contract.Identities(found["execution"], found["agent"], found["federation"]),
            secrets=contract.Secrets(place.name),
            network=contract.AwsNetwork(zone.network.mode, egress, ids, found["endpoints"]),
            limits=compute.limits(zone),
            controls=compute.controls(zone),
            compute=compute.offered(zone),
            actions=contract.Actions(identity.agent_actions, identity.execution_actions),
        )

    named = {"data": buckets.data, "output": buckets.output, "checkpoints": buckets.checkpoints}
    if buckets.logs is not None:
        named["logs"] = buckets.logs
    return pulumi.Output.all(
        url=registry.url,
        repository=registry.arn,
        buckets=pulumi.Output.all(**named),
        keys=pulumi.Output.all(data=keys.data, registry=keys.registry, logs=keys.logs),
        vpc=network.vpc,
        subnets=pulumi.Output.all(*network.subnets),
        groups=pulumi.Output.all(*network.security_groups),
        endpoints=network.endpoints,  # all(**{}) would be a list
        execution=identity.execution,
        agent=identity.agent,
        federation=account.federation,
    ).apply(told)
