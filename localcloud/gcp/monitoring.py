"""monitoring.googleapis.com: the channels that people are told through. Nothing is ever sent."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping

from localcloud.gcp import discovery
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Kind, masked
from localcloud.gcp.errors import GoogleError, invalid
from localcloud.gcp.names import canonical, now
from localcloud.gcp.state import State

CHANNELS = Kind("monitoring", "notificationChannels", "Notification channel")
# Kind of channel -> the label that says where it leads: of `email` and `pubsub` as Google's descriptors have it
# (`gcloud beta monitoring channel-descriptors describe`), of the others as the provider's own tests have it.
LABELS = {
    "email": "email_address",
    "pagerduty": "service_key",
    "pubsub": "topic",
    "slack": "channel_name",
    "sms": "number",
    "webhook_basicauth": "url",
    "webhook_tokenauth": "url",
}
# Labels that are "only partially populated on retrieval" (the discovery document): these, by sensitiveLabels of
# terraform-provider-google's resource_monitoring_notification_channel.go. How much of them is shown is not known.
SECRET = frozenset({"auth_token", "password", "service_key"})


def create(state: State, request: Request) -> object:
    body = copy.deepcopy(request.body)
    if name := body.pop("name", ""):
        raise _wrong("notification_channel.name.channel_id_part", name, "Field must be empty.")
    _check(body)
    with state.lock:
        id = str(secrets.randbelow(9 * 10**18) + 10**18)
        mutation = {"mutateTime": now(state)}
        records = {"creationRecord": mutation, "mutationRecords": [mutation]}
        made = CHANNELS.add(state, request.names["name"], id, {"enabled": True, **body, **records})
        return _shown(made)


def _check(channel: Mapping[str, object]) -> None:
    """What Google asks of a channel; its words for a label are those of an `Error 400` about a phone number."""
    kind = str(channel.get("type", ""))
    if kind not in LABELS:
        raise _wrong("notification_channel.type", kind, "Unknown notification channel type.")
    labels = channel.get("labels")
    where = LABELS[kind]
    if not isinstance(labels, dict) or not labels.get(where):
        raise _wrong(f"labels[{where}]", "", "A value is required.")


def _wrong(field: str, value: str, why: str) -> GoogleError:
    return invalid(f'Field {field} had an invalid value of "{value}": {why}')


def _shown(channel: Document) -> Document:
    shown = copy.deepcopy(channel)
    labels = shown.get("labels", {})
    shown["labels"] = {key: "*" * len(text) if key in SECRET else text for key, text in labels.items()}
    return shown


def get(state: State, request: Request) -> object:
    with state.lock:
        return _shown(CHANNELS.get(state, request.names["name"]))


def patch(state: State, request: Request) -> object:
    with state.lock:
        found = CHANNELS.get(state, request.names["name"])
        changed = copy.deepcopy(found)
        body = {**request.body}
        if "name" in body:
            body["name"] = canonical(str(body["name"]))
        masked(changed, body, argument(request, "updateMask"), ("name",))
        _check(changed)
        changed["mutationRecords"] = [{"mutateTime": now(state)}, *found["mutationRecords"]]
        found.clear()
        found.update(changed)
        return _shown(found)


def delete(state: State, request: Request) -> object:
    with state.lock:
        CHANNELS.remove(state, request.names["name"])
        return {}


_AT = "projects.notificationChannels"
API = discovery.api(
    "monitoring.v3",
    {
        f"{_AT}.create": create,
        f"{_AT}.get": get,
        f"{_AT}.list": CHANNELS.listed("notificationChannels", parent="name", shown=_shown),
        f"{_AT}.patch": patch,
        f"{_AT}.delete": delete,
    },
)
