"""One subscription and region as a provider: every resource gets this explicit provider, never a default one."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pulumi
import pulumi_azure_native as azure
from pulumi_azure_native import authorization

from infra import emulator
from infra.azure import clouds
from infra.azure.place import Place
from infra.azure.rest import Rest
from infra.settings import Environment
from infra.site import BaseSite

# The application that `az login` signs people in through (learn.microsoft.com/troubleshoot/entra/entra-id/
# governance/verify-first-party-apps-sign-in).
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


# azure-native gives an operation two hours unless told otherwise (`azureContext` in its provider.go): what takes
# its time gets more, never less. Networks that Azure ML manages, with a firewall in them, take longest.
LONG = pulumi.CustomTimeouts(create="3h", update="3h", delete="3h")


@dataclass(frozen=True, slots=True)
class Deployer:
    """Who deploys, and the tenant (directory) that signed them in; `kind` as role assignments take it."""

    tenant: str
    object_id: str
    kind: Literal["User", "ServicePrincipal"]
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Site(BaseSite[Place, azure.Provider]):
    """A place on Azure with the provider pinned to it.

    `tags` are for everything that can be tagged: this provider has no default tags. `emulator` is the address
    in Azure's stead.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    deployer: Deployer = Deployer("", "", "User", "")
    emulator: str | None = None

    @property
    def tenant(self) -> str:
        """The id of the directory that the subscription trusts."""
        return self.deployer.tenant

    @property
    def rest(self) -> Rest:
        """The way to ask Azure what the provider does not wait for."""
        endpoint = f"{self.emulator}/arm" if self.emulator else clouds.of(self.place.environment).resource_manager
        return Rest(endpoint, self.deployer.token)

    def directory(self, parent: pulumi.Resource) -> Rest:
        """The way to ask the directory who somebody is. Raises what an invoke raises."""
        graph = clouds.of(self.place.environment).graph
        token = authorization.get_client_token(endpoint=graph, opts=self.ask(parent)).token
        return Rest(f"{self.emulator}/graph" if self.emulator else graph, token)


def emulated(environment: Environment) -> str | None:
    """The address that stands for Azure's in this environment; raises pulumi.RunError unless it is loopback."""
    return emulator.url("DISPATCH_AZURE_ENDPOINT").rstrip("/") if environment.emulator else None


def provider(name: str, place: Place, url: str | None) -> azure.Provider:
    """The provider of one place; `url` is the emulator's.

    In Azure's stead, the stand-in plugin answers at that address. An official plugin would ask it where Azure
    is, by HTTPS, get no answer, and so never reach an Azure that this environment does not mean.
    """
    return azure.Provider(
        name,
        subscription_id=place.subscription,
        location=place.region,
        environment=place.environment,
        disable_pulumi_partner_id=True,
        metadata_host=urlsplit(url).netloc if url else None,
    )


def deployer(of: azure.Provider) -> Deployer:
    """Ask the provider who is signed in. Raises what an invoke raises."""
    ask = pulumi.InvokeOptions(provider=of)
    who = authorization.get_client_config(opts=ask)
    token = authorization.get_client_token(opts=ask).token
    return Deployer(who.tenant_id, who.object_id, kind(who.client_id, token), token)


def kind(client: str, token: str) -> Literal["User", "ServicePrincipal"]:
    """Whether a person or an application signed in, by the token's claims and else by the id of its client.

    People sign in through many applications (Azure CLI, PowerShell, azd). `idtyp` says whom a token is for, and
    `scp` is in those of people alone (learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
    """
    claims = _claims(token)
    person = claims["idtyp"] == "user" if "idtyp" in claims else "scp" in claims or client == AZURE_CLI
    return "User" if person else "ServicePrincipal"


def _claims(token: str) -> Mapping[str, object]:
    """What a JSON web token says, unchecked: nobody is let in by it. Nothing, when it is no such token."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
