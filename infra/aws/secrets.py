"""The zone's secrets as empty containers: our key, a place in its jobs' reach, and no value from here, ever."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import secretsmanager

from infra.aws import policies_resource
from infra.aws.policies import text
from infra.aws.site import Site

RECOVERY_DAYS = 30  # how long a deleted secret, value and all, can be restored; its name stays taken as long


@dataclass(frozen=True, slots=True)
class SecretsArgs:
    """`names` are what jobs call them (`aws-sm://NAME`); `key` and `execution` are ARNs: key and job role."""

    site: Site
    names: tuple[str, ...]
    key: pulumi.Output[str]
    execution: pulumi.Output[str]


class Secrets(pulumi.ComponentResource):
    """One Secrets Manager secret `<zone>/NAME` for each name; people put values in, only jobs read them."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Secrets", name, None, opts)
        site, place = args.site, args.site.place
        for secret in args.names:
            secretsmanager.Secret(
                site.name("secrets", secret),
                name=f"{place.name}/{secret}",
                description=f"{place.name}: {secret}, for training jobs",
                kms_key_id=args.key,
                policy=args.execution.apply(lambda role: text(policies_resource.secret(role))),
                # The name of a deleted secret is taken until then: a disposable zone must come up again at once.
                recovery_window_in_days=0 if place.disposable else RECOVERY_DAYS,
                opts=site.child(self, keep=True),
            )
        self.register_outputs({})
