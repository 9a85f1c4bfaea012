"""The data plane of key vaults: secrets and their values, keys without their material.

Source: learn.microsoft.com/rest/api/keyvault/secrets and /keys.
"""

from __future__ import annotations

from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm.authorization import may
from localcloud.azure.arm.keyvault import SECRETS, add_version, vault
from localcloud.azure.arm.store import Resource, Resources
from localcloud.azure.errors import AzureError, bad, in_json
from localcloud.azure.plane import Plane, Request, Respond, Route, routed
from localcloud.azure.settings import require_reach
from localcloud.azure.state import PERSON, State


def _find(state: State, request: Request, noun: str) -> Resource:
    owner = _vault(state, request)
    found = state.store(Resources).find(f"{owner.id}/{noun}s/{request.names['name']}")
    if found is None:
        raise AzureError(
            404,
            f"{noun.title()}NotFound",
            f"A {noun} with (name/id) {request.names['name']} was not found in this key vault. If you recently "
            f"deleted this {noun} you may be able to recover it using the correct recovery command. For help "
            "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
        )
    return found


def _vault(state: State, request: Request) -> Resource:
    if "api-version" not in request.query:
        raise bad("api-version must be specified", "BadParameter")
    found = vault(state, request.names["vault"])
    if found is None:
        raise AzureError(404, "VaultNotFound", f"There is no vault {request.names['vault']}.")
    outside = AzureError(
        403,
        "Forbidden",
        "Public network access is disabled and request is not from a trusted service nor via an approved private "
        f"link. Vault: {found.name}; location: {found.location}",
    )
    outside.inner = "ForbiddenByConnection"
    require_reach(state, found.properties, outside)
    return found


def set_secret(state: State, request: Request) -> object:
    """Set Secret: a new version of it, of which Resource Manager shows everything but the value."""
    value = request.body.get("value")
    if not isinstance(value, str):
        raise bad("The parameter value is required.", "BadParameter")
    with state.lock:
        owner = _vault(state, request)
        id, name = f"{owner.id}/secrets/{request.names['name']}", request.names["name"]
        found = state.store(Resources).find(id) or state.store(Resources).add(
            id, SECRETS, name, {"properties": {}}
        )
        found.kept.setdefault("values", []).append(value)
        if "contentType" in request.body:
            found.properties["contentType"] = request.body["contentType"]
        add_version(state, found)
        return _secret(found, -1)


_GET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


def _require_right(state: State, request: Request) -> None:
    """Raises AzureError when the caller may not read this secret: by roles, or in a vault with access policies by
    those."""
    owner = _vault(state, request)
    if owner.properties.get("enableRbacAuthorization"):
        allowed = may(state, request.holder, _GET, f"{owner.id}/secrets/{request.names['name']}", data=True)
        told, inner = (
            "Caller is not authorized to perform action on resource. If role assignments, deny assignments or "
            f"role definitions were changed recently, please observe propagation time. Action: '{_GET}'",
            "ForbiddenByRbac",
        )
    else:
        policies = owner.properties.get("accessPolicies") or []
        allowed = request.holder == PERSON or any(
            one.get("objectId") == request.holder
            and {"get", "all"} & {str(right).lower() for right in one["permissions"].get("secrets") or []}
            for one in policies
        )
        told, inner = f"The user does not have secrets get permission on key vault '{owner.name}'.", "AccessDenied"
    if not allowed:
        refusal = AzureError(403, "Forbidden", told)
        refusal.inner = inner
        raise refusal


def get_secret(state: State, request: Request) -> object:
    """Get Secret: its current version, or the one that is named."""
    with state.lock:
        _require_right(state, request)
        found = _find(state, request, "secret")
        version = request.names.get("version", "")
        at = next((i for i, uri in enumerate(found.kept["versions"]) if uri.endswith(f"/{version}")), None)
        if version and at is None:
            raise AzureError(404, "SecretNotFound", f"There is no version {version} of {found.name}.")
        return _secret(found, at if version and at is not None else -1)


def _secret(found: Resource, at: int) -> dict[str, Any]:
    return {
        "value": found.kept["values"][at],
        "id": found.kept["versions"][at],
        "attributes": found.properties["attributes"],
        **({"contentType": kind} if (kind := found.properties.get("contentType")) else {}),
    }


def list_secrets(state: State, request: Request) -> object:
    """Get Secrets: without their values."""
    with state.lock:
        found = state.store(Resources).of(SECRETS, _vault(state, request).id)
        return {
            "value": [
                {"id": one.properties["secretUri"], "attributes": one.properties["attributes"]} for one in found
            ],
            "nextLink": None,
        }


def get_key(state: State, request: Request) -> object:
    """Get Key: what is known of it; there is no material here."""
    with state.lock:
        found = _find(state, request, "key")
        properties = found.properties
        key = {
            "kid": properties["keyUriWithVersion"],
            "kty": properties.get("kty"),
            "key_ops": properties["keyOps"],
        }
        return {"key": key, "attributes": properties["attributes"]}


def rotate_key(state: State, request: Request) -> object:
    """Rotate Key: a new version becomes the current one, as when its policy is carried out."""
    with state.lock:
        add_version(state, _find(state, request, "key"))
    return get_key(state, request)


def delete(noun: str) -> Respond:
    """Delete Secret and Delete Key."""

    def answer(state: State, request: Request) -> object:
        with state.lock:
            found = _find(state, request, noun)
            state.store(Resources).remove(found)
            uri = found.properties[f"{noun}Uri"]
            return {
                "recoveryId": uri.replace(f"/{noun}s/", f"/deleted{noun}s/"),
                "deletedDate": int(state.clock()),
            }

    return answer


def _audiences(state: State, request: Request) -> tuple[str, ...]:
    """The vaults of the cloud that this one is in."""
    with state.lock:
        found = vault(state, request.names.get("vault", ""))
        return (f"https://{clouds.of(found.location if found else '').vault}",)


PLANE = Plane(
    routed(
        "vault",
        [
            Route("PUT", "/{vault}/secrets/{name}", "SetSecret", set_secret),
            Route("GET", "/{vault}/secrets/{name}", "GetSecret", get_secret),
            Route("GET", "/{vault}/secrets/{name}/", "GetSecret", get_secret),
            Route("GET", "/{vault}/secrets/{name}/{version}", "GetSecret", get_secret),
            Route("DELETE", "/{vault}/secrets/{name}", "DeleteSecret", delete("secret")),
            Route("GET", "/{vault}/secrets", "ListSecrets", list_secrets),
            Route("GET", "/{vault}/keys/{name}", "GetKey", get_key),
            Route("POST", "/{vault}/keys/{name}/rotate", "RotateKey", rotate_key),
            Route("DELETE", "/{vault}/keys/{name}", "DeleteKey", delete("key")),
        ],
    ),
    in_json,
    _audiences,
)
