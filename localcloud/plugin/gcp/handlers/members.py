"""Members of IAM policies: each puts itself into, and takes itself out of, the policy of a thing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.plugin.gcp.fields import Json
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.sameness import alike
from localcloud.plugin.values import Properties

TRIES = 5  # of a read-modify-write that somebody else got in between
PAUSE = 0.2  # seconds
CONDITION = ("title", "description", "expression")


@dataclass(frozen=True)
class Place:
    """Where a thing's policy is read and written.

    `name` gives the thing's name from the properties, `pattern` the properties from it. `get` is the method that
    reads, `verbs` what follows the name, `whole`: the policy is the body itself (Cloud Storage).
    """

    endpoint: str
    base: str
    name: str
    pattern: str
    get: str = "GET"
    verbs: tuple[str, str] = (":getIamPolicy?options.requestedPolicyVersion=3", ":setIamPolicy")
    whole: bool = False


PLACES = {
    "artifactregistry/repositoryIamMember:RepositoryIamMember": Place(
        "artifact_registry_custom_endpoint",
        "https://artifactregistry.googleapis.com/v1/",
        "projects/{project}/locations/{location}/repositories/{repository}",
        r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/repositories/(?P<repository>[^/]+)",
    ),
    "kms/cryptoKeyIAMMember:CryptoKeyIAMMember": Place(
        "kms_custom_endpoint",
        "https://cloudkms.googleapis.com/v1/",
        "{cryptoKeyId}",
        r"(?P<cryptoKeyId>projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+)",
    ),
    "projects/iAMMember:IAMMember": Place(
        "resource_manager_custom_endpoint",
        "https://cloudresourcemanager.googleapis.com/v1/",
        "projects/{project}",
        r"(?:projects/)?(?P<project>[^/]+)",
        "POST",
        (":getIamPolicy", ":setIamPolicy"),
    ),
    "secretmanager/secretIamMember:SecretIamMember": Place(
        "secret_manager_custom_endpoint",
        "https://secretmanager.googleapis.com/v1/",
        "projects/{project}/secrets/{secretId}",
        r"projects/(?P<project>[^/]+)/secrets/(?P<secretId>[^/]+)",
    ),
    "serviceaccount/iAMMember:IAMMember": Place(
        "iam_custom_endpoint",
        "https://iam.googleapis.com/v1/",
        "{serviceAccountId}",
        r"(?P<serviceAccountId>projects/[^/]+/serviceAccounts/[^/]+)",
        "POST",
    ),
    "storage/bucketIAMMember:BucketIAMMember": Place(
        "storage_custom_endpoint",
        "https://storage.googleapis.com/storage/v1/",
        "b/{bucket}",
        r"b/(?P<bucket>[^/]+)",
        verbs=("/iam?optionsRequestedPolicyVersion=3", "/iam"),
        whole=True,
    ),
}


class Policy:
    """The policy of the thing that a resource's properties name."""

    def __init__(self, gcp: Gcp, place: Place, known: Properties) -> None:
        self.gcp, self.place = gcp, place
        self.name = resource_name(gcp, place, known)
        self.url = gcp.base(place.endpoint, place.base) + self.name

    def read(self) -> Json:
        body = {"options": {"requestedPolicyVersion": 3}} if self.place.verbs[0] == ":getIamPolicy" else None
        if self.place.get == "POST" and body is None:
            body = {}
        return self.gcp.call(self.place.get, self.url + self.place.verbs[0], body)

    def write(self, policy: Json, mask: str = "") -> None:
        if self.place.whole:
            self.gcp.call("PUT", self.url + self.place.verbs[1], policy)
        else:
            body: Json = {"policy": policy} | ({"updateMask": mask} if mask else {})
            self.gcp.call("POST", self.url + self.place.verbs[1], body)

    def change(self, act: Callable[[Json], None], mask: str = "") -> None:
        """Reads, changes and writes, again when somebody else wrote in between."""
        for attempt in range(TRIES):
            with self.gcp.policies:
                policy = self.read()
                act(policy)
                try:
                    return self.write({**policy, "version": 3}, mask)
                except ApiError as error:
                    if error.status not in (409, 412) or attempt == TRIES - 1:
                        raise
            time.sleep(PAUSE * 2**attempt)
        return None


def resource_name(gcp: Gcp, place: Place, known: Properties) -> str:
    """The name of the thing, with short forms of its parts made whole."""
    values = {name: str(value) for name, value in known.items() if isinstance(value, str)}
    values["project"] = (values.get("project") or gcp.settings.project).removeprefix("projects/")
    for short in ("repository", "bucket", "secretId"):
        if short in values:
            values[short] = values[short].rpartition("/")[2]
    if "repository" in values:
        values.setdefault("location", gcp.settings.region)
    return place.name.format_map(values)


def matches(binding: Json, known: Properties, title: str | None = None) -> bool:
    """Whether a binding has the role and condition of a resource, or a condition of this title."""
    wanted, present = _condition(known), binding.get("condition") or {}
    if title is not None:
        return bool(binding.get("role") == known["role"] and present.get("title") == title)
    return bool(
        binding.get("role") == known["role"]
        and {key: present.get(key, "") for key in CONDITION} == {key: wanted.get(key, "") for key in CONDITION}
    )


def _condition(known: Properties) -> dict[str, Any]:
    condition = known.get("condition") or {}
    return {key: condition[key] for key in CONDITION if condition.get(key)}


def _holds(binding: Json, member: str) -> str | None:
    return next((one for one in binding.get("members", []) if alike("member", one, member)), None)


def _handler(token: str, place: Place) -> Resource[Gcp]:
    label = token.rsplit(":", 1)[1]

    def id(gcp: Gcp, known: Properties) -> str:
        name = resource_name(gcp, place, known)
        name = name.removeprefix("projects/") if token.startswith("projects/") else name
        condition = _condition(known)
        ending = "/" + "/".join(condition.values()) if condition else ""
        return f"{name}/{known['role']}/{known['member']}{ending}"

    def create(gcp: Gcp, inputs: Properties) -> str:
        def add(policy: Json) -> None:
            bindings = policy.setdefault("bindings", [])
            found = next((one for one in bindings if matches(one, inputs)), None)
            if found is None:
                condition = _condition(inputs)
                bindings.append(
                    {"role": inputs["role"], "members": [inputs["member"]]}
                    | ({"condition": condition} if condition else {})
                )
            elif not _holds(found, inputs["member"]):
                found["members"].append(inputs["member"])

        Policy(gcp, place, inputs).change(add)
        return id(gcp, inputs)

    def read(gcp: Gcp, made: str, known: Properties) -> Properties | None:
        values = {**_parts(place, made), **{key: value for key, value in known.items() if value is not None}}
        try:
            policy = Policy(gcp, place, values).read()
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        title = values.pop("title", None)  # of an import: its condition is known by its title alone
        wanted = None if known.get("condition") else title
        binding = next((one for one in policy.get("bindings", []) if matches(one, values, wanted)), None)
        member = _holds(binding, values["member"]) if binding else None
        if binding is None or member is None:
            return None
        found: Properties = {name: values[name] for name in _variables(place) if name in values}
        if "project" in _variables(place):
            found["project"] = values.get("project") or gcp.project
        if "location" in _variables(place):
            found["location"] = values.get("location") or gcp.settings.region
        condition = binding.get("condition")
        return found | {
            "id": id(gcp, {**values, "member": member, "condition": binding.get("condition")}),
            "role": binding["role"],
            "member": member,
            "condition": {key: condition.get(key, "") for key in CONDITION} if condition else None,
            "etag": policy.get("etag", ""),
        }

    def update(gcp: Gcp, made: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
        raise ProviderError(f"{label} cannot be changed in place")

    def delete(gcp: Gcp, made: str, state: Properties) -> None:
        def remove(policy: Json) -> None:
            for binding in policy.get("bindings", []):
                if matches(binding, state) and (held := _holds(binding, state["member"])):
                    binding["members"].remove(held)
            policy["bindings"] = [one for one in policy.get("bindings", []) if one["members"]]

        try:
            Policy(gcp, place, state).change(remove)
        except ApiError as error:
            if error.status != 404:
                raise

    return Resource(label, create, read, update, delete)


def _variables(place: Place) -> list[str]:
    return re.findall(r"\{(\w+)\}", place.name)


def _parts(place: Place, made: str) -> Properties:
    """What an import id (`resource role member`) or an id says."""
    whole = f"(?P<thing>{place.pattern})[ /](?P<role>(?:projects/[^/]+/|organizations/[^/]+/)?roles/[^/ ]+)[ /]"
    found = re.fullmatch(whole + r"(?P<member>\S+?)(?: (?P<title>.+))?", made)
    return {name: value for name, value in found.groupdict().items() if name != "thing" and value} if found else {}


RESOURCES = {f"gcp:{token}": _handler(token, place) for token, place in PLACES.items()}
