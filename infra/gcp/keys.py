"""The zone's customer-managed keys in a ring of its own: data, registry and logs, each for one use, rotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms

from infra.gcp.propagation import retry_while_granting
from infra.gcp.service_agents import table
from infra.gcp.site import Site
from infra.lookup import found

ROTATION = "7776000s"  # 90 days
# How long a destroyed version can be restored. Fixed for the life of a key, so it cannot follow `lifetime`.
DESTROY_AFTER = "2592000s"  # 30 days, KMS's default
PURPOSE = "ENCRYPT_DECRYPT"
ALGORITHM = "GOOGLE_SYMMETRIC_ENCRYPTION"
USE_KEY = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


@dataclass(frozen=True, slots=True)
class Key:
    """A key's full name, and the grants that whatever it encrypts must wait for."""

    name: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class KeysArgs:
    """`agents` are members by the short names of data/service_agents.yaml.

    `data`, `registry`, `logs` are full names of keys to adopt. Nothing of an adopted key is touched: its owner
    lets the service agents use it.
    """

    site: Site
    agents: Mapping[str, pulumi.Output[str]]
    data: str | None = None
    registry: str | None = None
    logs: str | None = None


class Keys(pulumi.ComponentResource):
    """Three keys: a bucket's key opens no image, and the key of the logs opens no data."""

    data: Key
    registry: Key
    logs: Key

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Keys", name, None, opts)
        adopted = {"data": args.data, "registry": args.registry, "logs": args.logs}
        built = ring(args.site, self) if None in adopted.values() else None

        def own_or_existing(use: str) -> Key:
            existing = adopted[use]
            if existing is None:
                assert built is not None
                return key(args.site, self, built, use, agents_of(use, args.agents))
            return Key(self._adopted(args.site, use, existing))

        self.data, self.registry, self.logs = map(own_or_existing, ("data", "registry", "logs"))
        self.register_outputs({"data": self.data.name, "registry": self.registry.name, "logs": self.logs.name})

    def _adopted(self, site: Site, use: str, name: str) -> pulumi.Output[str]:
        of_ring, _, short = name.partition("/cryptoKeys/")
        setting = site.setting(f"existing.keys.{use}")
        known = found(
            setting,
            f"key {name}",
            lambda: kms.get_kms_crypto_key(key_ring=of_ring, name=short, opts=site.ask(self)),
        )
        if known.purpose != PURPOSE:
            raise pulumi.RunError(
                f"{setting}: {name} is for {known.purpose}, and what a zone holds is encrypted with keys for "
                f"{PURPOSE}; name one, or remove the setting"
            )
        return pulumi.Output.from_input(known.id)


def agents_of(use: str, members: Mapping[str, pulumi.Output[str]]) -> dict[str, pulumi.Output[str]]:
    """The service agents that encrypt and decrypt with the key of `use`, by short name."""
    return {name: member for name, member in members.items() if use in table()[name].keys}


def ring(site: Site, parent: pulumi.Resource) -> kms.KeyRing:
    """A key ring. KMS never deletes one, so its name is made up by the engine: anew with every new stack."""
    return kms.KeyRing(
        site.name("keys"),
        project=site.place.project,
        location=site.place.region,
        opts=site.child(parent, keep=True),
    )


def key(
    site: Site,
    parent: pulumi.Resource,
    of_ring: kms.KeyRing,
    use: str,
    agents: Mapping[str, pulumi.Output[str]],
) -> Key:
    """Build one key in `of_ring` under `parent`, and let the service agents use it."""
    made = kms.CryptoKey(
        site.name("keys", use),
        name=use,
        key_ring=of_ring.id,
        purpose=PURPOSE,
        rotation_period=ROTATION,
        destroy_scheduled_duration=DESTROY_AFTER,
        version_template={"algorithm": ALGORITHM, "protection_level": "SOFTWARE"},
        # Destroying a key destroys what it encrypted: refused by the provider too, not by the engine alone.
        deletion_policy=site.place.deletion_policy,
        opts=site.child(parent, keep=True),
    )

    def grant(agent: str, member: pulumi.Output[str]) -> pulumi.Resource:
        named = site.name("keys", f"{use}-{agent}".replace("_", "-"))
        opts = site.child(parent, hooks=retry_while_granting(site, named))
        return kms.CryptoKeyIAMMember(named, crypto_key_id=made.id, role=USE_KEY, member=member, opts=opts)

    return Key(made.id, tuple(grant(agent, member) for agent, member in agents.items()))


def encrypted(site: Site, parent: pulumi.Resource, under: Key, name: str) -> pulumi.ResourceOptions:
    """Options of what a key encrypts: it is kept, waits for the grants of the key, and bears with their travel.

    A key of others has its grants for long: without one, what it should encrypt is refused at once.
    """
    hooks = retry_while_granting(site, name) if under.ready else None
    return site.child(parent, after=under.ready, keep=True, hooks=hooks)
