"""Resource ids, taken apart: `/subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME/TYPE/NAME`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The parts of a resource id. `kind` is its full type, `names` those of what it is in and its own."""

    subscription: str
    group: str
    kind: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The resource's own name."""
        return self.names[-1]


def parse(id: str) -> ResourceId:
    """Take a resource id apart; case is as given. Raises ValueError for anything that is none."""
    parts = id.split("/")
    if len(parts) < 9 or len(parts) % 2 == 0 or parts[0] or parts[1].lower() != "subscriptions":
        raise ValueError(f"{id!r} is not the id of a resource")
    types, names = parts[7::2], parts[8::2]
    return ResourceId(parts[2], parts[4], "/".join([parts[6], *types]), tuple(names))
