"""Everything that exists on the local clouds: what a destroy must leave empty."""

from __future__ import annotations

from localcloud import Cloud
from tests.engine.census import aws, azure, gcp


def census(cloud: Cloud, name: str, region: str) -> dict[str, list[str]]:
    """`{service.thing: ids}` of one region of the cloud called `name`, and of what has no region."""
    return {"aws": aws.census, "azure": azure.census, "gcp": gcp.census}[name](cloud, region)
