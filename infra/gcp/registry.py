"""The zone's container registry: tags never move, every push is scanned, images are encrypted with our key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import artifactregistry

from infra.gcp.keys import Key, encrypted
from infra.gcp.propagation import retry_while_granting
from infra.gcp.service_agents import table
from infra.gcp.site import Site
from infra.lookup import found

UNTAGGED_DAYS = 14
READ_IMAGES = "roles/artifactregistry.reader"


@dataclass(frozen=True, slots=True)
class RegistryArgs:
    """`existing` is the id of a repository to adopt, in the zone's project and region.

    `agents` are members by the short names of data/service_agents.yaml. Those that pull images may read a
    repository of our own; the owner of an adopted one lets them.
    """

    site: Site
    key: Key
    agents: Mapping[str, pulumi.Output[str]]
    existing: str | None = None


class Registry(pulumi.ComponentResource):
    """One Docker repository: its `url` (what an image reference starts with) and `id` (its full name).

    `repository` is its short id, told only once it is there.
    """

    url: pulumi.Output[str]
    id: pulumi.Output[str]
    repository: pulumi.Output[str]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Registry", name, None, opts)
        site, place = args.site, args.site.place
        if args.existing:
            named = args.existing
            setting = site.setting("existing.registry")
            known = found(
                setting,
                f"repository {named}",
                lambda: artifactregistry.get_repository(
                    project=place.project, location=place.region, repository_id=named, opts=site.ask(self)
                ),
            )
            if known.format != "DOCKER":
                raise pulumi.RunError(
                    f"{setting}: repository {named} holds {known.format}, no images; name one of format DOCKER, "
                    "or remove the setting"
                )
            self.url = pulumi.Output.from_input(known.registry_uri)
            self.id = pulumi.Output.from_input(known.id)
            self.repository = pulumi.Output.from_input(named)
        else:
            made = self._repository(args)
            self.url, self.id, self.repository = made.registry_uri, made.id, made.repository_id
        self.register_outputs({"url": self.url, "id": self.id})

    def _repository(self, args: RegistryArgs) -> artifactregistry.Repository:
        site, place = args.site, args.site.place
        made = artifactregistry.Repository(
            site.name("registry", "images"),
            project=place.project,
            location=place.region,
            repository_id=place.physical("ar", "images"),
            description=f"{place.name}: images of training jobs",
            format="DOCKER",
            mode="STANDARD_REPOSITORY",
            kms_key_name=args.key.name,  # cannot be added later
            docker_config={"immutable_tags": True},
            cleanup_policy_dry_run=False,
            cleanup_policies=[
                {
                    "id": "untagged",
                    "action": "DELETE",
                    "condition": {"tag_state": "UNTAGGED", "older_than": f"{UNTAGGED_DAYS * 86_400}s"},
                }
            ],
            vulnerability_scanning_config={"enablement_config": "INHERITED"},  # on where the project's API is
            deletion_policy=place.deletion_policy,
            opts=encrypted(site, self, args.key, site.name("registry", "images")),
        )
        for agent, member in args.agents.items():
            if table()[agent].pulls_images:
                named = site.name("registry", f"pull-{agent}".replace("_", "-"))
                artifactregistry.RepositoryIamMember(
                    named,
                    project=place.project,
                    location=place.region,
                    repository=made.repository_id,
                    role=READ_IMAGES,
                    member=member,
                    opts=site.child(self, hooks=retry_while_granting(site, named)),
                )
        return made
