"""Who Azure Cosmos DB is in the directory: it uses a key as itself, and roles are given to object ids."""

from __future__ import annotations

from typing import cast

import pulumi
from pulumi.output import UNKNOWN

from infra.azure import clouds
from infra.azure.site import Site
from infra.lookup import found, reached

NAMESPACE = "Microsoft.DocumentDB"  # whose registration brings Cosmos DB into a directory


def cosmos(site: Site, parent: pulumi.Resource, known: str | None) -> pulumi.Output[str]:
    """The object id of Cosmos DB's service principal: `known` where the zone tells it, else as the directory says.

    Not known in a preview of a subscription that is still to register Cosmos DB. Raises pulumi.RunError with the
    setting that tells it, when the directory does not.
    """
    if known:
        return pulumi.Output.from_input(known)
    setting = site.setting("cosmosPrincipal")
    application = clouds.of(site.place.environment).cosmos_application
    rest = found(site.setting("subscription"), "the directory", lambda: site.directory(parent))
    query = {"$filter": f"appId eq '{application}'", "$select": "id"}
    answer = reached(setting, rest.endpoint, lambda: rest.ask("/v1.0/servicePrincipals", None, **query))
    remedy = f"set it to what `az ad sp show --id {application} --query id --output tsv` prints"
    if answer.status != 200:
        why = f"{answer.status} {answer.code}".strip()
        raise pulumi.RunError(f"{setting}: the directory does not say who Azure Cosmos DB is ({why}); {remedy}")
    if there := answer.body.get("value"):
        return pulumi.Output.from_input(str(there[0]["id"]))
    if pulumi.runtime.is_dry_run():  # it comes with the registration, which an update does first
        return pulumi.Output.from_input(cast(str, UNKNOWN))
    raise pulumi.RunError(
        f"{setting}: Azure Cosmos DB ({application}) is not in the directory, though {NAMESPACE} is registered; "
        f"let somebody who may run `az ad sp create --id {application}`"
    )
