"""How long a job waits for secrets that it cannot have: its machines are paid for meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dispatcher.runtime.secrets import SecretError, resolved
from dispatcher.runtime.secrets.world import Answer, Call, Unreachable, World
from tests.dispatcher.runtime.clouds import AWS, CONTAINER, GOOGLE_TOKEN, MSI, ROLE, SECRETS, said

FIVE = ("A", "B", "C", "D", "E")
INSTANCE = {"DISPATCH_REGION": "eu-central-1"}
IN = {
    CONTAINER: said(200, ROLE),
    MSI["MSI_ENDPOINT"]: said(200, {"access_token": "jwt"}),
    GOOGLE_TOKEN: said(200, {"access_token": "t"}, metadata_flavor="Google"),
}


class Clock:
    """Time that passes while somebody does not answer, or while we wait."""

    def __init__(self, answers: Mapping[str, Answer], takes: float = 0.0) -> None:
        self.answers, self.takes, self.time, self.calls = answers, takes, 0.0, 0

    def send(self, call: Call) -> Answer:
        self.calls += 1
        answer = self.answers.get(call.url.partition("?")[0])
        if answer is None:
            self.time += call.seconds
            raise Unreachable("timed out")
        self.time += min(self.takes, call.seconds)
        return answer

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def lines(self, store: str, environment: Mapping[str, str]) -> list[str]:
        asked = {f"DISPATCH_SECRET_{name}": f"{store}{name}" for name in FIVE} | dict(environment)
        with pytest.raises(SecretError) as caught:
            resolved(asked, World(asked, self.send, self.sleep, lambda: 1.8e9, lambda: self.time))
        return caught.value.lines


@pytest.mark.parametrize(
    ("store", "environment", "answers", "most"),
    [
        ("aws-sm://zone/", AWS, IN, 25),
        ("azure-kv://vault/", MSI, IN, 25),
        ("gcp-sm://acme-ml/", {}, IN, 25),
        ("aws-sm://zone/", INSTANCE, {}, 15),
        ("azure-kv://vault/", MSI, {}, 20),
        ("gcp-sm://acme-ml/", {}, {}, 15),
    ],
    ids=["no store", "no vault", "no Secret Manager", "no role", "no identity", "no account"],
)
def test_five_secrets_fail_as_fast_as_one_where_nobody_answers(
    store: str, environment: Mapping[str, str], answers: Mapping[str, Answer], most: float
) -> None:
    clock = Clock(answers)
    lines = clock.lines(store, environment)
    assert [line.partition(" (")[0] for line in lines] == [f"secret {name}" for name in FIVE]
    assert clock.time < most
    assert clock.calls <= 5


def test_a_store_that_answers_slowly_and_badly_is_left_after_half_a_minute() -> None:
    clock = Clock({CONTAINER: said(200, ROLE), SECRETS: said(503, {})}, takes=8.0)
    *_, last = clock.lines("aws-sm://zone/", AWS)
    assert "was not asked: what was asked before took 30 s" in last
    assert clock.time <= 31


def test_vaults_that_do_not_answer_take_half_a_minute_together() -> None:
    clock = Clock(IN)
    names = {f"DISPATCH_SECRET_{name}": f"azure-kv://vault-{name}/hf" for name in FIVE}
    asked = {**names, **MSI}
    with pytest.raises(SecretError):
        resolved(asked, World(asked, clock.send, clock.sleep, lambda: 1.8e9, lambda: clock.time))
    assert clock.time <= 31


def test_who_is_refused_once_is_not_asked_for_the_next_secret() -> None:
    clock = Clock({CONTAINER: said(403, {"message": "no"})})
    lines = clock.lines("aws-sm://zone/", AWS)
    assert clock.calls == 1
    assert len({line.partition("): ")[2] for line in lines}) == 1
