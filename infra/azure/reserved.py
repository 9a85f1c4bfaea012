"""Say in plain words that a name is still taken by something that was deleted, and what can be done about it.

The zone's own names are new with every new group, so it takes a name that somebody gives back, or a group that was
emptied by hand. What is told is a message of the update, besides Azure's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True)
class Kept:
    """How long Azure keeps the name of what was deleted, and the command that gives it back."""

    what: str
    days: str
    command: str


VAULT = Kept("key vault", "7 to 90 days", "az keyvault recover --name NAME")
WORKSPACE = Kept(
    "Azure ML workspace",
    "14 days",
    "az ml workspace delete --name NAME --resource-group GROUP --permanently-delete",
)
# What Azure ML ("Soft-deleted workspace exists") and Key Vault ("already exists in deleted state") answer.
DELETED = re.compile(r"(?i)soft[- ]?deleted|in deleted state|VaultAlreadyExists")


def explained(name: str, kept: Kept) -> pulumi.ResourceHookBinding:
    """A hook of the resource `name` that says why its name is taken; Azure's own words follow."""

    def explain(args: pulumi.ErrorHookArgs) -> bool:
        if DELETED.search(args.errors[0]):
            pulumi.log.warn(
                f"{name}: its name is still taken by a deleted {kept.what}, for {kept.days}. Give it back "
                f"(`{kept.command}`), or let the zone make new names: delete its resource group and run "
                "`pulumi up --refresh`"
            )
        return False

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-reserved", explain)])
