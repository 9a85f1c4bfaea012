"""Notification channels: named by Google, veiled where they hold a secret, refused where they lead nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.plugin.gcp.local import Local

CHANNELS = "monitoring/v3/projects/launchway-local/notificationChannels"
MAIL = {"type": "email", "displayName": "owners", "labels": {"email_address": "ml@example.org"}}
SLACK = {"type": "slack", "labels": {"channel_name": "#ml", "auth_token": "xoxb-1"}}


@pytest.fixture
def local(tmp_path: Path) -> Local:
    return Local(tmp_path, clock=lambda: 0.0)


def made(local: Local, channel: Any = MAIL) -> Any:
    status, answer = local.ask("POST", CHANNELS, channel)
    assert status == 200, answer
    return answer


def test_google_names_a_channel_switches_it_on_and_records_it(local: Local) -> None:
    channel = made(local)
    parent, _, id = channel.pop("name").rpartition("/")
    assert (parent, id.isdigit()) == ("projects/launchway-local/notificationChannels", True)
    record = {"mutateTime": "1970-01-01T00:00:00.000000Z"}
    assert channel == {**MAIL, "enabled": True, "creationRecord": record, "mutationRecords": [record]}


def test_a_channel_lives_until_it_is_deleted(local: Local) -> None:
    first, second = sorted((made(local), made(local, {**MAIL, "enabled": False})), key=lambda one: one["name"])
    assert local.ask("GET", f"monitoring/v3/{first['name']}") == (200, first)
    assert local.ask("GET", CHANNELS) == (200, {"notificationChannels": [first, second]})
    by_number = CHANNELS.replace("launchway-local", "123456789012")
    _, answer = local.ask("GET", f"{by_number}?pageSize=1")
    assert (answer["notificationChannels"], bool(answer["nextPageToken"])) == ([first], True)
    assert local.ask("DELETE", f"monitoring/v3/{first['name']}?force=false") == (200, {})
    assert local.ask("GET", f"monitoring/v3/{first['name']}")[0] == 404
    assert local.ask("DELETE", f"monitoring/v3/{first['name']}")[0] == 404
    assert local.ask("GET", CHANNELS) == (200, {"notificationChannels": [second]})


def test_a_change_touches_what_its_mask_or_its_body_names(local: Local) -> None:
    path = f"monitoring/v3/{made(local)['name']}"
    other = {"displayName": "people", "labels": {"email_address": "ops@example.org"}}
    _, channel = local.ask("PATCH", f"{path}?updateMask=display_name", other)
    assert (channel["displayName"], channel["labels"]) == ("people", MAIL["labels"])
    _, channel = local.ask("PATCH", path, {"labels": other["labels"]})
    assert (channel["displayName"], channel["labels"]) == ("people", other["labels"])
    assert len(channel["mutationRecords"]) == 3


def test_what_is_secret_is_never_shown_again(local: Local) -> None:
    channel = made(local, SLACK)
    assert channel["labels"] == {"channel_name": "#ml", "auth_token": "******"}
    assert local.ask("GET", f"monitoring/v3/{channel['name']}")[1]["labels"] == channel["labels"]
    assert local.ask("GET", CHANNELS)[1]["notificationChannels"][0]["labels"] == channel["labels"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "pigeon"}, 'notification_channel.type had an invalid value of "pigeon"'),
        ({"type": None}, "notification_channel.type had an invalid value"),
        ({"labels": {}}, "labels[email_address] had an invalid value"),
        ({"labels": None}, "labels[email_address] had an invalid value"),
        ({"type": "pubsub"}, "labels[topic] had an invalid value"),
        ({"name": "mine"}, 'name.channel_id_part had an invalid value of "mine": Field must be empty.'),
        ({"email": "a@example.org"}, 'Unknown name "email"'),
        ({"labels": {"email_address": 1}}, "Invalid value at 'labels[email_address]'"),
    ],
)
def test_a_channel_that_leads_nowhere_is_refused(local: Local, change: dict[str, Any], field: str) -> None:
    wanted = {key: value for key, value in {**MAIL, **change}.items() if value is not None}
    status, answer = local.ask("POST", CHANNELS, wanted)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert field in answer["error"]["message"]
    assert local.ask("GET", CHANNELS)[1].get("notificationChannels", []) == []


def test_a_change_that_is_refused_changes_nothing(local: Local) -> None:
    channel = made(local)
    status, answer = local.ask("PATCH", f"monitoring/v3/{channel['name']}", {"displayName": "x", "labels": {}})
    assert (status, "labels[email_address]" in answer["error"]["message"]) == (400, True)
    assert local.ask("GET", f"monitoring/v3/{channel['name']}")[1] == channel
