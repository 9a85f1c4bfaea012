"""The zone's container registry: tags never move, every push is scanned, images are encrypted with our key."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import ecr

from infra.aws.site import Site
from infra.lookup import found

UNTAGGED_DAYS = 14
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"Images without a tag go after {UNTAGGED_DAYS} days",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        }
    ]
}


@dataclass(frozen=True, slots=True)
class RegistryArgs:
    """`key` is the ARN of the registry key; `existing` the name of a repository to adopt."""

    site: Site
    key: pulumi.Output[str]
    existing: str | None = None


class Registry(pulumi.ComponentResource):
    """One ECR repository: its `url` (what an image reference starts with) and `arn`."""

    url: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Registry", name, None, opts)
        site = args.site
        if args.existing:
            named = args.existing
            known = found(
                site.setting("existing.registry"),
                f"repository {named}",
                lambda: ecr.get_repository(name=named, opts=site.ask(self)),
            )
            self.url = pulumi.Output.from_input(known.repository_url)
            self.arn = pulumi.Output.from_input(known.arn)
        else:
            repository = ecr.Repository(
                site.name("registry", "images"),
                name=site.place.physical("ecr", "images"),
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "KMS", "kms_key": args.key}],
                force_delete=site.place.disposable,
                opts=site.child(self, keep=True),
            )
            ecr.LifecyclePolicy(
                site.name("registry", "images"),
                repository=repository.name,
                policy=json.dumps(LIFECYCLE),
                opts=site.child(self),
            )
            self.url, self.arn = repository.repository_url, repository.arn
        self.register_outputs({"url": self.url, "arn": self.arn})
