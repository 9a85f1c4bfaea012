"""Invokes: what is there by its names, who the provider is, and a token of its."""

from __future__ import annotations

from localcloud.plugin.azure import body, table
from localcloud.plugin.azure.session import Arm, ArmError
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.schema import Failure
from localcloud.plugin.values import Properties

CONFIG = "azure-native:authorization:getClientConfig"
TOKEN = "azure-native:authorization:getClientToken"


def invoke(arm: Arm, token: str, arguments: Properties) -> tuple[Properties, tuple[Failure, ...]]:
    """The answer to a call; ProviderError for one that is not known, or for what is not there."""
    given = {name: value for name, value in arguments.items() if value is not None}
    if token == CONFIG:
        return _config(arm), ()
    if token == TOKEN:
        return {"token": arm.token(str(given.get("endpoint", "")))}, ()
    definition = table.lookup(token)
    if definition is None:
        raise ProviderError(f"Invoke type {token} not found: the stand-in plugin does not know it")
    wrong = [
        Failure(name, f"there is no argument '{name}'") for name in given if name not in definition["arguments"]
    ]
    if wrong:
        return {}, tuple(wrong)
    of = table.resource(definition["of"])
    values = {**given, "subscriptionId": arm.settings.subscription}
    id = table.filled(of["path"], values)
    try:
        document = arm.found(id, definition["version"])
    except ArmError as error:
        raise ProviderError(f"request failed {id}: {error}") from error
    if document is None:
        raise ProviderError(
            f'request failed {id}: Status=404 Code="ResourceNotFound" Message="{id} was not found"'
        )
    answer = body.received(of["outputs"], document)
    return {**answer, "id": document.get("id", id), "azureApiVersion": definition["version"]}, ()


def _config(arm: Arm) -> Properties:
    """Who the provider is (GetClientConfig): what its token claims."""
    claims = arm.claims()
    return {
        "clientId": str(claims.get("appid", arm.settings.client)),
        "objectId": str(claims["oid"]),
        "subscriptionId": arm.settings.subscription,
        "tenantId": str(claims["tid"]),
    }
