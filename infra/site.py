"""What a site of any cloud does: names, options and lookups, all pinned to its own provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import pulumi

from infra import naming


class HasPlace(Protocol):
    """What a place of any cloud tells: who owns its names, and whether a destroy may delete what it holds."""

    @property
    def name(self) -> str: ...
    @property
    def disposable(self) -> bool: ...


PlaceOf = TypeVar("PlaceOf", bound=HasPlace)
ProviderOf = TypeVar("ProviderOf", bound=pulumi.ProviderResource)


@dataclass(frozen=True, slots=True)
class BaseSite(Generic[PlaceOf, ProviderOf]):
    """A place with the provider pinned to it; makes the names and options of what is built there.

    `settings` is where the stack's file speaks of it, such as `launchway:zones[0]`.
    """

    place: PlaceOf
    provider: ProviderOf
    settings: str = ""

    def name(self, concern: str, use: str = "") -> str:
        """The logical name `<zone>-<concern>-<use>`."""
        return naming.logical(self.place.name, concern, use)

    def child(
        self,
        parent: pulumi.Resource,
        *,
        after: Sequence[pulumi.Resource] = (),
        keep: bool = False,
        renamed_from: Sequence[str] = (),
        hooks: pulumi.ResourceHookBinding | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of a resource: parent, provider, and protection of what holds data unless it is disposable.

        `keep` marks what must outlive a careless destroy. `renamed_from` are earlier logical names, so that a
        rename in a new release moves the resource instead of replacing it.
        """
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=list(after) or None,
            protect=keep and not self.place.disposable,
            aliases=[pulumi.Alias(name=name) for name in renamed_from] or None,
            hooks=hooks,
        )

    def setting(self, path: str) -> str:
        """The whole path of a setting of this place."""
        return f"{self.settings}.{path}"

    def ask(self, parent: pulumi.Resource) -> pulumi.InvokeOptions:
        """Options of a lookup: this provider, like everything else."""
        return pulumi.InvokeOptions(parent=parent, provider=self.provider)
