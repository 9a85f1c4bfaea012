"""The zone's customer-managed keys: data, registry and logs, each for one use, rotated, with an alias."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from infra.aws import policies_resource
from infra.aws.policies import Document, text
from infra.aws.site import Site
from infra.lookup import found

DELETION_DAYS = 30
DISPOSABLE_DELETION_DAYS = 7  # the least KMS takes


@dataclass(frozen=True, slots=True)
class KeysArgs:
    """`log_groups` are the names the logs key may encrypt; `data`, `registry`, `logs` are ARNs to adopt."""

    site: Site
    log_groups: tuple[str, ...]
    data: str | None = None
    registry: str | None = None
    logs: str | None = None


def key(site: Site, parent: pulumi.Resource, use: str, description: str, policy: Document) -> pulumi.Output[str]:
    """Build one key with its alias under `parent` and return its ARN."""
    made = kms.Key(
        site.name("keys", use),
        description=description,
        enable_key_rotation=True,  # every 365 days, KMS's default
        deletion_window_in_days=DISPOSABLE_DELETION_DAYS if site.place.disposable else DELETION_DAYS,
        policy=text(policy),
        opts=site.child(parent, keep=True),
    )
    kms.Alias(
        site.name("keys", use),
        name=f"alias/{site.place.physical('kms-alias', use)}",
        target_key_id=made.key_id,
        opts=site.child(parent),
    )
    return made.arn


class Keys(pulumi.ComponentResource):
    """Three keys by ARN: a bucket's key opens no image, and the key of the logs opens no data."""

    data: pulumi.Output[str]
    registry: pulumi.Output[str]
    logs: pulumi.Output[str]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Keys", name, None, opts)
        site, place = args.site, args.site.place
        owner_only = policies_resource.key(place)
        logs = policies_resource.logs_key(place, site.region.dns_suffix, args.log_groups)

        def own_or_existing(
            use: str, existing: str | None, description: str, policy: Document
        ) -> pulumi.Output[str]:
            if existing is None:
                return key(site, self, use, f"{place.name}: {description}", policy)
            setting = site.setting(f"existing.keys.{use}")
            known = found(setting, f"key {existing}", lambda: kms.get_key(key_id=existing, opts=site.ask(self)))
            return pulumi.Output.from_input(known.arn)

        self.data = own_or_existing("data", args.data, "training data, outputs and volumes", owner_only)
        self.registry = own_or_existing("registry", args.registry, "container images", owner_only)
        self.logs = own_or_existing("logs", args.logs, "network flow logs", logs)
        self.register_outputs({"data": self.data, "registry": self.registry, "logs": self.logs})
