"""Where a zone is (project, region) and what its things are called: physical names within each kind's limit."""

from __future__ import annotations

from dataclasses import dataclass

from infra.naming import digest

# Longest physical name per kind, of Google's REST references: service account id, bucket, repository, network
# resource, workload identity pool, log bucket or sink.
LONGEST = {"service-account": 30, "gcs": 63, "ar": 63, "gce": 63, "pool": 32, "logging": 100}


@dataclass(frozen=True, slots=True)
class Place:
    """One owner of names, a zone or a project (`name`), in one project and region.

    `disposable`: a destroy may delete what is stored here.
    """

    name: str
    project: str
    region: str
    suffix: str
    disposable: bool

    @property
    def parent(self) -> str:
        """The name that regional things of this place begin with: `projects/P/locations/L`."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def deletion_policy(self) -> str:
        """What Google's provider does on destroy with what holds data, besides the engine's own protection."""
        return "DELETE" if self.disposable else "PREVENT"

    def physical(self, kind: str, use: str) -> str:
        """The physical name of `use`, such as `gcp-euw4-data-1a2b3c4d`.

        Where the kind takes fewer characters, the owner's name is cut short and the suffix made of the whole,
        so that owners with the same beginning stay apart.
        """
        name = f"{self.name}-{use}-{self.suffix}"
        room = LONGEST[kind] - len(f"-{use}-{self.suffix}")
        if len(self.name) <= room:
            return name
        if room < 1:
            raise ValueError(f"{use!r} leaves no room for a name: {kind} takes {LONGEST[kind]} characters")
        return f"{self.name[:room].rstrip('-')}-{use}-{digest(name)}"

    def service_account(self, use: str) -> str:
        """The e-mail address of the service account for `use`."""
        return f"{self.physical('service-account', use)}@{self.project}.iam.gserviceaccount.com"
