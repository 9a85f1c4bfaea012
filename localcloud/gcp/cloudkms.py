"""cloudkms.googleapis.com: key rings and keys, which are never deleted, and versions, which can be destroyed."""

from __future__ import annotations

import copy
import re

from localcloud.gcp import discovery, policies
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Documents, Kind, masked
from localcloud.gcp.errors import invalid, precondition
from localcloud.gcp.names import canonical, now, written
from localcloud.gcp.state import State

RINGS = Kind("cloudkms", "keyRings", "KeyRing", r"[a-zA-Z0-9_-]{1,63}")
KEYS = Kind("cloudkms", "cryptoKeys", "CryptoKey", r"[a-zA-Z0-9_-]{1,63}")
VERSIONS = Kind("cloudkms", "cryptoKeyVersions", "CryptoKeyVersion")
DAY = 86400.0
WAIT = "2592000s"  # destroyScheduledDuration where none is given (CryptoKey in the discovery document: 30 days)
TEMPLATE = {"protectionLevel": "SOFTWARE", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"}
FIXED = ("purpose", "importOnly", "destroyScheduledDuration", "cryptoKeyBackend")


def create_ring(state: State, request: Request) -> object:
    with state.lock:
        parent = canonical(request.names["parent"])
        return RINGS.add(state, parent, argument(request, "keyRingId"), {"createTime": now(state)})


def create_key(state: State, request: Request) -> object:
    body = discovery.writable("cloudkms.v1", "CryptoKey", request.body)
    if "purpose" not in body:
        raise invalid("The request field 'crypto_key.purpose' is required.")
    _rotation(body)
    with state.lock:
        ring = RINGS.get(state, request.names["parent"])["name"]
        key = {"createTime": now(state), "destroyScheduledDuration": WAIT, **copy.deepcopy(body)}
        key["versionTemplate"] = TEMPLATE | body.get("versionTemplate", {})
        made = KEYS.add(state, ring, argument(request, "cryptoKeyId"), key)
        if argument(request, "skipInitialVersionCreation").lower() != "true":
            _version(state, made)
        return made


def _version(state: State, key: Document) -> None:
    number = str(len(state.store(Documents).under("cloudkms", f"{key['name']}/cryptoKeyVersions")) + 1)
    version = {"state": "ENABLED", "createTime": now(state), "generateTime": now(state), **key["versionTemplate"]}
    made = VERSIONS.add(state, key["name"], number, version)
    if key["purpose"] == "ENCRYPT_DECRYPT":
        key["primary"] = made  # the same document: a destroyed version is destroyed here too


def _rotation(key: Document) -> None:
    period, first = key.get("rotationPeriod"), key.get("nextRotationTime")
    if bool(period) != bool(first):
        raise invalid("rotation_period and next_rotation_time must be set together.")
    if period and (not re.fullmatch(r"\d+(?:\.\d{1,9})?s", period) or float(period[:-1]) < DAY):
        raise invalid("rotation_period must be at least 24 hours and at most 876,000 hours.")


def patch_key(state: State, request: Request) -> object:
    if not argument(request, "updateMask"):
        raise invalid("The request field 'update_mask' is required.")
    with state.lock:
        found = KEYS.get(state, request.names["name"])
        changed = copy.deepcopy({key: value for key, value in found.items() if key != "primary"})
        masked(changed, request.body, argument(request, "updateMask"), FIXED)
        _rotation(changed)
        found.clear()
        found.update(changed)
        versions = state.store(Documents).under("cloudkms", f"{found['name']}/cryptoKeyVersions")
        if versions and found["purpose"] == "ENCRYPT_DECRYPT":
            found["primary"] = versions[-1]
        return copy.deepcopy(found)


def destroy(state: State, request: Request) -> object:
    with state.lock:
        version = VERSIONS.get(state, request.names["name"])
        if version["state"] not in ("ENABLED", "DISABLED"):
            raise precondition(f"{version['name']} is {version['state']} and cannot be destroyed.")
        key = KEYS.get(state, version["name"].partition("/cryptoKeyVersions/")[0])
        wait = float(key["destroyScheduledDuration"].rstrip("s"))
        version["state"] = "DESTROY_SCHEDULED"
        version["destroyTime"] = written(state.clock() + wait)
        return copy.deepcopy(version)


def _resource(state: State, name: str) -> Document:
    if "/cryptoKeys/" in name:
        return KEYS.get(state, name)
    return RINGS.get(state, name)


_GET, _SET, _TEST = policies.methods("cloudkms", _resource)
_RING, _KEY = "projects.locations.keyRings", "projects.locations.keyRings.cryptoKeys"
API = discovery.api(
    "cloudkms.v1",
    {
        f"{_RING}.create": create_ring,
        f"{_RING}.get": RINGS.read,
        f"{_RING}.list": RINGS.listed("keyRings"),
        f"{_RING}.getIamPolicy": _GET,
        f"{_RING}.setIamPolicy": _SET,
        f"{_RING}.testIamPermissions": _TEST,
        f"{_KEY}.create": create_key,
        f"{_KEY}.get": KEYS.read,
        f"{_KEY}.list": KEYS.listed("cryptoKeys"),
        f"{_KEY}.patch": patch_key,
        f"{_KEY}.getIamPolicy": _GET,
        f"{_KEY}.setIamPolicy": _SET,
        f"{_KEY}.testIamPermissions": _TEST,
        f"{_KEY}.cryptoKeyVersions.get": VERSIONS.read,
        f"{_KEY}.cryptoKeyVersions.list": VERSIONS.listed("cryptoKeyVersions"),
        f"{_KEY}.cryptoKeyVersions.destroy": destroy,
    },
)
