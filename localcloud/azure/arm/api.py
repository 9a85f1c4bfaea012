"""Resource Manager's verbs over every type: PUT, PATCH, GET, HEAD, DELETE, lists, and the actions of a type."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from localcloud.azure import clouds, types
from localcloud.azure.arm import ids, kinds, managed, operations, registration
from localcloud.azure.arm.ids import GROUPS, SUBSCRIPTIONS, Target
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.locks import require_unlocked
from localcloud.azure.arm.operations import Operations
from localcloud.azure.arm.store import Document, Resource, Resources, require_parents
from localcloud.azure.errors import AzureError, bad, conflict, in_json, missing
from localcloud.azure.plane import Plane, Request, Respond, Route
from localcloud.azure.state import State
from localcloud.server import rest
from localcloud.server.wire import Answer, Call

_KIND = "application/json; charset=utf-8"
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview|-privatepreview)?")
_VERBS = {"PUT": "Put", "PATCH": "Patch", "GET": "Get", "HEAD": "Head", "DELETE": "Delete"}


@cache
def _routes() -> rest.Routes[Route]:
    """Paths that are no resource's, its collection's or an action's."""
    return rest.Routes([*operations.ROUTES, *registration.ROUTES, *kinds.routes()])


def find(state: State, call: Call, path: str) -> tuple[Request, Respond | None]:
    """What a call is, and who answers it."""
    if special := _routes().find(call.method, path):
        route, names = special
        service = _service(names.get("namespace", "Microsoft.Resources"))
        region = names.get("location", "")
        return Request(call, service, path, route.operation, names, region=region), _checked(route.respond)
    target = ids.understand(path)
    if target is None:
        return Request(call, "arm", path), None
    request = Request(call, _service(target.namespace), path, _operation(call.method, target), _names(target))
    if types.find(target.kind) is None and target.kind != SUBSCRIPTIONS:
        return request, _checked(_unknown(target))
    respond = _responds(call.method, target)
    return request, _checked(respond) if respond else None


def _service(namespace: str) -> str:
    return namespace.rpartition(".")[2].lower()


def _operation(method: str, target: Target) -> str:
    noun = target.operation
    if target.action:
        return f"{target.action[:1].upper()}{target.action[1:]}{noun}"
    if not target.name:
        return f"List{noun}s"
    return f"{_VERBS.get(method, method.title())}{noun}"


def _names(target: Target) -> dict[str, str]:
    return {"id": target.id, "name": target.name, "parent": target.parent}


def _checked(respond: Respond) -> Respond:
    """What every call of Resource Manager needs: an api-version."""

    def answer(state: State, request: Request) -> object:
        version = request.query.get("api-version", "")
        if not version:
            raise bad(
                "The api-version query parameter (?api-version=) is required for all requests.",
                "MissingApiVersionParameter",
            )
        if not _VERSION.fullmatch(version):
            raise bad(f"The api-version '{version}' is invalid.", "InvalidApiVersionParameter")
        return respond(state, request)

    return answer


def _unknown(target: Target) -> Respond:
    def answer(state: State, request: Request) -> object:
        raise AzureError(
            404,
            "InvalidResourceType",
            f"The resource type '{target.kind.partition('/')[2]}' could not be found in the namespace "
            f"'{target.namespace}' for api version '{request.query['api-version']}'.",
        )

    return answer


def _responds(method: str, target: Target) -> Respond | None:
    if target.action:
        return lambda state, request: _act(state, request, target)
    if not target.name:
        return (lambda state, request: _list(state, request, target)) if method == "GET" else None
    verbs: dict[str, Any] = {"PUT": _put, "PATCH": _patch, "GET": _get, "HEAD": _head, "DELETE": _delete}
    if (verb := verbs.get(method)) is None or (target.kind == SUBSCRIPTIONS and method != "GET"):
        return None
    return lambda state, request: verb(state, request, target)


def _require_version(request: Request, kind: str) -> None:
    """Raises AzureError unless the type is answered in the api-version that is asked for."""
    known, version = types.find(kind), request.query["api-version"]
    if known is None:
        return
    versions = (known.version, *kinds.find(kind).versions)
    if version not in versions:
        namespace, _, rest_ = kind.partition("/")
        raise bad(
            f"No registered resource provider found for location 'global' and API version '{version}' for type "
            f"'{rest_}' of '{namespace}'. The supported api-versions are '{', '.join(versions)}'.",
            "NoRegisteredProviderFound",
        )


def _get(state: State, request: Request, target: Target) -> object:
    _require_version(request, target.kind)
    with state.lock:
        _require_group(state, target)
        found = state.store(Resources).get(target.id)
        headers = {"ETag": found.etag} if "etag" in kinds.document(state, request, found) else {}
        return Answer.json(kinds.document(state, request, found), 200, _KIND, **headers)


def _require_group(state: State, target: Target) -> None:
    group = ids.group(target.id)
    if group and target.kind != GROUPS and state.store(Resources).find(group) is None:
        raise AzureError(
            404, "ResourceGroupNotFound", f"Resource group '{group.rpartition('/')[2]}' could not be found."
        )
    if target.kind == GROUPS and state.store(Resources).find(target.id) is None:
        raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{target.name}' could not be found.")


def _head(state: State, request: Request, target: Target) -> object:
    with state.lock:
        if state.store(Resources).find(target.id) is None:
            raise missing(target.id)
    return None


def _list(state: State, request: Request, target: Target) -> object:
    _require_version(request, target.kind)
    kind = kinds.find(target.kind)
    with state.lock:
        resources = state.store(Resources)
        if target.parent and resources.find(target.parent) is None:
            raise missing(target.parent)
        found = resources.of(target.kind, target.parent)
        if kind.listed is not None:
            answer = kind.listed(state, request, target.parent, found)
            if isinstance(answer, dict):
                return answer
            found = answer
        return {"value": [kinds.document(state, request, one) for one in found]}


def _act(state: State, request: Request, target: Target) -> object:
    act = kinds.find(target.kind).actions.get(target.action.lower())
    if act is None:
        raise AzureError(404, "NotImplemented", f"localcloud has no action {target.action} of {target.kind}.")
    with state.lock:
        found = state.store(Resources).find(target.id)
        if found is None:
            raise missing(target.id)
        return act(state, request, found)


def _put(state: State, request: Request, target: Target) -> object:
    body = {key: value for key, value in request.body.items() if key not in ("id", "name", "type")}
    _require_envelope(request.body, target)
    return _write(state, request, target, body)


def _patch(state: State, request: Request, target: Target) -> object:
    """A change of what is given: objects are merged (RFC 7386), read-only properties are not kept."""
    with state.lock:
        found = state.store(Resources).get(target.id)
        settable = kinds.settable(found)
    return _write(state, request, target, _merged(settable, request.body))


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return copy.deepcopy(new)
    whole = {key: value for key, value in old.items() if not (key in new and new[key] is None)}
    return whole | {key: _merged(old.get(key), value) for key, value in new.items() if value is not None}


def _require_envelope(body: Document, target: Target) -> None:
    for key, right in (("id", target.id), ("name", target.name), ("type", target.kind)):
        if key in body and str(body[key]).lower() != right.lower():
            raise bad(
                f"The '{key}' in the request body ('{body[key]}') does not match that of the address ('{right}').",
                "InvalidRequestContent",
            )


def _write(state: State, request: Request, target: Target, body: Document) -> object:
    _require_version(request, target.kind)
    kind = kinds.find(target.kind)
    with state.lock:
        resources = state.store(Resources)
        require_parents(resources, target, alone=kind.alone)
        registration.require(state, target.namespace)
        old = resources.find(target.id)
        _require_match(request, old, target)
        require_unlocked(resources, target.id, "write")
        put = Put(state, request, target, _settable(target, body) if old else copy.deepcopy(body), old)
        _require_valid(put, kind)
        managed.require(put)
        kind.check(put)
        if old is None:
            made = resources.add(target.id, target.kind, target.name, put.body)
        else:
            made = old
            resources.change(made, put.body)
        managed.fill(state, made)
        kind.made(state, made)
        if "PUT" not in kind.slow:
            return Answer.json(kinds.document(state, request, made), 200 if old else 201, _KIND)
        begun = state.store(Operations).begin(target.namespace, made.location, request.query["api-version"], made)
        if kind.accepted and old is None:
            return Answer(202, tuple(begun.items()))
        answer = Answer.json(kinds.document(state, request, made, busy=True), 200 if old else 201, _KIND)
        return Answer(answer.status, (*answer.headers, *begun.items()), answer.body)


def _settable(target: Target, body: Document) -> Document:
    """What a client that read a resource writes back: read-only properties among it are dropped, as Azure does.

    In the body of something new they are a mistake, and refused.
    """
    known = types.find(target.kind)
    read_only = {one.path for one in known.check(body) if one.rule == types.READ_ONLY} if known else set()
    return known.settable(body) if known and read_only else copy.deepcopy(body)


def _require_match(request: Request, old: Resource | None, target: Target) -> None:
    """If-Match and If-None-Match, as far as a resource has an ETag."""
    wanted, unwanted = request.call.lower.get("if-match"), request.call.lower.get("if-none-match")
    if (unwanted == "*" and old is not None) or (
        wanted and (old is None or (wanted != "*" and wanted.strip('"') != old.etag.strip('"')))
    ):
        raise AzureError(
            412, "PreconditionFailed", f"The precondition of the request on '{target.id}' does not hold."
        )


def _require_valid(put: Put, kind: Kind) -> None:
    known = types.find(put.target.kind)
    problems = [*known.check(put.body), *known.check_name(put.target.name)] if known else []
    if problems:
        raise AzureError(
            400,
            "InvalidRequestContent",
            f"The request content of '{put.target.kind}' is invalid: {'; '.join(map(str, problems))}",
            details=[{"code": "InvalidProperty", "target": one.path, "message": one.rule} for one in problems],
        )
    # `West Europe` and `westeurope` are the same place.
    location = str(put.body.get("location", "")).replace(" ", "").lower()
    if location:
        put.body["location"] = location
    if put.old is not None and put.old.location != location:
        group = ids.group(put.target.id).rpartition("/")[2]
        raise conflict(
            f"The resource '{put.target.name}' already exists in location '{put.old.location}' in resource "
            f"group '{group}'. A resource with the same name cannot be created in location '{location}'. "
            "Please select a new resource name.",
            "InvalidResourceLocation",
        )


def _delete(state: State, request: Request, target: Target) -> object:
    _require_version(request, target.kind)
    kind = kinds.find(target.kind)
    with state.lock:
        resources = state.store(Resources)
        found = resources.find(target.id)
        if found is None:
            if target.kind == GROUPS:
                _require_group(state, target)
            return Answer(204)
        _require_match(request, found, target)
        require_unlocked(resources, target.id, "delete")
        if not kind.removable:
            raise AzureError(405, "MethodNotAllowed", f"'{target.kind}' cannot be deleted by Resource Manager.")
        kind.keep(state, found)
        for one in _deepest_first(resources.below(found.id), found):
            kinds.find(one.kind).leave(state, one)
        shown_ = kinds.document(state, request, found)
        resources.remove(found)
        kind.gone(state, request, found)
        if "DELETE" not in kind.slow:
            return Answer.json(shown_, 200, _KIND) if kind.echoes else Answer(200)
        begun = state.store(Operations).begin(target.namespace, found.location, request.query["api-version"], None)
        return Answer(202, tuple(begun.items()))


def _deepest_first(below: Sequence[Resource], found: Resource) -> list[Resource]:
    return sorted([found, *below], key=lambda one: one.id.count("/"), reverse=True)


PLANE = Plane(find, in_json, lambda state, request: clouds.managers())
