"""Where a zone is (subscription, region) and what its things are called, within the limits of each kind."""

from __future__ import annotations

from dataclasses import dataclass

from infra.naming import digest

# Longest physical name per kind (learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules;
# the ARM types state most of them), and the kinds whose names take letters and digits only.
LONGEST = {
    "storage": 24, "vault": 24, "registry": 50, "workspace": 33, "log-analytics": 63, "insights": 255,
    "identity": 128, "network": 64, "setting": 80,
}  # fmt: skip
PLAIN = frozenset({"storage", "registry"})


@dataclass(frozen=True, slots=True)
class Place:
    """One owner of names, a zone or a subscription (`name`), in one subscription and region.

    `disposable`: a destroy may delete what is stored here. `environment` is the Azure cloud.
    """

    name: str
    subscription: str
    region: str
    suffix: str
    disposable: bool
    environment: str = "public"

    @property
    def scope(self) -> str:
        """The id of the subscription, which ids of everything in it begin with."""
        return f"/subscriptions/{self.subscription}"

    def physical(self, kind: str, use: str = "", suffix: str | None = None) -> str:
        """The physical name of `use`, such as `azure-weu-jobs-1a2b3c4d`.

        `suffix` stands for the place's own where Azure keeps the name of what was deleted. Where the kind takes
        fewer characters or no hyphens, the suffix is made of the whole, so that owners whose names would look the
        same stay apart.
        """
        whole = "-".join(filter(None, [self.name, use, suffix or self.suffix]))
        if kind not in PLAIN and len(whole) <= LONGEST[kind]:
            return whole
        hyphen = "" if kind in PLAIN else "-"
        end = hyphen.join(["", *filter(None, [use.replace("-", hyphen), digest(whole)])])
        room = LONGEST[kind] - len(end)
        if room < 1:
            raise ValueError(f"{use!r} leaves no room for a name: {kind} takes {LONGEST[kind]} characters")
        return f"{self.name.replace('-', hyphen)[:room].rstrip('-')}{end}"
