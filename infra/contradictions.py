"""Rules between settings: what is well-formed by itself and still cannot be built. One small function per rule.

Here are the rules of every cloud; those of one cloud are in infra/<cloud>/contradictions.py, as `ZONE_RULES`.
"""

from __future__ import annotations

import difflib
import importlib
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from dispatcher.placement.catalog import catalog
from infra.base import Unknown, said
from infra.rest import judged
from infra.settings import Environment, Zone

# (path below launchway:, rule, remedy)
Found = tuple[str, str, str]
Zones = list[tuple[int, Zone]]  # with their index in the file


def find(environment: Environment, places: Sequence[int] | None = None) -> Iterator[Found]:
    """Yield every contradiction between settings; `places` are the zones' indexes in the file.

    Of a zone whose settings are not all known (infra/rest.py) no rule is asked that needs another one.
    """
    zones = list(zip(places or range(len(environment.zones)), environment.zones, strict=True))
    for index, zone in zones:
        of_cloud = importlib.import_module(f"infra.{zone.cloud}.contradictions").ZONE_RULES
        for rule in (*of_cloud, *ZONE_RULES):
            for path, problem, remedy in judged(rule, zone):
                yield f"zones[{index}].{path}", problem, remedy
        if environment.regime == "hipaa":
            yield from judged(_outside, index, zone)
    for cloud in dict.fromkeys(zone.cloud for _, zone in zones):
        of_cloud = [(index, zone) for index, zone in zones if zone.cloud == cloud]
        for together in importlib.import_module(f"infra.{cloud}.contradictions").TOGETHER:
            yield from _together(together, of_cloud)
    for rule in (_duplicate_names, _overlapping_networks, _accounts):
        yield from _together(rule, zones)


def _together(rule: Callable[[Zones], Iterator[Found]], zones: Zones) -> Iterator[Found]:
    """What a rule says of these zones; where it needs what one of them leaves unknown, of each and each two."""
    try:
        yield from list(rule(zones))
    except Unknown:
        some = (list(some) for size in (1, 2) for some in itertools.combinations(zones, size))
        yield from dict.fromkeys(found for one in some for found in judged(rule, one))


def _outside(index: int, zone: Zone) -> Iterator[Found]:
    if zone.network.mode == "public":
        rule = "regime hipaa runs no job outside a VPC"
        yield f"zones[{index}].network.mode", rule, "use private or existing"


def _wandb(zone: Zone) -> Iterator[Found]:
    wandb = zone.wandb
    if wandb.mode == "online":
        if wandb.route == "none":
            rule = "W&B online needs a declared route"
            yield "wandb.route", rule, "route: nat with network.egress: nat, or route: private-link"
        if wandb.host is None:
            yield "wandb.host", "W&B online needs its host", "host: api.wandb.ai, or your own server's name"
        if zone.network_isolation:
            rule = "networkIsolation cuts jobs off from every network, W&B included"
            yield "wandb.mode", rule, "mode: offline, or networkIsolation: false"
    if wandb.route == "private-link" and zone.network.mode == "public":
        yield "wandb.route", "a private link needs a VPC", "set network.mode: existing"


def _compute(zone: Zone) -> Iterator[Found]:
    names: set[str] = set()
    for index, compute in enumerate(zone.compute):
        if compute.min > compute.max:
            yield (
                f"compute[{index}].min",
                f"min {compute.min} is above max {compute.max}",
                "raise max, or lower min",
            )
        if zone.instance_types and compute.instance not in zone.instance_types:
            rule = f"{compute.instance} is not among the zone's instanceTypes"
            yield f"compute[{index}].instance", rule, "add it there, or name an allowed type"
        if compute.name in names:
            yield f"compute[{index}].name", f"{compute.name!r} is named twice", "give each its own name"
        names.add(compute.name)


TRAINING_TYPE = {
    "aws": "training instance type of SageMaker",
    "gcp": "machine type of Vertex AI training",
    "azure": "VM size of Azure ML",
}


def _instances(zone: Zone) -> Iterator[Found]:
    """Types the catalog does not know have no rule for their disks, so no policy could be written for them."""
    known = catalog(zone.cloud)
    named = [(f"instanceTypes[{index}]", name) for index, name in enumerate(zone.instance_types)]
    named += [(f"compute[{index}].instance", compute.instance) for index, compute in enumerate(zone.compute)]
    for path, name in named:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            data = f"dispatcher/placement/data/{zone.cloud}.csv"
            guess = f"did you mean {' or '.join(close)}?" if close else f"see {data}"
            yield path, f"{name!r} is no {TRAINING_TYPE[zone.cloud]}", guess
        elif known[name].status == "retired":
            yield path, f"{name} is retired: {known[name].reason}", "name a type that is still offered"


def _private_range(zone: Zone) -> Iterator[Found]:
    cidr = zone.network.cidr
    if zone.network.mode == "private" and not cidr.is_private:
        yield "network.cidr", f"{cidr} is not a private range", "use one of RFC 1918, such as 10.20.0.0/16"


ADOPTED_FEDERATION = "existing.federation"


def _of_account(zone: Zone) -> bool:
    """Whether the account is what trusts CI's identity provider; on Azure, the zone's agent itself does."""
    return ADOPTED_FEDERATION in zone.account_settings


def _ownership(zone: Zone) -> Iterator[Found]:
    if zone.account_scope == "existing":
        if zone.budget:
            yield "budget", "accountScope: existing builds nothing of the account", "remove budget, or set own"
        if zone.federation and _of_account(zone) and not said([zone], ADOPTED_FEDERATION):
            rule = "accountScope: existing builds no identity provider"
            yield "federation", rule, "name the one there is: existing.federation"
    if _of_account(zone) and said([zone], ADOPTED_FEDERATION) and not zone.federation:
        rule = "existing.federation says where tokens come from, but nobody may use them"
        yield "existing.federation", rule, "add federation with issuer and subjects"


def _whose_tokens(zone: Zone) -> Iterator[Found]:
    for index, subject in enumerate(zone.federation.subjects if zone.federation else ()):
        literal = re.split(r"[*?]", subject, maxsplit=1)[0]
        # `repo:*` is every repository of GitHub: two whole parts must be said before a wildcard.
        if literal != subject and len(list(filter(None, re.split(r"[:/]", literal)[:-1]))) < 2:
            rule = f"{subject!r} lets in the tokens of strangers"
            yield f"federation.subjects[{index}]", rule, "name the owner in full, such as repo:acme/train:*"


def _secrets(zone: Zone) -> Iterator[Found]:
    for index, name in enumerate(zone.secrets):
        if name in zone.secrets[:index]:
            yield f"secrets[{index}]", f"{name!r} is named twice", "name each once"
    if zone.secrets and zone.network_isolation:
        rule = "networkIsolation leaves jobs neither network nor credentials to read a secret with"
        yield "secrets", rule, "remove them, or networkIsolation"


ZONE_RULES: tuple[Callable[[Zone], Iterator[Found]], ...] = (
    _wandb, _compute, _instances, _private_range, _ownership, _whose_tokens, _secrets,
)  # fmt: skip


def _duplicate_names(zones: Zones) -> Iterator[Found]:
    first: dict[str, int] = {}
    for index, zone in zones:
        if zone.name in first:
            rule = f"{zone.name!r} is already zones[{first[zone.name]}]"
            yield f"zones[{index}].name", rule, "give each zone its own name"
        first.setdefault(zone.name, index)


def _overlapping_networks(zones: Zones) -> Iterator[Found]:
    private = [(index, zone) for index, zone in zones if zone.network.mode == "private"]
    for position, (index, zone) in enumerate(private):
        for other, earlier in private[:position]:
            if zone.network.cidr.overlaps(earlier.network.cidr):
                rule = f"{zone.network.cidr} overlaps {earlier.network.cidr} of zones[{other}]"
                yield (
                    f"zones[{index}].network.cidr",
                    rule,
                    "give each zone its own range: they may be joined one day",
                )


def _accounts(zones: Zones) -> Iterator[Found]:
    """What an account has once is said by one of its zones, or in the same words by several."""
    by_account: dict[tuple[str, str], list[tuple[int, Zone]]] = defaultdict(list)
    for index, zone in zones:
        by_account[zone.cloud, zone.account].append((index, zone))
    for (_, account), members in by_account.items():
        for path, of in members[0][1].account_settings.items():
            words = [(index, of(zone)) for index, zone in members if of(zone) is not None]
            for index, value in words[1:]:
                if value != words[0][1]:
                    rule = f"account {account} has this once, and zones[{words[0][0]}] says something else"
                    yield f"zones[{index}].{path}", rule, "say it once, or the same in every zone of the account"
        yield from _built_by_others(account, members)


def _built_by_others(account: str, members: Zones) -> Iterator[Found]:
    """One zone says that somebody else builds what the account has; another one wants some of it built."""
    zones = [zone for _, zone in members]
    if said(zones, "accountScope") != "existing":
        return
    for index, zone in members:
        if zone.account_scope == "existing":
            continue  # told by the rule of the zone itself
        rule = f"another zone says accountScope: existing, so nothing of account {account} is built"
        if zone.budget:
            yield f"zones[{index}].budget", rule, "remove budget, or set accountScope: own"
        if zone.federation and _of_account(zone) and not said(zones, ADOPTED_FEDERATION):
            yield f"zones[{index}].federation", rule, "name the one there is: existing.federation"
