"""Azure: Key Vault, read as the managed identity that the job runs with.

Who hands out tokens depends on the place: an endpoint of App Service's form, an older one of Azure ML's, or the
instance's metadata service. Sources: learn.microsoft.com/azure/app-service/overview-managed-identity (REST),
/azure/machine-learning/how-to-identity-based-service-authentication (DEFAULT_IDENTITY_CLIENT_ID),
/entra/identity/managed-identities-azure-resources/how-to-use-vm-token; azure-identity, _credentials/azure_ml.py.
"""

from __future__ import annotations

from urllib.parse import urlencode

from . import endpoints
from .reference import Reference
from .world import Answer, Call, Refused, Unreachable, World, said

_SECONDS = 5.0
_NONE = "the job has no credentials of Azure"
# The metadata service answers so while an identity is being attached, or while it is itself renewed.
_SOON = frozenset({404, 410})


class _Reader:
    """Reads the secrets of any vault."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._data = endpoints.of("azure")

    def __call__(self, reference: Reference) -> str:
        vault, _, name = reference.name.rpartition("/")
        if not vault:
            raise Refused("it names no vault", "write azure-kv://VAULT/NAME")
        suffix = endpoints.by_region(self._data["vaults"], self._world.environment.get("DISPATCH_REGION", ""))
        token = self._world.once("azure", lambda: self._signed_in(f"https://{suffix}"))
        local = self._world.local("DISPATCH_AZURE_ENDPOINT")
        base = f"{local}/vault/{vault}" if local else f"https://{vault}.{suffix}"
        path = f"secrets/{name}/{reference.detail}" if reference.detail else f"secrets/{name}"
        url = f"{base}/{path}?api-version={self._data['vault_version']}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = self._world.ask(lambda: Call("GET", url, headers))
        if answer.status != 200:
            raise _refusal(answer, vault, name)
        return str(answer.document().get("value", ""))

    def _signed_in(self, resource: str) -> str:
        url, headers = self._asked(resource)
        call = Call("GET", url, headers, direct=True, seconds=_SECONDS)
        instance = "Metadata" in headers
        try:
            answer = self._world.ask(lambda: call, lambda answer: instance and answer.status in _SOON)
        except Unreachable as gone:
            raise Refused(f"{_NONE} ({gone})", "does the cluster have a managed identity?") from gone
        document = answer.document()
        token = document.get("access_token")
        if answer.status != 200 or not token:
            words = said(answer.status, document.get("error_description") or document.get("message"))
            raise Refused(
                f"{_NONE} (the identity endpoint answered {words})", "attach the identity to the compute"
            )
        return str(token)

    def _asked(self, resource: str) -> tuple[str, dict[str, str]]:
        """The address that hands out tokens here, and what proves that a process of the job asks."""
        environment = self._world.environment
        client = environment.get("AZURE_CLIENT_ID") or environment.get("DEFAULT_IDENTITY_CLIENT_ID") or ""
        if (endpoint := environment.get("IDENTITY_ENDPOINT")) and (header := environment.get("IDENTITY_HEADER")):
            return _address(endpoint, "2019-08-01", resource, client_id=client), {"X-IDENTITY-HEADER": header}
        if (endpoint := environment.get("MSI_ENDPOINT")) and (secret := environment.get("MSI_SECRET")):
            return _address(endpoint, "2017-09-01", resource, clientid=client), {"secret": secret}
        base = self._world.local("AZURE_POD_IDENTITY_AUTHORITY_HOST") or self._data["instance"]
        path = f"{base}/metadata/identity/oauth2/token"
        return _address(path, "2018-02-01", resource, client_id=client), {"Metadata": "true"}


def reader(world: World) -> _Reader:
    """Return what reads the secrets of `azure-kv`."""
    return _Reader(world)


def _address(endpoint: str, version: str, resource: str, **who: str) -> str:
    query = {"api-version": version, "resource": resource, **{name: value for name, value in who.items() if value}}
    return f"{endpoint}?{urlencode(query)}"


def _refusal(answer: Answer, vault: str, name: str) -> Refused:
    error = answer.document().get("error")
    error = error if isinstance(error, dict) else {}
    inner = error.get("innererror")
    code = (inner.get("code") if isinstance(inner, dict) else "") or error.get("code") or answer.status
    words = said(code, error.get("message"))
    if answer.status == 404:
        command = f"az keyvault secret set --vault-name {vault} --name {name} --file FILE"
        return Refused(f"there is no such secret ({words})", command)
    if code == "ForbiddenByConnection":
        return Refused(f"the vault does not answer this network ({words})", "it needs a private endpoint there")
    if answer.status in (401, 403):
        return Refused(f"denied ({words})", "the job's identity needs Key Vault Secrets User on the vault")
    return Refused(f"the store refused ({words})")
