"""Which resource providers the subscription has registered: a new one has few, and the rest refuse to make
anything."""

from __future__ import annotations

from dataclasses import dataclass, field

from localcloud.azure import types
from localcloud.azure.errors import AzureError, conflict
from localcloud.azure.plane import Request, Route
from localcloud.azure.state import SUBSCRIPTION, State

# Registered in every subscription: learn.microsoft.com/azure/azure-resource-manager/management/
# azure-services-resource-providers ("registered by default" in the table).
FROM_THE_START = (
    "Microsoft.Authorization",
    "Microsoft.Billing",
    "Microsoft.ClassicSubscription",
    "Microsoft.Commerce",
    "Microsoft.Consumption",
    "Microsoft.CostManagement",
    "Microsoft.Features",
    "Microsoft.MarketplaceOrdering",
    "Microsoft.Portal",
    "Microsoft.ResourceGraph",
    "Microsoft.Resources",
    "Microsoft.SerialConsole",
    "microsoft.support",
)
# Needed by others or by the actions here, without a type of their own in the store.
_MORE = (
    *("Microsoft.Compute", "Microsoft.DocumentDB", "Microsoft.EventGrid", "Microsoft.Notebooks"),
    *("Microsoft.Quota", "Microsoft.Search"),
)


@dataclass
class Registered:
    """States of namespaces in lower case; one that is not here is NotRegistered."""

    state: State
    states: dict[str, str] = field(default_factory=lambda: {name.lower(): "Registered" for name in FROM_THE_START})


def namespaces() -> list[str]:
    """Every namespace there is."""
    known = {name.partition("/")[0]: name for name in types.names()}
    return sorted({*known, *FROM_THE_START, *_MORE}, key=str.lower)


def registered(state: State, namespace: str) -> bool:
    """Whether the subscription uses a namespace."""
    return state.store(Registered).states.get(namespace.lower()) == "Registered"


def require(state: State, namespace: str) -> None:
    """Raises AzureError unless a namespace is registered."""
    if not registered(state, namespace):
        raise conflict(
            f"The subscription is not registered to use namespace '{namespace}'. See "
            "https://aka.ms/rps-not-found for how to register subscriptions.",
            "MissingSubscriptionRegistration",
        )


def _named(request: Request) -> str:
    wanted = request.names["namespace"].lower()
    found = next((name for name in namespaces() if name.lower() == wanted), None)
    if found is None:
        raise AzureError(
            404, "InvalidResourceNamespace", f"The resource namespace '{request.names['namespace']}' is invalid."
        )
    return found


def _shown(state: State, namespace: str) -> dict[str, object]:
    registered = state.store(Registered).states.get(namespace.lower(), "NotRegistered")
    kinds = [name.partition("/")[2] for name in types.names() if name.partition("/")[0] == namespace]
    versions = {kind: found.version for kind in kinds if (found := types.find(f"{namespace}/{kind}"))}
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired" if namespace not in FROM_THE_START else "RegistrationFree",
        "registrationState": registered,
        "resourceTypes": [{"resourceType": kind, "apiVersions": [versions[kind]]} for kind in kinds],
    }


def get(state: State, request: Request) -> object:
    """One provider (Providers_Get). One that is being registered is seen to be so once."""
    with state.lock:
        namespace = _named(request)
        found = _shown(state, namespace)
        states = state.store(Registered).states
        if states.get(namespace.lower()) == "Registering":
            states[namespace.lower()] = "Registered"
        return found


def listed(state: State, request: Request) -> object:
    """All providers (Providers_List)."""
    with state.lock:
        return {"value": [_shown(state, name) for name in namespaces()]}


def register(state: State, request: Request) -> object:
    """Begin to register a provider (Providers_Register); what it makes may be made from the next look on."""
    with state.lock:
        namespace = _named(request)
        states = state.store(Registered).states
        if states.get(namespace.lower()) != "Registered":
            states[namespace.lower()] = "Registering"
        return _shown(state, namespace)


def unregister(state: State, request: Request) -> object:
    """Providers_Unregister."""
    with state.lock:
        namespace = _named(request)
        state.store(Registered).states.pop(namespace.lower(), None)
        return _shown(state, namespace)


_AT = "/subscriptions/{subscription}/providers"
ROUTES = [
    Route("GET", _AT, "ListProviders", listed),
    Route("GET", _AT + "/{namespace}", "GetProvider", get),
    Route("POST", _AT + "/{namespace}/register", "RegisterProvider", register),
    Route("POST", _AT + "/{namespace}/unregister", "UnregisterProvider", unregister),
]
