"""Buckets: their settings as they were sent, their IAM policy, and the objects in them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcloud.gcp import cmek
from localcloud.gcp.errors import GoogleError, invalid, not_found
from localcloud.gcp.state import State
from localcloud.objects import Object, Objects
from localcloud.place import GOOGLE, NUMBER, PROJECT

AGENT = f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
"""The service agent of Cloud Storage: who encrypts with a bucket's key."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
# What a bucket has unless told otherwise (Bucket resource; soft delete: 7 days).
_DEFAULTS: Mapping[str, Any] = {
    "location": "US",
    "storageClass": "STANDARD",
    "iamConfiguration": {
        "uniformBucketLevelAccess": {"enabled": False},
        "publicAccessPrevention": "inherited",
    },
    "softDeletePolicy": {"retentionDurationSeconds": "604800"},
}
# What only the service writes: left out of what a client sends, as the service ignores it.
_OUTPUT = frozenset(
    ("kind", "id", "selfLink", "projectNumber", "metageneration", "timeCreated", "updated", "etag", "locationType")
)
_FIXED = ("name", "location", "customPlacementConfig", "hierarchicalNamespace")


def moment(seconds: float) -> str:
    """A time as the JSON API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass
class Bucket:
    """`settings` are the fields a client may write; times are seconds since 1970."""

    name: str
    settings: dict[str, Any]
    created: float
    updated: float
    objects: Objects
    url: str
    metageneration: int = 1
    bindings: list[dict[str, Any]] = field(default_factory=list)
    policy_number: int = 1

    @property
    def versioned(self) -> bool:
        return bool((self.settings.get("versioning") or {}).get("enabled"))

    def document(self) -> dict[str, Any]:
        """The Bucket resource."""
        location = str(self.settings["location"]).upper()
        return {
            **self.settings,
            "kind": "storage#bucket",
            "id": self.name,
            "name": self.name,
            "selfLink": f"{self.url}{GOOGLE}/storage/storage/v1/b/{self.name}",
            "projectNumber": NUMBER,
            "metageneration": str(self.metageneration),
            "location": location,
            "locationType": "region" if "-" in location else "multi-region",
            "timeCreated": moment(self.created),
            "updated": moment(self.updated),
            "etag": _etag(self.metageneration),
        }

    def policy(self) -> dict[str, Any]:
        """The IAM policy of the bucket."""
        return {
            "kind": "storage#policy",
            "resourceId": f"projects/_/buckets/{self.name}",
            "version": 3 if any("condition" in binding for binding in self.bindings) else 1,
            "etag": _etag(self.policy_number),
            "bindings": self.bindings,
        }

    def guard(self, found: Object, now: float) -> None:
        """Refuse to lose an object that the retention policy or a hold still keeps. Raises GoogleError."""
        seconds = float((self.settings.get("retentionPolicy") or {}).get("retentionPeriod") or 0)
        what = f"Object '{self.name}/{found.name}'"
        if found.fields.get("temporaryHold") or found.fields.get("eventBasedHold"):
            raise GoogleError("PERMISSION_DENIED", f"{what} is under active Temporary hold and cannot be deleted.")
        if found.created + seconds > now:
            raise GoogleError(
                "PERMISSION_DENIED",
                f"{what} is subject to bucket's retention policy or object retention and cannot be deleted or "
                f"overwritten until {moment(found.created + seconds)}",
                reason="retentionPolicyNotMet",
            )


def _etag(number: int) -> str:
    """As the real ones look: a protocol buffer with one number in base64."""
    return base64.b64encode(b"\x08" + number.to_bytes(1 + number // 128, "little")).decode()


@dataclass
class Buckets:
    """All buckets by name. Hold `state.lock`."""

    state: State
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def find(self, name: str) -> Bucket:
        """Raises GoogleError."""
        try:
            return self.buckets[name]
        except KeyError:
            raise not_found("The specified bucket does not exist.") from None

    def insert(self, document: Mapping[str, Any]) -> Bucket:
        """Make a bucket of what a client sent. Raises GoogleError."""
        name = str(document.get("name", ""))
        if not _NAME.fullmatch(name) or name.startswith("goog") or "google" in name:
            raise invalid(f"Invalid bucket name: '{name}'")
        if name in self.buckets:
            raise GoogleError(
                "ALREADY_EXISTS",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
        now = self.state.clock()
        settings = merged(dict(_DEFAULTS), _writable(document))
        self._key(settings)
        _stamp_times(settings, {}, now)
        root = self.state.place.google_objects
        objects = Objects(root / "buckets" / name, root / "held" / name, self.state.clock)
        made = Bucket(name, settings, now, now, objects, self.state.url, bindings=_owners())
        self.buckets[name] = made
        return made

    def change(self, bucket: Bucket, document: Mapping[str, Any], *, whole: bool) -> None:
        """Change settings: a patch changes what it names (null removes), an update replaces all."""
        sent = _writable(document)
        for fixed in _FIXED:
            if fixed in sent and str(sent[fixed]).upper() != str(bucket.settings.get(fixed, bucket.name)).upper():
                raise invalid(f"{fixed} of a bucket cannot be changed")
        kept = {fixed: bucket.settings[fixed] for fixed in _FIXED if fixed in bucket.settings}
        old = bucket.settings
        if (old.get("retentionPolicy") or {}).get("isLocked"):
            _refuse_unlocking(old["retentionPolicy"], sent, whole=whole)
        base = {**_DEFAULTS, **kept} if whole else old
        now = self.state.clock()
        settings = merged(dict(base), {name: value for name, value in sent.items() if name != "name"})
        if settings.get("encryption") != old.get("encryption"):
            self._key(settings)
        _stamp_times(settings, old, now)
        bucket.settings = settings
        bucket.updated = now
        bucket.metageneration += 1

    def _key(self, settings: Mapping[str, Any]) -> None:
        """Refuse a default key that the service agent cannot encrypt with. Raises GoogleError."""
        key = (settings.get("encryption") or {}).get("defaultKmsKeyName")
        if key:
            refusal = GoogleError(
                "PERMISSION_DENIED",
                "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has "
                "been authorized to use this key.",
            )
            cmek.require(self.state, AGENT, str(key), refusal, str(settings["location"]))

    def delete(self, bucket: Bucket) -> None:
        """Delete an empty bucket; old generations count. Raises GoogleError."""
        if bucket.objects.all(versions=True):
            raise GoogleError("ALREADY_EXISTS", "The bucket you tried to delete is not empty.")
        bucket.objects.destroy()
        del self.buckets[bucket.name]


def _writable(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _OUTPUT}


def _refuse_unlocking(policy: Mapping[str, Any], sent: Mapping[str, Any], *, whole: bool) -> None:
    if "retentionPolicy" not in sent and not whole:
        return
    period = int((sent.get("retentionPolicy") or {}).get("retentionPeriod") or 0)
    if period < int(policy["retentionPeriod"]):
        raise GoogleError(
            "PERMISSION_DENIED",
            "Cannot reduce retention duration of a locked Retention Policy for bucket.",
            reason="forbidden",
        )


def _stamp_times(settings: dict[str, Any], old: Mapping[str, Any], now: float) -> None:
    """Fill in the times that the service adds to what a client switches on."""
    for name in ("softDeletePolicy", "retentionPolicy"):
        policy = settings.get(name)
        if policy is not None:
            policy.setdefault("effectiveTime", (old.get(name) or {}).get("effectiveTime") or moment(now))
    encryption = settings.get("encryption") or {}
    for name in [name for name in encryption if name.endswith("EnforcementConfig")]:
        encryption[name].setdefault("effectiveTime", moment(now))
    uniform = settings["iamConfiguration"].get("uniformBucketLevelAccess") or {}
    if uniform.get("enabled"):
        uniform.setdefault("lockedTime", moment(now + 90 * 86_400))


def _owners() -> list[dict[str, Any]]:
    """The bindings a new bucket starts with."""
    roles = {
        "roles/storage.legacyBucketOwner": ["projectEditor", "projectOwner"],
        "roles/storage.legacyBucketReader": ["projectViewer"],
    }
    return [{"role": role, "members": [f"{who}:{PROJECT}" for who in whos]} for role, whos in roles.items()]


def merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396): objects merge, null removes, the rest replaces."""
    found = dict(base)
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, Mapping):
            inner = found.get(name)
            found[name] = merged(inner if isinstance(inner, dict) else {}, value)
        else:
            found[name] = value
    return found
