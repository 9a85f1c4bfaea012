"""After an API, a grant or a perimeter is made, wait until it answers: no longer than needed, never for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.gcp import propagation
from infra.gcp.propagation import MINUTES, answers, drawn, impersonated
from infra.gcp.rest import Answer, Rest
from infra.gcp.services import table
from infra.propagation import PAUSES, Clock, until

DISABLED = Answer(403, {"error": {"details": [{"reason": "SERVICE_DISABLED"}]}})
DENIED = Answer(403, {"error": {"details": [{"reason": "IAM_PERMISSION_DENIED"}]}})
FINE = Answer(200, {})


@dataclass
class Cloud:
    """Gives these answers, the last one for ever, and keeps the questions."""

    given: list[Answer]
    project: str = "acme-ml-eu"
    emulator: str | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, host: str, path: str, body: Any = None) -> Answer:
        self.asked.append((host, path))
        return self.given[min(len(self.asked), len(self.given)) - 1]


def rest(*given: Answer, emulator: str | None = None) -> tuple[Cloud, Rest]:
    cloud = Cloud(list(given), emulator=emulator)
    return cloud, cast(Rest, cloud)


def waited() -> tuple[list[float], Clock]:
    slept: list[float] = []
    return slept, Clock(slept.append)


def test_an_api_that_answers_costs_one_question_and_no_waiting() -> None:
    cloud, way = rest(FINE)
    slept, clock = waited()
    assert until(lambda: answers(way, table()["cloudkms"], "europe-west4"), clock, MINUTES)
    assert cloud.asked == [("cloudkms", "v1/projects/acme-ml-eu/locations")]
    assert slept == []


def test_an_api_that_is_not_enabled_everywhere_is_asked_for_again() -> None:
    cloud, way = rest(DISABLED, DISABLED, FINE)
    slept, clock = waited()
    assert until(lambda: answers(way, table()["storage"], "europe-west4"), clock, MINUTES)
    assert (len(cloud.asked), slept) == (3, [1.0, 2.0])


def test_an_api_that_never_answers_is_given_up_after_five_minutes() -> None:
    _, way = rest(DISABLED)
    slept, clock = waited()
    assert not until(lambda: answers(way, table()["dns"], "europe-west4"), clock, MINUTES)
    assert sum(slept) == sum(MINUTES) == 301.0


def test_a_caller_who_may_not_read_has_its_answer_all_the_same() -> None:
    _, way = rest(DENIED)
    assert answers(way, table()["compute"], "europe-west4")


def test_vertex_is_asked_where_its_jobs_are() -> None:
    cloud, way = rest(FINE)
    assert answers(way, table()["aiplatform"], "europe-west4")
    assert cloud.asked[0][0] == "europe-west4-aiplatform"
    emulated, way = rest(FINE, emulator="http://127.0.0.1:1/_gcp")
    assert answers(way, table()["aiplatform"], "europe-west4")
    assert emulated.asked[0][0] == "aiplatform"


def test_an_api_without_a_question_to_ask_is_believed() -> None:
    cloud, way = rest(DISABLED)
    assert answers(way, table()["containerscanning"], "europe-west4")
    assert cloud.asked == []


def test_an_agent_that_cannot_be_impersonated_yet_is_asked_for_again() -> None:
    cloud, way = rest(DENIED, Answer(404, {}), FINE)
    slept, clock = waited()
    assert until(lambda: impersonated(way, "agent@acme"), clock)
    assert cloud.asked[0] == ("iamcredentials", "v1/projects/-/serviceAccounts/agent@acme:generateAccessToken")
    assert slept == [1.0, 2.0]
    assert sum(PAUSES) == 31.0


@pytest.mark.parametrize("rules", ["status", "spec"])
def test_a_perimeter_is_drawn_when_it_is_told_to_hold_its_project(rules: str) -> None:
    _, way = rest(Answer(404, {}), Answer(200, {}), Answer(200, {rules: {"resources": ["projects/1"]}}))
    slept, clock = waited()
    assert until(lambda: drawn(way, "accessPolicies/1/servicePerimeters/ml", "projects/1"), clock)
    assert slept == [1.0, 2.0]


def test_a_wait_that_is_in_vain_is_told_and_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", told.append)

    class Place:
        region = "europe-west4"

    class Site:
        place = Place()
        rest = rest(DISABLED)[1]

        def name(self, concern: str, use: str) -> str:
            return f"{concern}-{use}"

    hooks: list[Any] = []

    def hook(name: str, callback: Any) -> Any:
        hooks.append(callback)
        return cast(Any, object())

    monkeypatch.setattr("pulumi.ResourceHook", hook)
    monkeypatch.setattr("pulumi.ResourceHookBinding", lambda after_create: after_create)
    propagation.wait_for_service(cast(Any, Site()), table()["dns"], waited()[1])
    hooks[0](cast(Any, object()))
    assert told == [
        "dns.googleapis.com is enabled but does not answer yet; run `pulumi up` again if something fails for it"
    ]


def again(
    monkeypatch: pytest.MonkeyPatch, errors: list[str], emulator: str | None = None
) -> tuple[bool, list[float]]:
    """What the hook of something that needs a grant says to its latest error, and how long it paused before."""
    hooks: list[Any] = []
    monkeypatch.setattr("pulumi.ErrorHook", lambda name, callback: hooks.append(callback))
    monkeypatch.setattr("pulumi.ResourceHookBinding", lambda on_error: on_error)
    slept, clock = waited()
    site = cast(Any, SimpleNamespace(emulator=emulator))
    propagation.retry_while_granting(site, "gcp-euw4-storage-data", None if emulator else clock)
    return hooks[0](cast(Any, SimpleNamespace(errors=errors))), slept


KMS = "Error 403: Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account ..."


@pytest.mark.parametrize(
    "error",
    [
        KMS,
        "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource 'projects/p'.",
        "Error 400: Service account service-1@gcp-sa-logging.iam.gserviceaccount.com does not exist.",
        "Error 400: Role projects/acme-ml-eu/roles/gcp_euw4_reader_1 is not supported for this resource.",
    ],
)
def test_what_a_grant_under_way_refuses_is_tried_again(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(monkeypatch, [error]) == (True, [5.0])
    assert again(monkeypatch, [error] * 3) == (True, [15.0])


def test_a_grant_that_never_comes_is_given_up_after_seven_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(propagation.GRANTED) == 420.0
    assert again(monkeypatch, [KMS] * len(propagation.GRANTED)) == (True, [propagation.GRANTED[-1]])
    assert again(monkeypatch, [KMS] * (len(propagation.GRANTED) + 1)) == (False, [])


@pytest.mark.parametrize("error", ["Error 403: Permission 'storage.buckets.create' denied", "Error 409: conflict"])
def test_no_other_refusal_is_tried_again(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(monkeypatch, [error, KMS]) == (False, [])


def test_an_emulators_grants_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited"))
    assert again(monkeypatch, [KMS], emulator="http://127.0.0.1:1/_gcp") == (True, [])
