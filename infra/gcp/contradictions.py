"""Rules between the settings of zones on Google Cloud. One small function per rule."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from pydantic.alias_generators import to_camel

from infra.base import said
from infra.gcp import regions
from infra.gcp.settings import Zone

# (path in the zone, rule, remedy)
Found = tuple[str, str, str]

# A /24 leaves the four blocks of a zone's range 64 addresses each; a subnetwork takes /29 at least, and each
# replica of a job with an interface takes one address.
SMALLEST_RANGE, LARGEST_RANGE = 24, 12
# Of what is reserved for Google's network of training jobs, a job with up to 8 nodes takes a /22 (the ranges and
# numbers of parallel jobs in cloud.google.com/vertex-ai/docs/training/using-private-ip).
SMALLEST_PEERING = 22
GATEWAYS = (
    "Vertex jobs reach the internet through Google's own gateways, and Google's APIs without the zone's network "
    "(cloud.google.com/vertex-ai/docs/training/psc-i-egress)"
)
WAYS_TO_CLOSE = (
    "draw a perimeter (perimeter: {accessPolicy: ..., enforced: true}), name the one there is "
    "(existing.perimeter), or use jobs: peering, whose way out is taken away"
)


def _region(zone: Zone) -> Iterator[Found]:
    known = regions.known()
    if zone.region == "global":
        yield "region", "'global' is no place: nothing trains there, and data could be anywhere", "name a region"
    elif zone.region not in known:
        close = difflib.get_close_matches(zone.region, known, n=1)
        guess = f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}"
        yield "region", f"{zone.region!r} is not a Google Cloud region with Vertex AI", guess


def _keys_location(zone: Zone) -> Iterator[Found]:
    """A key encrypts in its own location only (EncryptionSpec: the same region as the job)."""
    keys = zone.existing.keys
    for use in type(keys).model_fields:
        name = getattr(keys, use)
        if name and _location(name) != zone.region:
            rule = f"a key in {_location(name)} cannot encrypt in {zone.region}"
            yield f"existing.keys.{use}", rule, "name a key of the zone's own region"


def _other_locations(zone: Zone) -> Iterator[Found]:
    """Parts of a network, and log buckets, that are somewhere else."""
    network = zone.network
    for path, name in (
        ("network.subnetwork", network.subnetwork),
        ("network.networkAttachment", network.network_attachment),
        ("existing.logBucket", zone.existing.log_bucket),
    ):
        if name and _location(name) != zone.region:
            yield path, f"{name} is not in {zone.region}", "name one of the zone's own region"


def _location(name: str) -> str:
    """The location or region out of a full name."""
    parts = name.split("/")
    return parts[3]


def _private_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode != "private":
        for name in ("cidr", "endpoint_rule", "endpoint", "peering_range"):
            if name in network.model_fields_set:
                rule = f"mode {network.mode} builds no network"
                yield f"network.{to_camel(name)}", rule, "remove it, or set mode: private"
        return
    if not LARGEST_RANGE <= network.cidr.prefixlen <= SMALLEST_RANGE:
        size = "too small" if network.cidr.prefixlen > SMALLEST_RANGE else "larger than a zone can use"
        rule = f"{network.cidr} is {size}"
        yield "network.cidr", rule, f"take a range from /{LARGEST_RANGE} to /{SMALLEST_RANGE}"
    for name in ("network", "subnetwork", "network_attachment", "reserved_ranges", "endpoints"):
        if getattr(network, name):
            yield f"network.{to_camel(name)}", "mode private builds its own", "set mode: existing, or remove it"
    if network.endpoint == "none" and network.endpoint_rule:
        yield "network.endpointRule", "endpoint: none builds no endpoint to name", "remove one of them"


def _peering(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode == "private" and network.jobs == "peering" and network.peering_range is None:
        rule = "jobs: peering needs the range that Google's network takes addresses from"
        yield "network.peeringRange", rule, "add one apart from cidr, such as 10.192.0.0/16"
    if network.peering_range is None or network.mode != "private":
        return
    if network.jobs != "peering":
        yield "network.peeringRange", "only jobs: peering uses it", "set jobs: peering, or remove it"
    if not network.peering_range.is_private:
        rule = f"{network.peering_range} is not a private range"
        yield "network.peeringRange", rule, "use one of RFC 1918, such as 10.192.0.0/16"
    if network.peering_range.prefixlen > SMALLEST_PEERING:
        rule = f"{network.peering_range} is too small for a single job"
        yield "network.peeringRange", rule, f"/{SMALLEST_PEERING} or larger; /16 takes 63 jobs of 8 nodes"
    if network.peering_range.overlaps(network.cidr):
        rule = f"{network.peering_range} overlaps the zone's own {network.cidr}"
        yield "network.peeringRange", rule, "take a range apart from it"


def _existing_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode == "existing":
        if network.network is None:
            rule = "mode existing needs the name of the network"
            yield "network.network", rule, "add network: projects/PROJECT/global/networks/NAME"
        if network.jobs == "psc-interface" and network.network_attachment is None:
            rule = "an interface for jobs needs a network attachment"
            yield "network.networkAttachment", rule, "name it, or set jobs: google"
        if network.jobs == "peering" and not network.reserved_ranges:
            rule = "peered jobs need the ranges that are reserved for them"
            yield "network.reservedRanges", rule, "name them, or set jobs: google"
    if network.mode == "public":
        for name in ("network", "subnetwork", "network_attachment", "reserved_ranges", "endpoints"):
            if getattr(network, name):
                rule = "mode public attaches jobs to no network"
                yield f"network.{to_camel(name)}", rule, "remove it, or set mode: existing"
        if network.jobs in ("psc-interface", "peering"):
            rule = "mode public has no network that jobs could reach"
            yield "network.jobs", rule, "remove it, or set mode: private"


def _isolation(zone: Zone) -> Iterator[Found]:
    if zone.network_isolation:
        rule = "Vertex AI has no switch that cuts a job off from every network"
        yield "networkIsolation", rule, "use network.egress: none inside an enforced perimeter"


def _wandb(zone: Zone) -> Iterator[Found]:
    if zone.wandb.route == "nat" and zone.network.egress == "none":
        rule = "route nat needs a way to the internet, and network.egress is none"
        yield "wandb.route", rule, "set network.egress: nat, or route: private-link"


def _ownership(zone: Zone) -> Iterator[Found]:
    existing = zone.existing
    if zone.account_scope == "existing":
        if zone.audit == "own" and "audit" in zone.model_fields_set:
            yield "audit", "accountScope: existing builds no audit log", "set audit: existing"
        if zone.perimeter:
            rule = "accountScope: existing draws no perimeter"
            yield "perimeter", rule, "name the one there is: existing.perimeter"
    if existing.log_bucket and zone.audit == "own" and "audit" in zone.model_fields_set:
        rule = "audit: own builds a log bucket, existing.logBucket adopts one"
        yield "existing.logBucket", rule, "set audit: existing, or remove it"
    if existing.perimeter and zone.perimeter:
        yield "perimeter", "a project can be in one perimeter only", "remove perimeter, or existing.perimeter"
    if zone.perimeter and zone.perimeter.enforced and not (zone.perimeter.access_levels or zone.principals):
        rule = "an enforced perimeter that lets nobody in shuts its own deployer out"
        yield "perimeter.accessLevels", rule, "name a level that lets deployers in, or principals"
    if zone.perimeter:
        policy = f"accessPolicies/{zone.perimeter.access_policy}/"
        for index, level in enumerate(zone.perimeter.access_levels):
            if not level.startswith(policy):
                rule = f"{level} is not of access policy {zone.perimeter.access_policy}"
                yield f"perimeter.accessLevels[{index}]", rule, "name a level of the same policy"
    if zone.budget and zone.billing_account is None:
        rule = "a budget belongs to a billing account"
        yield "billingAccount", rule, "add billingAccount: 012345-6789AB-CDEF01"
    for index, subject in enumerate(zone.federation.subjects if zone.federation and existing.federation else ()):
        if "*" in subject or "?" in subject:
            rule = "another's pool knows no wildcards: which attributes it maps is not ours to know"
            yield f"federation.subjects[{index}]", rule, "name each subject in full"


def _who_may_be_the_agent(zone: Zone) -> Iterator[Found]:
    for index, member in enumerate(zone.principals):
        if member.startswith("principalSet://") and member.endswith("/*"):
            rule = f"{member} is everybody whom the pool lets in"
            yield f"principals[{index}]", rule, "name an attribute or a subject"


ZONE_RULES: tuple[Callable[[Zone], Iterator[Found]], ...] = (
    _region, _keys_location, _other_locations, _private_network, _peering, _existing_network, _isolation, _wandb,
    _ownership, _who_may_be_the_agent,
)  # fmt: skip


def _egress(zones: list[tuple[int, Zone]]) -> Iterator[Found]:
    """`egress: none` is a promise about jobs: it takes a perimeter, or a network whose way out is taken away."""
    for index, zone in zones:
        of_project = [other for _, other in zones if other.project == zone.project]
        perimeter = said(of_project, "perimeter")
        closed = bool(said(of_project, "existing.perimeter") or (perimeter and perimeter.enforced))
        if zone.network.egress != "none" or closed or zone.jobs == "peering":
            continue
        because = GATEWAYS
        if perimeter:
            because += "; the perimeter only reports until it is enforced"
        elif zone.jobs == "psc-interface":
            because += "; an interface in the zone's network adds a way, it takes none away"
        yield f"zones[{index}].network.egress", f"nothing makes it true: {because}", WAYS_TO_CLOSE


def _names(zones: list[tuple[int, Zone]]) -> Iterator[Found]:
    """What a zone is called must not be what another zone or the project's own things are called, or begin so."""
    projects = {zone.project for _, zone in zones}
    for index, zone in zones:
        if zone.name.removeprefix("gcp-") in projects and zone.name.startswith("gcp-"):
            rule = f"{zone.name} is what the own things of project {zone.name[4:]} are called"
            yield f"zones[{index}].name", rule, f"add the region, such as {zone.name[:19].rstrip('-')}-euw4"
        for other, longer in zones:
            if longer.project == zone.project and longer.name.startswith(f"{zone.name}-"):
                rule = f"the jobs of {zone.name} could read the secrets of {longer.name}: both begin {zone.name}-"
                yield f"zones[{other}].name", rule, "give it a name that does not begin with that of another zone"


def _of_the_project(zones: list[tuple[int, Zone]]) -> Iterator[Found]:
    """What one zone says of the project, and another contradicts in another setting."""
    for index, zone in zones:
        others = [other for at, other in zones if other.project == zone.project and at != index]
        if zone.perimeter and zone.account_scope != "existing" and said(others, "accountScope") == "existing":
            rule = f"another zone says accountScope: existing, which draws no perimeter around {zone.project}"
            yield f"zones[{index}].perimeter", rule, "name the one there is: existing.perimeter"
        if zone.perimeter and not zone.existing.perimeter and said(others, "existing.perimeter"):
            rule = "a project can be in one perimeter only, and another zone names the one there is"
            yield f"zones[{index}].perimeter", rule, "remove perimeter, or existing.perimeter"


# Rules about what several zones say of their project.
TOGETHER: tuple[Callable[[list[tuple[int, Zone]]], Iterator[Found]], ...] = (_egress, _names, _of_the_project)
