"""The zone's secrets as empty containers: kept in its region under our key, and no version from here, ever."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import secretmanager

from infra.gcp.keys import Key, encrypted
from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class SecretsArgs:
    """`names` are what jobs call them (`gcp-sm://NAME`); `key` encrypts them, by Secret Manager's own agent."""

    site: Site
    names: tuple[str, ...]
    key: Key


class Secrets(pulumi.ComponentResource):
    """One Secret Manager secret `<zone>-NAME` for each name; the zone's execution account may read those."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Secrets", name, None, opts)
        site, place = args.site, args.site.place
        for secret in args.names:
            logical = site.name("secrets", secret)
            secretmanager.Secret(
                logical,
                project=place.project,
                secret_id=f"{place.name}-{secret}",
                replication={
                    "user_managed": {
                        "replicas": [
                            {
                                "location": place.region,  # `automatic` would keep it anywhere
                                "customer_managed_encryption": {"kms_key_name": args.key.name},
                            }
                        ]
                    }
                },
                deletion_protection=not place.disposable,
                deletion_policy=place.deletion_policy,
                opts=encrypted(site, self, args.key, logical),
            )
        self.register_outputs({})
