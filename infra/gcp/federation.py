"""How CI signs in without a key: a workload identity pool whose provider lets in the tokens that zones name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import iam

from infra.gcp.site import Site

YES = "yes"


def attribute(zone: str) -> str:
    """The attribute of the pool's identities that says whether a token may act in this zone."""
    return f"zone_{zone.replace('-', '_')}"


def condition(subjects: tuple[str, ...]) -> str:
    """A CEL expression that is true for tokens with one of these subjects; `*` and `?` are wildcards.

    CEL reads strings and escapes as JSON writes them; its `matches` is RE2 and finds parts, hence the anchors.
    """

    def one(subject: str) -> str:
        if not re.search(r"[*?]", subject):
            return f"assertion.sub == {json.dumps(subject)}"
        pattern = re.escape(subject).replace(r"\*", ".*").replace(r"\?", ".")
        return f"assertion.sub.matches({json.dumps(f'^{pattern}$')})"

    return " || ".join(map(one, subjects))


def mapping(subjects: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """What the pool makes of a token: its subject, and one attribute per zone (by name) that it may act in."""
    named = {
        f"attribute.{attribute(zone)}": f'({condition(allowed)}) ? "{YES}" : "no"'
        for zone, allowed in subjects.items()
    }
    return {"google.subject": "assertion.sub", **named}


def members(provider: str, zone: str, subjects: tuple[str, ...], own: bool) -> list[str]:
    """The IAM members that stand for a zone's tokens, by the provider's full name.

    In a pool of ours the zone's attribute says it; in another's pool each subject is named as it is.
    """
    pool = provider.rpartition("/providers/")[0]
    if own:
        return [f"principalSet://iam.googleapis.com/{pool}/attribute.{attribute(zone)}/{YES}"]
    return [f"principal://iam.googleapis.com/{pool}/subject/{subject}" for subject in subjects]


@dataclass(frozen=True, slots=True)
class FederationArgs:
    """`subjects` are the tokens' subjects by the zone that takes them; `audience` None is the provider's name.

    `generation` ends the pool's id: the cloud keeps the id of a deleted pool for 30 days.
    """

    site: Site
    issuer: str
    audience: str | None
    subjects: Mapping[str, tuple[str, ...]]
    generation: pulumi.Output[str]


class Federation(pulumi.ComponentResource):
    """`provider` is the full name of the workload identity provider (`projects/NUMBER/locations/global/...`)."""

    provider: pulumi.Output[str]

    def __init__(self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Federation", name, None, opts)
        site = args.site
        pool = iam.WorkloadIdentityPool(
            name,
            project=site.place.project,
            workload_identity_pool_id=args.generation.apply(lambda generation: f"launchway-{generation}"),
            display_name="launchway",
            description=f"CI that may act as an agent, by tokens of {args.issuer}",
            disabled=False,
            opts=site.child(self),
        )
        everyone = tuple(dict.fromkeys(subject for allowed in args.subjects.values() for subject in allowed))
        made = iam.WorkloadIdentityPoolProvider(
            name,
            project=site.place.project,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="tokens",
            display_name=args.issuer[:32],
            attribute_mapping=mapping(args.subjects),
            attribute_condition=condition(everyone),
            oidc={
                "issuer_uri": f"https://{args.issuer}",
                "allowed_audiences": [args.audience] if args.audience else [],
            },
            disabled=False,
            opts=site.child(self),
        )
        self.provider = made.name
        self.register_outputs({"provider": self.provider})
