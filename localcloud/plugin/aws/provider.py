"""The AWS package behind the protocol: default tags, regions, accounts; the rest is shared (bridged.py)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from localcloud.plugin.aws.registry import REGISTRY
from localcloud.plugin.aws.resource import telling
from localcloud.plugin.aws.session import Aws, Settings
from localcloud.plugin.bridged import Bridged
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.schema import Table
from localcloud.plugin.settings import loaded
from localcloud.plugin.values import Properties

DATA = Path(__file__).parent / "data"


@cache
def table() -> Table:
    """Token -> definition (data/README.md)."""
    return loaded(DATA / "schema.json")


@cache
def settings() -> Table:
    """The provider's own configuration: property -> type, and which of it the stand-in honours."""
    return loaded(DATA / "config.json")


class AwsProvider(Bridged[Aws]):
    """Implements localcloud.plugin.provider.Provider."""

    data = DATA
    registry = REGISTRY

    def connect(self, config: Properties) -> Aws:
        chosen = Settings.read(config, settings()["properties"])
        aws = Aws(chosen)
        _ = aws.partition
        if chosen.allowed or chosen.forbidden:
            with telling("retrieving AWS account details"):
                account = aws.account
            if account in chosen.forbidden or (chosen.allowed and account not in chosen.allowed):
                raise ProviderError(f"AWS account ID not allowed: {account}")
        return aws

    def telling(self, doing: str) -> AbstractContextManager[None]:
        return telling(doing)

    def at(self, properties: Properties) -> Aws:
        return self.connection.at(properties.get("region"))

    def with_defaults(self, definition: Table, inputs: Properties) -> Properties:
        defaults, own = self.connection.settings.default_tags, inputs.get("tags")
        if not defaults or "tags" not in definition["properties"] or not isinstance(own or {}, dict):
            return inputs
        return inputs | {"tags": {**defaults, **(own or {})}}

    def placed(self, definition: Table, inputs: Properties, state: Properties) -> Properties:
        """Inputs with the region in which the resource will be, so that a provider moved elsewhere replaces."""
        return {"region": self.connection.region, **inputs} if "region" in definition["properties"] else inputs

    def foreseen(self, definition: Table, outputs: Properties, inputs: Properties) -> Properties:
        if "tagsAll" in definition["properties"]:
            outputs["tagsAll"] = inputs.get("tags") or {}
        return outputs

    def completed(self, definition: Table, found: Properties, known: Properties) -> Properties:
        added: Properties = {}
        if "region" in definition["properties"]:
            added["region"] = known.get("region") or self.connection.region
        if "tags" in definition["properties"]:
            added["tags"] = added["tagsAll"] = found.get("tags") or {}
        return added | found | {name: added[name] for name in ("tags", "tagsAll") if name in added}
